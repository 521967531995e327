// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { AddressAlias } from "../lib/AddressAlias.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { LiquidityController } from "./LiquidityController.sol";
import { L2ToL1MessagePasser } from "./L2ToL1MessagePasser.sol";

/// @notice What the L2 bridge has the portal call on the L1.
interface IL1OpenBridge {
    function finalizeWithdrawal(address from, address to, uint256 amount) external;
}

/// @title L2OpenBridge
/// @notice L2 side of the OPEN bridge, an authorised minter of the LiquidityController: what the L1 bridge locks is
///         released here, what is burned here is released there. Predeploy 0x4f4c…0020.
contract L2OpenBridge is Initializable {
    event DepositFinalized(address indexed from, address indexed to, uint256 amount);
    event DepositHeld(address indexed from, address indexed to, uint256 amount);
    event HeldDepositClaimed(address indexed owner, address indexed to, uint256 amount);
    event WithdrawalInitiated(address indexed from, address indexed to, uint256 amount);

    error NotL1Bridge(address sender);
    error ZeroAmount();
    error ZeroAddress();
    error NothingHeld(address owner);

    /// @notice L1 gas of a withdrawal: the token's transfer to a new holder, with room.
    uint256 public constant WITHDRAWAL_GAS_LIMIT = 150_000;

    address public l1Bridge;
    /// @notice Deposits whose release failed, by owner; see `claimHeld`.
    mapping(address owner => uint256) public held;

    constructor() {
        _disableInitializers();
    }

    function initialize(address l1Bridge_) external initializer {
        l1Bridge = l1Bridge_;
    }

    /// @notice Releases what the L1 bridge locked. A release that fails is kept for its owner: a deposit is never lost.
    function finalizeDeposit(address from, address to, uint256 amount) external {
        if (msg.sender != AddressAlias.aliasOf(l1Bridge)) revert NotL1Bridge(msg.sender);
        try _controller().mint(to, amount) {
            emit DepositFinalized(from, to, amount);
        } catch {
            held[to] += amount;
            emit DepositHeld(from, to, amount);
        }
    }

    /// @notice Releases the caller's held deposits to `to`.
    function claimHeld(address to) external {
        uint256 amount = held[msg.sender];
        if (amount == 0) revert NothingHeld(msg.sender);
        held[msg.sender] = 0;
        _controller().mint(to, amount);
        emit HeldDepositClaimed(msg.sender, to, amount);
    }

    /// @notice Burns the value here; `to` gets as many tokens on the L1 once the withdrawal is proven and final.
    function withdraw(address to) external payable {
        if (msg.value == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
        _controller().burn{ value: msg.value }();
        emit WithdrawalInitiated(msg.sender, to, msg.value);
        L2ToL1MessagePasser(payable(Predeploys.L2_TO_L1_MESSAGE_PASSER)).initiateWithdrawal(
            l1Bridge, WITHDRAWAL_GAS_LIMIT, abi.encodeCall(IL1OpenBridge.finalizeWithdrawal, (msg.sender, to, msg.value))
        );
    }

    function _controller() private pure returns (LiquidityController) {
        return LiquidityController(Predeploys.LIQUIDITY_CONTROLLER);
    }
}
