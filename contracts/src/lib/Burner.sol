// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Burner
/// @notice Destroys itself and its value in the transaction that creates it (EIP-6780).
contract Burner {
    constructor() payable {
        assembly {
            selfdestruct(address())
        }
    }
}
