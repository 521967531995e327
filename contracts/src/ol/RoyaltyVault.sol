// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Payout, POOL_KIND_STAKERS, POOL_KIND_TREASURY } from "../lib/MoneyTypes.sol";
import { PayoutTree } from "../lib/PayoutTree.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { RoyaltyPools } from "./RoyaltyPools.sol";

/// @title RoyaltyVault
/// @notice Holds what final epochs owe and pays it to whoever proves a payout. Predeploy 0x4f4c…0006.
///
/// A payout root says what each payee earned since the beginning, so one claim against any final root pays all that is
/// still unpaid, and a second one pays nothing. What is paid is booked before it is sent: a recipient that calls back finds
/// nothing more to claim, and what it did in a call that failed is undone with it. `balance = Σ credits − Σ claims + Σ pools`.
///
/// Anybody may claim for a payee, for the money goes where the payee said; what a pool is owed goes into the pool. A payee to
/// whom it matters when that happens reserves its claims to itself and its operators.
contract RoyaltyVault is IRoyaltyVault, Initializable, RoyaltyPools {
    /// @notice A payee's leaf `index` of the `count` leaves under the payout root of `epoch`.
    struct Claim {
        uint64 epoch;
        uint32 index;
        uint32 count;
        uint128 cumulative;
        bytes siblings;
    }

    struct Payee {
        /// @dev Paid since the beginning.
        uint128 paid;
        /// @dev The newest epoch that was claimed against.
        uint64 epoch;
        /// @dev Whether it named a recipient: spares everybody else's claim a look.
        bool redirected;
        /// @dev Whether only itself and its operators may claim for it.
        bool restricted;
    }

    event RootPublished(uint64 indexed epoch, bytes32 payoutRoot);
    event EpochCredited(uint128 credits, uint128 platform, uint128 stakers);
    event Claimed(address indexed payee, uint64 indexed epoch, uint256 amount, address recipient);
    event ClaimSkipped(address indexed payee, uint64 indexed epoch, uint256 amount, address recipient);
    event RecipientSet(address indexed payee, address recipient);
    event OperatorSet(address indexed payee, address indexed operator, bool allowed);
    event ClaimsRestricted(address indexed payee, bool restricted);

    error NotLedger(address caller);
    error NotMarket(address caller);
    error WrongValue(uint256 expected, uint256 actual);
    error RootExists(uint64 epoch);
    error NotFinal(uint64 epoch);
    error OlderThanLastClaim(uint64 epoch, uint64 lastClaimed);
    error BadProof(address payee, uint64 epoch);
    error NotOperator(address payee, address caller);
    error LengthMismatch(uint256 payees, uint256 claims);
    error TransferFailed(address recipient, uint256 amount);

    /// @notice Gas that a recipient gets in `claimMany`, where it must not use up what the others need.
    uint256 public constant RECIPIENT_GAS = 100_000;

    mapping(uint64 epoch => bytes32) public payoutRoot;
    mapping(address payee => Payee) public payees;
    /// @notice Where a payee's money goes; zero for the payee itself.
    mapping(address payee => address) public recipientOf;
    /// @notice Who may claim for a payee that restricted that; the money goes to the payee's recipient all the same.
    mapping(address payee => mapping(address operator => bool)) public isOperator;

    modifier onlyFor(address payee) {
        if (!mayClaimFor(payee, msg.sender)) revert NotOperator(payee, msg.sender);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @notice Gives the treasury's pool to the timelock.
    function initialize() external initializer {
        _setUnits(poolPayee(POOL_KIND_TREASURY, 0), Predeploys.TIMELOCK, 1);
    }

    // --- What final epochs bring ---

    /// @notice Makes an epoch's payouts claimable.
    function publishRoot(uint64 epoch, bytes32 root) external {
        if (msg.sender != Predeploys.ATTRIBUTION_LEDGER) revert NotLedger(msg.sender);
        if (payoutRoot[epoch] != bytes32(0)) revert RootExists(epoch);
        payoutRoot[epoch] = root;
        emit RootPublished(epoch, root);
    }

    /// @notice Takes a final epoch's money: credits for claims, the platform's part for the treasury, the stakers' part.
    function creditEpoch(uint128 credits, uint128 platform, uint128 stakers) external payable {
        if (msg.sender != Predeploys.INFERENCE_MARKET) revert NotMarket(msg.sender);
        uint256 expected = uint256(credits) + platform + stakers;
        if (msg.value != expected) revert WrongValue(expected, msg.value);
        emit EpochCredited(credits, platform, stakers);
        if (platform > 0) _fund(poolPayee(POOL_KIND_TREASURY, 0), platform);
        if (stakers > 0) _fund(poolPayee(POOL_KIND_STAKERS, 0), stakers);
    }

    // --- Claims ---

    /// @notice Pays the caller what the root owes beyond what it was paid; zero where that is nothing.
    function claim(Claim calldata proof) external returns (uint256) {
        return claimFor(msg.sender, proof);
    }

    /// @notice `claim` for another, paid to the payee's recipient, or into the pool that the payee stands for.
    function claimFor(address payee, Claim calldata proof) public onlyFor(payee) returns (uint256 amount) {
        amount = _book(payee, proof);
        if (amount == 0) return 0;
        address recipient = _recipient(payee);
        emit Claimed(payee, proof.epoch, amount, recipient);
        if (!_deliver(recipient, amount, gasleft())) revert TransferFailed(recipient, amount);
    }

    /// @notice `claimFor` many at once. Who cannot be paid, or does not want to be, is skipped and loses nothing, and so is who
    ///         was paid against a newer root meanwhile; a wrong proof fails the call.
    function claimMany(address[] calldata payees_, Claim[] calldata proofs)
        external
        returns (uint256 total)
    {
        if (payees_.length != proofs.length) revert LengthMismatch(payees_.length, proofs.length);
        for (uint256 i = 0; i < payees_.length; i++) total += _claimOrSkip(payees_[i], proofs[i]);
    }

    /// @notice Moves what a root owes a pool into that pool.
    function claimToPool(uint8 kind, uint64 id, Claim calldata proof) external returns (uint256) {
        return claimFor(poolPayee(kind, id), proof);
    }

    /// @notice Pays a member's share of a pool to the member's recipient.
    function claimPool(uint8 kind, uint64 id, address member)
        external
        onlyFor(member)
        returns (uint256 amount)
    {
        address pool = poolPayee(kind, id);
        amount = _take(pool, member);
        if (amount == 0) return 0;
        address recipient = _recipient(member);
        emit PoolClaimed(pool, member, amount, recipient);
        if (!_deliver(recipient, amount, gasleft())) revert TransferFailed(recipient, amount);
    }

    function setRecipient(address recipient) external {
        recipientOf[msg.sender] = recipient;
        payees[msg.sender].redirected = recipient != address(0);
        emit RecipientSet(msg.sender, recipient);
    }

    function setOperator(address operator, bool allowed) external {
        isOperator[msg.sender][operator] = allowed;
        emit OperatorSet(msg.sender, operator, allowed);
    }

    /// @notice Reserves the caller's claims, of payouts and of pools, to itself and its operators, or opens them to all again.
    function restrictClaims(bool restricted) external {
        payees[msg.sender].restricted = restricted;
        emit ClaimsRestricted(msg.sender, restricted);
    }

    function mayClaimFor(address payee, address caller) public view returns (bool) {
        return caller == payee || !payees[payee].restricted || isOperator[payee][caller];
    }

    // --- Internals ---

    function _claimOrSkip(address payee, Claim calldata proof) private returns (uint256 amount) {
        Payee memory before = payees[payee];
        // Cumulative payouts never fall: an older root owes nothing that a newer one did not pay.
        if (proof.epoch < before.epoch) return 0;
        amount = _book(payee, proof);
        if (amount == 0) return 0;
        address recipient = _recipient(payee);
        if (mayClaimFor(payee, msg.sender) && _deliver(recipient, amount, RECIPIENT_GAS)) {
            emit Claimed(payee, proof.epoch, amount, recipient);
        } else {
            payees[payee] = before;
            emit ClaimSkipped(payee, proof.epoch, amount, recipient);
            amount = 0;
        }
    }

    /// @dev Checks the proof and books what it newly owes as paid.
    function _book(address payee, Claim calldata proof) private returns (uint256 amount) {
        bytes32 root = payoutRoot[proof.epoch];
        if (root == bytes32(0)) revert NotFinal(proof.epoch);
        Payee memory last = payees[payee];
        if (proof.epoch < last.epoch) revert OlderThanLastClaim(proof.epoch, last.epoch);
        Payout memory payout = Payout(proof.index, payee, proof.cumulative);
        if (!PayoutTree.opens(root, proof.count, payout, proof.siblings)) revert BadProof(payee, proof.epoch);
        if (proof.cumulative <= last.paid) return 0;
        amount = proof.cumulative - last.paid;
        (last.paid, last.epoch) = (proof.cumulative, proof.epoch);
        payees[payee] = last;
    }

    function _recipient(address payee) private view returns (address) {
        return payees[payee].redirected ? recipientOf[payee] : payee;
    }

    /// @dev Funds a pool, or sends without reading what comes back: a recipient cannot make its answer expensive.
    function _deliver(address to, uint256 amount, uint256 gasLimit) private returns (bool ok) {
        if (MoneyHashes.isPool(to)) {
            _fund(to, amount);
            return true;
        }
        assembly ("memory-safe") {
            ok := call(gasLimit, to, amount, 0, 0, 0, 0)
        }
    }
}
