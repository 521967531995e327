// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { BatchHashes } from "../lib/BatchHashes.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Segment } from "../lib/MoneyTypes.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";

/// @title MarketChannels
/// @notice Deposits of the InferenceMarket: one channel for each pair of payer and worker, debited under the payer's vouchers.
///
/// A deposit leaves its channel only after a delay longer than a receipt window: until then the worker can settle what it
/// served. What is owed to an account itself (requests, refunds) waits in `refundOf` and is fetched.
abstract contract MarketChannels is IInferenceMarket, ReentrancyGuardTransient {
    /// @dev Two halves in one word.
    struct Word {
        uint256 value;
    }

    /// @dev One word, `balance` in its low half. `spent` counts all debits ever and never falls: a voucher's `cumulativeCap`
    ///      limits it, so that no voucher pays twice.
    struct Channel {
        uint128 balance;
        uint128 spent;
    }

    struct Withdrawal {
        uint128 amount;
        uint64 availableAt;
    }

    event PayerDeposited(bytes32 indexed channel, address indexed payer, address indexed worker, uint256 amount);
    event WithdrawalRequested(bytes32 indexed channel, uint128 amount, uint64 availableAt);
    event WithdrawalCancelled(bytes32 indexed channel);
    event PayerWithdrawn(bytes32 indexed channel, address indexed payer, address to, uint256 amount);
    event ChannelRefunded(bytes32 indexed channel, uint64 indexed batchId, uint256 amount);
    event RefundClaimed(address indexed account, address indexed to, uint256 amount);
    event HomeBound(address indexed payer, address indexed home);

    error ZeroAmount();
    error ZeroAddress();
    error ChannelTooPoor(bytes32 channel, uint256 needed, uint256 balance);
    /// @notice The voucher does not reach so far: it was settled before, or is older than one that was.
    error AboveVoucher(bytes32 channel, uint256 cumulative, uint256 cumulativeCap);
    error VoucherExpired(bytes32 channel, uint256 deadline);
    error NotSignedByPayer(bytes32 channel, address signer);
    error NoWithdrawal(bytes32 channel);
    error TooEarly(bytes32 channel, uint64 availableAt);
    error NothingOwed(address account);
    error TransferFailed(address to, uint256 amount);
    /// @notice What the payer's channels give back goes to its home, which decides about it.
    error BoundToHome(address payer, address home);
    error NotHome(address payer, address caller);

    /// @notice Seconds between a withdrawal's request and its payment.
    uint64 public withdrawalDelay;
    mapping(bytes32 channel => Word) private _channels;
    mapping(bytes32 channel => Withdrawal) public withdrawals;
    /// @notice Wei that an account can fetch.
    mapping(address account => uint256) public refundOf;
    /// @notice Where a payer's channels give their money back; zero where it decides each time.
    mapping(address payer => address) public homeOf;

    /// @notice Adds to the caller's channel with a worker.
    function deposit(address worker) external payable {
        _deposit(msg.sender, worker);
    }

    /// @notice Adds to another's channel with a worker; it is theirs from now on.
    function depositFor(address payer, address worker) external payable {
        _deposit(payer, worker);
    }

    /// @notice From now on and for good, all that the caller's channels give back goes to `home`, which alone asks for it: who is
    ///         trusted with a deposit to sign vouchers can then spend it on answers and nothing else.
    function bindHome(address home) external {
        if (home == address(0)) revert ZeroAddress();
        _requireFree(msg.sender);
        homeOf[msg.sender] = home;
        emit HomeBound(msg.sender, home);
    }

    /// @notice Asks for `amount` of the caller's channel, in place of what was asked for before. It can be debited until it is
    ///         paid, which can be at any time after the delay: a worker counts on what is not asked for.
    function requestWithdrawal(address worker, uint128 amount) external {
        _requireFree(msg.sender);
        _requestWithdrawal(msg.sender, worker, amount);
    }

    /// @notice The same of a payer whose home the caller is.
    function recall(address payer, address worker, uint128 amount) external {
        if (homeOf[payer] != msg.sender) revert NotHome(payer, msg.sender);
        _requestWithdrawal(payer, worker, amount);
    }

    function cancelWithdrawal(address worker) external {
        _requireFree(msg.sender);
        bytes32 channel = MoneyHashes.channelOf(msg.sender, worker);
        if (withdrawals[channel].availableAt == 0) revert NoWithdrawal(channel);
        delete withdrawals[channel];
        emit WithdrawalCancelled(channel);
    }

    /// @notice Pays what the caller asked for, or what is left of it.
    function withdraw(address worker, address to) external nonReentrant returns (uint256 amount) {
        _requireFree(msg.sender);
        return _withdraw(msg.sender, worker, to);
    }

    /// @notice Pays what the payer's home asked for; anyone may send it there.
    function withdrawHome(address payer, address worker) external nonReentrant returns (uint256 amount) {
        address home = homeOf[payer];
        if (home == address(0)) revert NotHome(payer, home);
        return _withdraw(payer, worker, home);
    }

    /// @notice Pays what is owed to the caller.
    function claimRefund(address to) external nonReentrant returns (uint256 amount) {
        amount = refundOf[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        delete refundOf[msg.sender];
        emit RefundClaimed(msg.sender, to, amount);
        _send(to, amount);
    }

    function channels(bytes32 channel) external view returns (Channel memory) {
        uint256 state = _channels[channel].value;
        return Channel(uint128(state), uint128(state >> 128));
    }

    /// @dev Debits a segment's fee from its channel, to the caller's benefit.
    /// @param domain of what is signed
    function _debit(
        Segment calldata segment,
        bytes32 channel,
        uint256 fee,
        uint256 cumulativeCap,
        uint256 deadline,
        bytes32 domain
    ) internal {
        if (block.timestamp > deadline) revert VoucherExpired(channel, deadline);
        (address signer, bytes32 signed) = BatchHashes.signerOf(segment, domain);
        if (signed != channel || signer == address(0)) revert NotSignedByPayer(channel, signer);
        Word storage word = _channels[channel];
        uint256 state = word.value;
        if (fee > uint128(state)) revert ChannelTooPoor(channel, fee, uint128(state));
        unchecked {
            // No overflow: what is spent was deposited before.
            uint256 spent = (state >> 128) + fee;
            if (spent > cumulativeCap) revert AboveVoucher(channel, spent, cumulativeCap);
            // Out of the low half into the high one.
            word.value = state + (fee << 128) - fee;
        }
    }

    function _creditChannel(bytes32 channel, uint64 batchId, uint128 amount) internal {
        _channels[channel].value += amount;
        emit ChannelRefunded(channel, batchId, amount);
    }

    function _requireFree(address payer) private view {
        address home = homeOf[payer];
        if (home != address(0)) revert BoundToHome(payer, home);
    }

    function _requestWithdrawal(address payer, address worker, uint128 amount) private {
        bytes32 channel = MoneyHashes.channelOf(payer, worker);
        if (amount == 0) revert ZeroAmount();
        uint128 balance = uint128(_channels[channel].value);
        if (amount > balance) revert ChannelTooPoor(channel, amount, balance);
        uint64 availableAt = uint64(block.timestamp) + withdrawalDelay;
        withdrawals[channel] = Withdrawal(amount, availableAt);
        emit WithdrawalRequested(channel, amount, availableAt);
    }

    function _withdraw(address payer, address worker, address to) private returns (uint256 amount) {
        bytes32 channel = MoneyHashes.channelOf(payer, worker);
        Withdrawal memory asked = withdrawals[channel];
        if (asked.availableAt == 0) revert NoWithdrawal(channel);
        if (block.timestamp < asked.availableAt) revert TooEarly(channel, asked.availableAt);
        uint128 balance = uint128(_channels[channel].value);
        amount = asked.amount < balance ? asked.amount : balance;
        delete withdrawals[channel];
        _channels[channel].value -= amount;
        emit PayerWithdrawn(channel, payer, to, amount);
        _send(to, amount);
    }

    function _deposit(address payer, address worker) private {
        if (msg.value == 0) revert ZeroAmount();
        if (payer == address(0) || worker == address(0)) revert ZeroAddress();
        bytes32 channel = MoneyHashes.channelOf(payer, worker);
        // All wei there is fits the half.
        _channels[channel].value += msg.value;
        emit PayerDeposited(channel, payer, worker, msg.value);
    }

    function _send(address to, uint256 amount) private {
        if (to == address(0)) revert ZeroAddress();
        bool ok;
        assembly ("memory-safe") {
            // Nothing of the answer is read: it cannot be made expensive.
            ok := call(gas(), to, amount, 0, 0, 0, 0)
        }
        if (!ok) revert TransferFailed(to, amount);
    }
}
