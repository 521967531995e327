// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title SafeSend
/// @notice Sends its value to `recipient` whatever code stands there: the recipient gets exactly that much and cannot
///         refuse or react. A contract that destroys itself in its creating transaction is removed (EIP-6780).
contract SafeSend {
    constructor(address payable recipient) payable {
        // solc warns of selfdestruct; its one remaining meaning is the one used here.
        assembly {
            selfdestruct(recipient)
        }
    }
}
