// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BatchHeader } from "../../lib/MoneyTypes.sol";
import { OpenedReceipt } from "../../lib/Openings.sol";

/// @title ICheckerCommittee
/// @notice What the other contracts ask of the CheckerCommittee, 0x4f4c…0038.
interface ICheckerCommittee {
    /// @notice Who opened a case, and in which block; zeros where nobody did.
    function challengerOf(BatchHeader calldata header, uint32 index, uint8 kind, bytes32 evidence)
        external
        view
        returns (address challenger, uint64 since);
    /// @notice What a case has to bring, in wei.
    function openPrice() external view returns (uint256);
    /// @notice Only the contract that knows what a case of this kind may be about: SketchJudge of kind 1.
    function openFor(address challenger, uint8 kind, OpenedReceipt calldata opened, bytes32 evidence)
        external
        payable
        returns (bytes32 id);
}
