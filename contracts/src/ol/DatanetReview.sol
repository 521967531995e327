// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { POOL_KIND_ITEM, POOL_KIND_UNITS } from "../lib/MoneyTypes.sol";
import { Admission, Contribution, ContributionKind, DatanetKeys, Decision } from "./interfaces/IDatanets.sol";
import { ItemDisputes } from "./ItemDisputes.sol";
import { Predeploys } from "../lib/Predeploys.sol";

/// @title DatanetReview
/// @notice Staked validators of contributions: reviews of what waits for admission, disputes over what is there, proofs of
///         copies, and the pools of contributions that others labelled. Predeploy 0x4f4c…0033. docs/REVIEW.md
///
/// `balance = membersStake + membersUnbonding + owed + feesHeld + bondsHeld`, with equality unless someone forces wei in, and
/// `slashed = burned + rewarded`.
contract DatanetReview is ItemDisputes, Initializable {
    struct ItemPool {
        uint32 labels;
        /// @dev Of the item's income, for all its labels together; fixed with the first.
        uint16 labelsBps;
    }

    event ReviewDecided(uint64 indexed round, uint64 indexed contribId, bool accepted, uint16 score);
    event LabelShared(uint64 indexed contribId, uint64 indexed label, address indexed author, uint16 labelsBps, uint32 labels);
    event LabelDropped(uint64 indexed contribId, uint64 indexed label);

    error NotForValidators(uint64 contribId);
    error NotPending(uint64 contribId, Decision decision);
    error AlreadyUnderReview(uint64 contribId, uint64 round);
    error NotALabel(uint64 contribId);
    error NotAccepted(uint64 contribId, Decision decision);
    error AlreadyShared(uint64 label);
    error NoLabelShare(uint64 datanet);
    error TooManyLabels(uint64 contribId);

    /// @notice Least stake of a validator, in wei.
    uint128 public constant STAKE_MIN = 100 ether;
    /// @notice A contribution is accepted from this score on.
    uint16 public constant ACCEPT_FROM = 5_000;
    /// @notice Labels that share an item's income.
    uint32 public constant LABELS_MAX = 1_024;
    /// @notice Days until stake is paid back: above a dispute's 7 + 3 + 21.
    uint64 public constant UNBONDING_DAYS = 42;
    uint16 private constant BPS = 10_000;

    /// @notice The last round over a contribution that waits.
    mapping(uint64 contribId => uint64 round) public reviewOf;
    mapping(uint64 contribId => ItemPool) public itemPools;
    mapping(uint64 label => bool) public isSharing;
    mapping(uint64 contribId => mapping(address member => uint128)) private _labelUnits;

    constructor() {
        _disableInitializers();
    }

    /// @param day_ seconds of a day of reviews and disputes: 86,400, but in preset dev
    function initialize(uint64 day_) external initializer {
        day = day_;
        _initMembers(UNBONDING_DAYS * day_);
    }

    // --- Reviews ---

    /// @notice Opens the validators' round over a contribution that waits in a Datanet that admits by them. The value is their
    ///         pay.
    function openReview(uint64 contribId) external payable returns (uint64 round) {
        Contribution memory item = _contribution(contribId);
        if (DATANETS.parameter(item.datanet, DatanetKeys.ADMISSION) != uint256(Admission.Validators)) {
            revert NotForValidators(contribId);
        }
        if (item.decision != Decision.Pending) revert NotPending(contribId, item.decision);
        uint64 before = reviewOf[contribId];
        if (before != 0 && _isOpen(before)) revert AlreadyUnderReview(contribId, before);
        address[BARRED_MAX] memory barred = [item.author, DATANETS.ownerOf(item.datanet), address(0), address(0)];
        round = _openRoundOn(contribId, msg.value, barred);
        reviewOf[contribId] = round;
    }

    // --- Labels ---

    /// @notice Gives an accepted label or curation its part of its parent's income. All labels of an item share the part that the
    ///         Datanet sets for them when the first is shared, in equal parts; the rest stays the author's.
    function shareLabel(uint64 label) external {
        Contribution memory made = _contribution(label);
        if (made.kind == ContributionKind.Item || made.parent == 0) revert NotALabel(label);
        if (made.decision != Decision.Accepted) revert NotAccepted(label, made.decision);
        if (isSharing[label]) revert AlreadyShared(label);
        uint64 id = made.parent;
        Contribution memory item = _contribution(id);
        if (item.decision != Decision.Accepted) revert NotAccepted(id, item.decision);
        ItemPool storage pool = itemPools[id];
        if (pool.labels == 0) {
            pool.labelsBps = uint16(DATANETS.parameter(item.datanet, DatanetKeys.LABEL_SHARE));
            if (pool.labelsBps == 0 || pool.labelsBps > BPS) revert NoLabelShare(item.datanet);
            if (disputeOf[id] == 0) _redirect(id, MoneyHashes.poolPayee(POOL_KIND_ITEM, id));
        }
        if (pool.labels == LABELS_MAX) revert TooManyLabels(id);
        pool.labels++;
        isSharing[label] = true;
        _labelUnits[id][made.author] += pool.labelsBps;
        _setItemUnits(id, pool, item.author, made.author);
        emit LabelShared(id, label, made.author, pool.labelsBps, pool.labels);
    }

    // --- Proofs ---

    /// @notice Only SignatureProofs. Slashes a contribution, half to the challenger, and turns its income to the original's
    ///         author, or to the Datanet's pool where it has none. An open dispute over it is upheld.
    function refute(uint64 contribId, uint64 original, address challenger) external returns (uint256 amount) {
        if (msg.sender != Predeploys.SIGNATURE_PROOFS) revert NotAllowed(msg.sender);
        amount = DATANETS.slashBond(contribId, challenger);
        if (disputeOf[contribId] != 0) {
            _upholdByProof(contribId, original);
        } else {
            Contribution memory item = _contribution(contribId);
            _redirect(
                contribId, original == 0 ? MoneyHashes.poolPayee(POOL_KIND_UNITS, item.datanet) : payeeOf(original)
            );
            _onRefuted(contribId);
        }
    }

    // --- Views ---

    function memberStakeMin() public pure override returns (uint128) {
        return STAKE_MIN;
    }

    // --- Internals ---

    function _onClosed(uint64 round, uint64 contribId, bool decided, uint16 score) internal override {
        uint64 dispute = _disputeOfRound[round];
        if (dispute != 0) return _onVerdict(dispute, decided, score);
        // What is in dispute, or was withdrawn or refuted meanwhile, is not decided here.
        if (!decided || disputeOf[contribId] != 0 || _contribution(contribId).decision != Decision.Pending) return;
        bool accepted = score >= ACCEPT_FROM;
        emit ReviewDecided(round, contribId, accepted, score);
        DATANETS.decideBy(contribId, accepted, score, "validators");
    }

    function _isShared(uint64 contribId) internal view override returns (bool) {
        return itemPools[contribId].labels > 0;
    }

    /// @dev A refuted label earns nothing from now on.
    function _onRefuted(uint64 contribId) internal override {
        if (!isSharing[contribId]) return;
        Contribution memory made = _contribution(contribId);
        ItemPool storage pool = itemPools[made.parent];
        isSharing[contribId] = false;
        pool.labels--;
        _labelUnits[made.parent][made.author] -= pool.labelsBps;
        _setItemUnits(made.parent, pool, _contribution(made.parent).author, made.author);
        emit LabelDropped(made.parent, contribId);
    }

    /// @dev Of n labels each has `labelsBps` units and the author n times the rest, and what it labelled itself; without labels
    ///      the author has all.
    function _setItemUnits(uint64 id, ItemPool storage pool, address author, address labeller) private {
        uint128 rest = pool.labels == 0 ? 1 : uint128(pool.labels) * (BPS - pool.labelsBps);
        POOLS.setUnits(POOL_KIND_ITEM, id, author, rest + _labelUnits[id][author]);
        if (labeller != author) POOLS.setUnits(POOL_KIND_ITEM, id, labeller, _labelUnits[id][labeller]);
    }
}
