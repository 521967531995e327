// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Burner } from "../lib/Burner.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { Types } from "../lib/Types.sol";
import { L1Block } from "./L1Block.sol";

/// @title L2ToL1MessagePasser
/// @notice Records withdrawals, which the L1 portal proves against this contract's storage root. Predeploy 0x4200…0016.
///         Spec: protocol/withdrawals.md, custom-gas-token/withdrawals.md.
contract L2ToL1MessagePasser {
    event MessagePassed(
        uint256 indexed nonce,
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 gasLimit,
        bytes data,
        bytes32 withdrawalHash
    );
    event WithdrawerBalanceBurnt(uint256 indexed amount);

    error NotAllowedOnCGTMode();

    uint256 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;
    uint16 public constant MESSAGE_VERSION = 1;

    /// @dev Slot 0, which the portal's proof names.
    mapping(bytes32 withdrawalHash => bool) public sentMessages;
    uint240 internal msgNonce;

    function version() external pure returns (string memory) {
        return "1.2.0+openledger";
    }

    receive() external payable {
        initiateWithdrawal(msg.sender, RECEIVE_DEFAULT_GAS_LIMIT, "");
    }

    /// @notice Removes withdrawn ether from the L2's supply.
    function burn() external {
        uint256 balance = address(this).balance;
        new Burner{ value: balance }();
        emit WithdrawerBalanceBurnt(balance);
    }

    /// @notice Sends a message to the L1. Value would be ether there, so a chain with its own gas token refuses it.
    function initiateWithdrawal(address target, uint256 gasLimit, bytes memory data) public payable {
        if (msg.value > 0 && L1Block(Predeploys.L1_BLOCK).isCustomGasToken()) revert NotAllowedOnCGTMode();
        uint256 nonce = messageNonce();
        bytes32 withdrawalHash = Types.hash(
            Types.WithdrawalTransaction({
                nonce: nonce,
                sender: msg.sender,
                target: target,
                value: msg.value,
                gasLimit: gasLimit,
                data: data
            })
        );
        sentMessages[withdrawalHash] = true;
        emit MessagePassed(nonce, msg.sender, target, msg.value, gasLimit, data, withdrawalHash);
        unchecked {
            ++msgNonce;
        }
    }

    /// @notice The next message's nonce, with the message version in its two upper bytes.
    function messageNonce() public view returns (uint256) {
        return (uint256(MESSAGE_VERSION) << 240) | msgNonce;
    }
}
