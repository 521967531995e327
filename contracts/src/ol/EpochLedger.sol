// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { EpochRecord, EpochRecords, EpochState } from "../lib/EpochRecords.sol";
import { BatchHeader, EpochHeader, Totals } from "../lib/MoneyTypes.sol";
import { Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SafeSend } from "../lib/SafeSend.sol";
import { SumTrees } from "../lib/SumTrees.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";
import { AttributionRules } from "./AttributionRules.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title EpochLedger
/// @notice Epochs of the AttributionLedger: proposed with a bond, open to challenge for one window, then final and paid.
///
/// Of an epoch one word is stored, the hash that its EpochRecord opens; whoever acts on it brings the record, which
/// `EpochProposed` published. Epochs may stand on unfinal ones. A revert takes an epoch off the chain of epochs, and all
/// that stand on it with it: those are orphans, whose bonds go back.
abstract contract EpochLedger is AttributionRules {
    event EpochProposed(
        uint64 indexed epoch, address indexed proposer, EpochHeader header, uint128 bond, Totals totals
    );
    event EpochFinalized(uint64 indexed epoch, bytes32 payoutRoot);
    event EpochReverted(uint64 indexed epoch, uint64 lastEpoch, address indexed winner, uint256 reward, uint256 burned);
    event EpochOrphaned(uint64 indexed epoch, address indexed proposer, uint256 bond);
    event AttributorSet(address attributor);

    error NotDisputeGame(address caller);
    error AttributorFirst(address attributor);
    error TooEarly(uint256 until);
    error TooManyUnfinal(uint256 most);
    error WrongEpoch(uint64 expected, uint64 actual);
    error OrphanInPlace(uint64 epoch);
    error WrongParent(uint64 epoch);
    error WrongParentRoot(bytes32 expected, bytes32 actual);
    error WrongFirstBatch(uint64 expected, uint64 actual);
    error WrongLastBatch(uint64 least, uint64 actual);
    error WrongAlgo(bytes32 algoHash);
    error NothingToCredit(uint64 lastBatch);
    error WrongCreditsCount(uint256 expected, uint32 actual);
    error WrongPayoutSum(uint256 expected, uint128 actual);
    error CreditsAbovePool(uint128 creditsSum, uint128 pool);
    error RootNotOpened(bytes32 root);
    error BondTooSmall(uint256 required, uint256 given);
    error BatchNotOfEpoch(uint64 batchId);
    error UnknownEpoch(uint64 epoch);
    error WindowOpen(uint256 until);
    error DataOutstanding(uint64 epoch, uint32 requests);

    /// @dev Gas of the worst challenge, which the bond pays ten times over.
    uint256 private constant CHALLENGE_GAS = 1_000_000;
    uint256 private constant BOND_CHALLENGES = 10;
    uint256 private constant BOND_FLOOR = 1 ether;
    /// @dev The bond's part of the credits, in hundredths.
    uint256 private constant BOND_PERCENT = 1;
    /// @dev The attributor has the first 1/48 of a window after a batch matured.
    uint256 private constant PRIORITY_FRACTION = 48;

    /// @dev Epochs that can stand unfinal, plus one. Their places are written anew and never for the first time, which
    ///      costs a quarter; `initialize` fills them.
    uint256 private constant PLACES = 256;
    bytes32 private constant EMPTY = bytes32(uint256(1));

    /// @dev One slot, so that a proposal reads and writes it whole.
    struct Heads {
        address attributor;
        uint32 lastEpoch;
        uint32 finalEpoch;
        /// @dev The highest that was ever proposed: places above `lastEpoch` up to it hold orphans until they are released.
        uint32 highest;
    }

    Heads private _heads;
    /// @notice Seconds of a challenge window, of batches and of epochs alike.
    uint64 public window;
    /// @dev What the record of epoch n hashes to, at n modulo PLACES.
    bytes32[PLACES] private _places;
    /// @notice Open data requests, by the hash of the epoch.
    mapping(bytes32 hash => uint32) public openRequests;

    modifier onlyDisputeGame() {
        if (msg.sender != Predeploys.DISPUTE_GAME) revert NotDisputeGame(msg.sender);
        _;
    }

    /// @notice Who proposes first.
    function attributor() public view returns (address) {
        return _heads.attributor;
    }

    /// @notice The newest epoch that stands.
    function lastEpoch() public view returns (uint64) {
        return _heads.lastEpoch;
    }

    /// @notice The newest epoch that is final.
    function finalEpoch() public view returns (uint64) {
        return _heads.finalEpoch;
    }

    function setAttributor(address attributor_) external onlyMoneyTimelock {
        _setAttributor(attributor_);
    }

    /// @notice Proposes the epoch of the next mature batches, through any at which a maturing ended: what matures meanwhile
    ///         makes no proposal stale. The value is the bond.
    /// @param creditsTop,payoutTop top hashes of the two trees
    /// @param parent               what the epoch before committed to; zeros before the first
    function proposeEpoch(
        EpochHeader calldata header,
        bytes32 creditsTop,
        bytes32 payoutTop,
        EpochState calldata parent
    ) external payable {
        Heads memory heads = _heads;
        if (msg.sender != heads.attributor) revert AttributorFirst(heads.attributor);
        _propose(heads, header, creditsTop, payoutTop, parent);
    }

    /// @notice `proposeEpoch` for everyone, once the attributor had its time.
    /// @param mature a batch of the epoch that matured long enough ago
    function proposeLateEpoch(
        EpochHeader calldata header,
        bytes32 creditsTop,
        bytes32 payoutTop,
        EpochState calldata parent,
        BatchHeader calldata mature
    ) external payable {
        Openings.requireBatch(mature);
        if (mature.batchId < header.firstBatch || mature.batchId > header.lastBatch) {
            revert BatchNotOfEpoch(mature.batchId);
        }
        uint256 until = mature.committedAt + window + window / PRIORITY_FRACTION;
        if (block.timestamp < until) revert TooEarly(until);
        _propose(_heads, header, creditsTop, payoutTop, parent);
    }

    /// @notice Pays an unchallenged epoch out to the vault, once its window is over.
    function finalizeEpoch(EpochRecord calldata record, EpochState calldata parent) external {
        uint64 epoch = record.header.epoch;
        uint64 expected = _heads.finalEpoch + 1;
        if (epoch != expected) revert WrongEpoch(expected, epoch);
        bytes32 hash = _requireUnfinal(record);
        _requireParent(epoch, parent);
        uint256 until = windowEnd(record);
        if (block.timestamp < until) revert WindowOpen(until);
        if (openRequests[hash] > 0) revert DataOutstanding(epoch, openRequests[hash]);
        _heads.finalEpoch = uint32(epoch);
        _settle(record, parent.totals);
        IRoyaltyVault(Predeploys.ROYALTY_VAULT).publishRoot(epoch, record.header.payoutRoot, record.header.lastBatch);
        _pay(record.proposer, record.bond);
        emit EpochFinalized(epoch, record.header.payoutRoot);
    }

    /// @notice Takes back an epoch that was proven wrong: half of its bond to the winner, half burned.
    function revertEpoch(EpochRecord calldata record, address winner)
        external
        onlyDisputeGame
        returns (uint256 reward)
    {
        _requireUnfinal(record);
        reward = _revertEpoch(record, winner);
    }

    /// @notice Returns the bond of an epoch that stood on a reverted one and makes room for its successor.
    function releaseOrphan(EpochRecord calldata record) external {
        uint64 epoch = record.header.epoch;
        if (epoch <= _heads.lastEpoch || _places[epoch % PLACES] != EpochRecords.hash(record)) revert UnknownEpoch(epoch);
        _places[epoch % PLACES] = EMPTY;
        _pay(record.proposer, record.bond);
        emit EpochOrphaned(epoch, record.proposer, record.bond);
    }

    /// @notice `EpochRecords.hash` of the epoch that stands at this number; zero where none does, and where it has long been
    ///         final.
    function epochHash(uint64 epoch) public view returns (bytes32) {
        uint256 last = _heads.lastEpoch;
        bool kept = epoch > 0 && epoch <= last && epoch + PLACES > last;
        return kept ? _places[epoch % PLACES] : bytes32(0);
    }

    /// @notice Least bond of a proposal in this block.
    function requiredBond(uint128 creditsSum) public view returns (uint256) {
        uint256 challenges = BOND_CHALLENGES * CHALLENGE_GAS * block.basefee;
        return (challenges > BOND_FLOOR ? challenges : BOND_FLOOR) + uint256(creditsSum) * BOND_PERCENT / 100;
    }

    /// @notice The time from which an epoch may become final.
    function windowEnd(EpochRecord calldata record) public view returns (uint256) {
        return record.proposedAt + window;
    }

    /// @dev Writes the places once, where it costs nobody.
    function _fillPlaces() internal {
        for (uint256 i = 0; i < PLACES; i++) _places[i] = EMPTY;
    }

    function _setAttributor(address attributor_) internal {
        _heads.attributor = attributor_;
        emit AttributorSet(attributor_);
    }

    /// @dev The record's hash, where its epoch stands and is not final.
    function _requireUnfinal(EpochRecord calldata record) internal view returns (bytes32 hash) {
        uint64 epoch = record.header.epoch;
        hash = EpochRecords.hash(record);
        if (epoch <= _heads.finalEpoch || epochHash(epoch) != hash) revert UnknownEpoch(epoch);
    }

    function _revertEpoch(EpochRecord calldata record, address winner) internal returns (uint256 reward) {
        uint64 epoch = record.header.epoch;
        _heads.lastEpoch = uint32(epoch - 1);
        _places[epoch % PLACES] = EMPTY;
        reward = record.bond / 2;
        uint256 burned = record.bond - reward;
        emit EpochReverted(epoch, epoch - 1, winner, reward, burned);
        _pay(winner, reward);
        OpenBurner(Predeploys.OPEN_BURNER).burn{ value: burned }();
    }

    /// @dev Sends what the recipient can neither refuse nor react to.
    function _pay(address to, uint256 amount) internal {
        if (amount > 0) new SafeSend{ value: amount }(payable(to));
    }

    function _market() internal pure returns (IInferenceMarket) {
        return IInferenceMarket(Predeploys.INFERENCE_MARKET);
    }

    function _propose(
        Heads memory heads,
        EpochHeader calldata header,
        bytes32 creditsTop,
        bytes32 payoutTop,
        EpochState calldata parent
    ) private {
        uint64 epoch = heads.lastEpoch + 1;
        if (header.epoch != epoch) revert WrongEpoch(epoch, header.epoch);
        if (epoch - heads.finalEpoch >= PLACES) revert TooManyUnfinal(PLACES - 1);
        if (epoch <= heads.highest) {
            if (_places[epoch % PLACES] != EMPTY) revert OrphanInPlace(epoch);
        } else {
            heads.highest = uint32(epoch);
        }
        heads.lastEpoch = uint32(epoch);
        _requireParent(epoch, parent);
        if (!isAlgoInForce(header.algoHash, uint64(block.timestamp))) revert WrongAlgo(header.algoHash);
        Totals memory totals = _market().totalsAt(header.lastBatch);
        _checkHeader(header, parent, totals);
        _requireRoot(header.creditsRoot, header.creditsCount, header.creditsSum, creditsTop);
        _requireRoot(header.payoutRoot, header.payoutCount, header.payoutSum, payoutTop);
        uint256 required = requiredBond(header.creditsSum);
        if (msg.value < required) revert BondTooSmall(required, msg.value);
        _heads = heads;
        _places[epoch % PLACES] =
            EpochRecords.hashOf(header, msg.sender, uint64(block.timestamp), uint128(msg.value), totals);
        emit EpochProposed(epoch, msg.sender, header, uint128(msg.value), totals);
    }

    function _checkHeader(EpochHeader calldata header, EpochState calldata parent, Totals memory totals) private pure {
        if (header.parentRoot != parent.payoutRoot) revert WrongParentRoot(parent.payoutRoot, header.parentRoot);
        if (header.firstBatch != parent.lastBatch + 1) revert WrongFirstBatch(parent.lastBatch + 1, header.firstBatch);
        if (header.lastBatch < header.firstBatch) revert WrongLastBatch(header.firstBatch, header.lastBatch);
        uint256 entries = totals.entries - parent.totals.entries;
        if (entries == 0) revert NothingToCredit(header.lastBatch);
        if (header.creditsCount != entries) revert WrongCreditsCount(entries, header.creditsCount);
        uint256 payoutSum = uint256(parent.payoutSum) + header.creditsSum;
        if (header.payoutSum != payoutSum) revert WrongPayoutSum(payoutSum, header.payoutSum);
        uint128 pool = totals.payable_ - parent.totals.payable_;
        if (header.creditsSum > pool) revert CreditsAbovePool(header.creditsSum, pool);
    }

    /// @dev A tree without leaves would owe a sum that nobody could claim.
    function _requireRoot(bytes32 root, uint32 count, uint128 sum, bytes32 top) private pure {
        if (count == 0 || !SumTrees.isRoot(root, count, abi.encodePacked(sum), top)) revert RootNotOpened(root);
    }

    function _requireParent(uint64 epoch, EpochState calldata parent) private view {
        // No epoch stands for a state of zeros, of which no hash is kept.
        bool right = epoch == 1 ? EpochRecords.isZero(parent) : _places[(epoch - 1) % PLACES] == EpochRecords.hash(parent);
        if (!right) revert WrongParent(epoch - 1);
    }

    /// @dev Has the market pay the epoch's part of the running totals; dust goes to the stakers.
    function _settle(EpochRecord calldata record, Totals calldata before) private {
        Totals calldata totals = record.totals;
        uint128 credits = record.header.creditsSum;
        uint128 dust = totals.payable_ - before.payable_ - credits;
        _market().payEpoch(credits, totals.platform - before.platform, totals.stakers - before.stakers + dust);
    }
}
