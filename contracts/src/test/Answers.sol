// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { SafeSend } from "../lib/SafeSend.sol";

/// @title Answers
/// @notice Stands in the place of a contract in tests: returns what it was told to for a call, or else for its selector.
contract Answers {
    struct Answer {
        bool known;
        /// @dev Emits `Called`, so it cannot answer a static call.
        bool logged;
        uint256 pays;
        bytes result;
    }

    event Called(bytes data);

    error NoAnswer(bytes data);

    mapping(bytes32 callHash => Answer) private _answers;

    /// @param call_ calldata, or a selector alone
    /// @param pays  wei that the caller is sent
    function set(bytes calldata call_, bytes calldata result, bool logged, uint256 pays) external {
        _answers[keccak256(call_)] = Answer(true, logged, pays, result);
    }

    fallback(bytes calldata data) external payable returns (bytes memory) {
        Answer storage answer = _answers[keccak256(data)];
        if (!answer.known) answer = _answers[keccak256(data[:4])];
        if (!answer.known) revert NoAnswer(data);
        if (answer.logged) emit Called(data);
        if (answer.pays > 0) new SafeSend{ value: answer.pays }(payable(msg.sender));
        return answer.result;
    }

    receive() external payable {}
}
