// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { EvidenceRewards } from "./EvidenceRewards.sol";
import { IItemRewards } from "./interfaces/IItemRewards.sol";

interface IRefunds {
    function refundOf(address author) external view returns (uint256);
    function claimRefund(address payable to) external;
}

/// @title ItemRewards
/// @notice Half of the bond of a contribution that is shown false, and prices of signatures that are shown: all wait here, whichever
///         contract took the proof, so that one commitment protects against a copy of it in any form. docs/DATANETS.md §9.
///
/// `balance = Σ rewards that were not paid`, with equality unless someone forces wei in.
abstract contract ItemRewards is EvidenceRewards, IItemRewards {
    error NotAllowed(address caller);

    IRefunds private constant REGISTRY = IRefunds(Predeploys.DATANET_REGISTRY);

    /// @dev A bond's half, which the registry owed to this contract.
    receive() external payable {
        if (msg.sender != Predeploys.DATANET_REGISTRY) revert NotAllowed(msg.sender);
    }

    /// @inheritdoc IItemRewards
    function awardSlashed(uint64 contribId, address holder) external {
        _onlyProofs();
        _awardSlashed(contribId, holder);
    }

    /// @inheritdoc IItemRewards
    function awardShown(uint64 contribId, address holder) external payable {
        _onlyProofs();
        _award(_subject(Scope.Signature, contribId), msg.value, holder, uint64(block.number));
    }

    /// @dev Fetches what the registry owes this contract since a bond was slashed just now.
    function _awardSlashed(uint64 contribId, address holder) internal {
        uint256 reward = REGISTRY.refundOf(address(this));
        if (reward == 0) return;
        REGISTRY.claimRefund(payable(address(this)));
        _award(_subject(Scope.Contribution, contribId), reward, holder, uint64(block.number));
    }

    function _subject(Scope scope, uint64 contribId) private pure returns (bytes32) {
        return subjectOf(scope, bytes32(uint256(contribId)), 0);
    }

    function _onlyProofs() private view {
        if (msg.sender != Predeploys.SIGNATURE_PROOFS) revert NotAllowed(msg.sender);
    }
}
