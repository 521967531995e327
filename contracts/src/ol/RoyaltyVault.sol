// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Payout, POOL_KIND_STAKERS, POOL_KIND_TREASURY, POOL_KIND_UNITS } from "../lib/MoneyTypes.sol";
import { PayoutTree } from "../lib/PayoutTree.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
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
///
/// What a Datanet's units are owed is claimed epoch by epoch, each part for who held them then: a claim tells how much came
/// since the last, so between the two nothing may have come that was not claimed.
contract RoyaltyVault is Initializable, RoyaltyPools {
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
    /// @dev Through `epoch` nothing is owed to the pool that was not claimed.
    event EpochsPassed(address indexed pool, uint64 epoch);

    error NotLedger(address caller);
    error NotMarket(address caller);
    error WrongValue(uint256 expected, uint256 actual);
    error RootExists(uint64 epoch);
    error NotFinal(uint64 epoch);
    error OlderThanLastClaim(uint64 epoch, uint64 lastClaimed);
    error BadProof(address payee, uint64 epoch);
    error EpochsBetween(uint64 lastClaimed, uint64 epoch);
    error NotAbsent(address pool, uint64 epoch);
    error NotOperator(address payee, address caller);
    error LengthMismatch(uint256 payees, uint256 claims);
    error TransferFailed(address recipient, uint256 amount);

    /// @notice Gas that a recipient gets in `claimMany`, where it must not use up what the others need.
    uint256 public constant RECIPIENT_GAS = 100_000;

    mapping(uint64 epoch => bytes32) public payoutRoot;
    /// @notice For whom an epoch's income of Datanets' units counts: who held them at this time.
    mapping(uint64 epoch => uint64) public snapshotOf;
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

    /// @inheritdoc IRoyaltyVault
    function publishRoot(uint64 epoch, bytes32 root, uint64 lastBatch) external {
        if (msg.sender != Predeploys.ATTRIBUTION_LEDGER) revert NotLedger(msg.sender);
        if (payoutRoot[epoch] != bytes32(0)) revert RootExists(epoch);
        payoutRoot[epoch] = root;
        snapshotOf[epoch] = IInferenceMarket(Predeploys.INFERENCE_MARKET).committedAtOf(lastBatch);
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
        if (!_deliverClaim(payee, proof.epoch, recipient, amount, gasleft())) revert TransferFailed(recipient, amount);
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

    /// @notice Moves what a root owes a pool into that pool. Of a Datanet's pool: what one epoch brought it. The proof is of the
    ///         epoch after the last claimed, or shows that nothing came since, and so passes all epochs through its own.
    function claimToPool(uint8 kind, uint64 id, Claim calldata proof) external returns (uint256) {
        return claimFor(poolPayee(kind, id), proof);
    }

    /// @notice Passes all epochs through `epoch`, under whose root a Datanet's pool does not stand: that was never owed anything.
    /// @param payees_,proofs the two neighbours between which it would stand, or the one where that is the first or the last
    function passEpochs(uint64 id, uint64 epoch, address[] calldata payees_, Claim[] calldata proofs) external {
        address pool = poolPayee(POOL_KIND_UNITS, id);
        if (payees_.length != proofs.length) revert LengthMismatch(payees_.length, proofs.length);
        if (epoch <= payees[pool].epoch) revert OlderThanLastClaim(epoch, payees[pool].epoch);
        for (uint256 i = 0; i < proofs.length; i++) _requireOpens(payees_[i], proofs[i]);
        if (!_isBetween(pool, epoch, payees_, proofs)) revert NotAbsent(pool, epoch);
        _passThrough(pool, epoch);
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
        if (
            mayClaimFor(payee, msg.sender) && _deliverClaim(payee, proof.epoch, recipient, amount, RECIPIENT_GAS)
        ) {
            emit Claimed(payee, proof.epoch, amount, recipient);
        } else {
            payees[payee] = before;
            emit ClaimSkipped(payee, proof.epoch, amount, recipient);
            amount = 0;
        }
    }

    /// @dev Checks the proof and books what it newly owes as paid.
    function _book(address payee, Claim calldata proof) private returns (uint256 amount) {
        Payee memory last = payees[payee];
        if (proof.epoch < last.epoch) revert OlderThanLastClaim(proof.epoch, last.epoch);
        _requireOpens(payee, proof);
        if (MoneyHashes.isUnitsPool(payee)) {
            if (proof.cumulative == last.paid) {
                if (proof.epoch > last.epoch) _passThrough(payee, proof.epoch);
                return 0;
            }
            if (proof.epoch > last.epoch + 1) revert EpochsBetween(last.epoch, proof.epoch);
        }
        if (proof.cumulative <= last.paid) return 0;
        amount = proof.cumulative - last.paid;
        (last.paid, last.epoch) = (proof.cumulative, proof.epoch);
        payees[payee] = last;
    }

    function _requireOpens(address payee, Claim calldata proof) private view {
        bytes32 root = payoutRoot[proof.epoch];
        if (root == bytes32(0)) revert NotFinal(proof.epoch);
        Payout memory payout = Payout(proof.index, payee, proof.cumulative);
        if (!PayoutTree.opens(root, proof.count, payout, proof.siblings)) revert BadProof(payee, proof.epoch);
    }

    /// @dev Whether the opened payouts of the epoch leave no place for the pool's: payouts are strictly ascending by payee.
    function _isBetween(address pool, uint64 epoch, address[] calldata payees_, Claim[] calldata proofs)
        private
        pure
        returns (bool)
    {
        uint256 n = proofs.length;
        if (n == 0 || n > 2 || proofs[0].epoch != epoch || proofs[n - 1].epoch != epoch) return false;
        if (n == 2) {
            return payees_[0] < pool && pool < payees_[1] && proofs[1].index == proofs[0].index + 1;
        }
        return pool < payees_[0] ? proofs[0].index == 0 : pool > payees_[0] && proofs[0].index + 1 == proofs[0].count;
    }

    function _passThrough(address pool, uint64 epoch) private {
        payees[pool].epoch = epoch;
        emit EpochsPassed(pool, epoch);
    }

    function _recipient(address payee) private view returns (address) {
        return payees[payee].redirected ? recipientOf[payee] : payee;
    }

    /// @dev What a Datanet's pool was owed by an epoch counts for that epoch's time; all else is delivered as it is.
    function _deliverClaim(address payee, uint64 epoch, address to, uint256 amount, uint256 gasLimit)
        private
        returns (bool)
    {
        if (payee != to || !MoneyHashes.isUnitsPool(to)) return _deliver(to, amount, gasLimit);
        _fundUnits(to, amount, epoch, snapshotOf[epoch]);
        return true;
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
