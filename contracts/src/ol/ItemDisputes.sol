// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { POOL_KIND_ESCROW, POOL_KIND_ITEM, POOL_KIND_UNITS } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { Contribution, Decision, IDatanets } from "./interfaces/IDatanets.sol";
import { ReviewRounds } from "./ReviewRounds.sol";

interface IAuthorPayouts {
    function payoutAt(address author, uint64 epoch) external view returns (address);
}

interface IModelsOn {
    function modelsOn(uint64 datanet) external view returns (uint32);
}

interface IItemPools {
    function setUnits(uint8 kind, uint64 id, address member, uint128 units) external;
}

/// @title ItemDisputes
/// @notice Disputes over contributions: what is wrong with one, decided by staked validators, one appeal to the Governor.
///
/// From the notice of `redirectPayout` on, what the contribution earns goes to the dispute's own pool, and past credits stay
/// who they were. Whoever wins gets the pool to the wei, and all that comes later. Where nobody decides the contributor wins. A
/// lost bond is half burned; the other half goes to the other side. PROTOCOL §6, docs/REVIEW.md
abstract contract ItemDisputes is ReviewRounds {
    enum Ground { Duplicate, Plagiarism, Poison, Licence, Consent, MediaType }
    enum Verdict { None, Dismissed, Upheld }
    enum DisputeState { None, Voting, Decided, Appealed, Ruled, Settled }

    struct Dispute {
        uint64 contribution;
        /// @dev What it is a copy of, if the challenger named it; else zero.
        uint64 original;
        uint64 round;
        Ground ground;
        DisputeState state;
        Verdict verdict;
        /// @dev When the validators' round closed, then when the appeal was made.
        uint64 since;
        address challenger;
        address appellant;
        uint128 bond;
        uint128 appealBond;
    }

    event ContributionChallenged(
        uint64 indexed dispute,
        uint64 indexed contribId,
        address indexed challenger,
        Ground ground,
        uint64 original,
        bytes32 evidence,
        uint64 round,
        uint256 bond
    );
    event DisputeVerdict(uint64 indexed dispute, Verdict verdict, uint64 appealUntil);
    event DisputeAppealed(uint64 indexed dispute, address indexed appellant, uint256 bond, uint64 rulingUntil);
    event DisputeRuled(uint64 indexed dispute, Verdict verdict);
    /// @param escrowTo whoever gets what the dispute's pool holds and what comes to it later
    /// @param slashed  of the contribution's bond, or of the challenger's
    event DisputeSettled(
        uint64 indexed dispute, uint64 indexed contribId, bool upheld, address escrowTo, uint256 slashed
    );

    error WrongBond(uint256 expected, uint256 actual);
    error AlreadyDisputed(uint64 dispute);
    error NotDisputable(uint64 contribId, Decision decision);
    error BadOriginal(uint64 original);
    error OwnContribution(uint64 contribId);
    error WrongState(uint64 dispute, DisputeState state);
    error NotParty(address account);
    error NotAllowed(address caller);

    /// @notice Wei of bond for each model that was trained on the Datanet.
    uint128 public constant BOND_PER_MODEL = 1 ether;
    /// @notice Least bond of an appeal, in wei.
    uint128 public constant APPEAL_BOND_MIN = 1 ether;
    /// @notice Days to appeal, and days that the Governor has: its delay, two weeks of votes and the timelock fit.
    uint64 public constant APPEAL_DAYS = 3;
    uint64 public constant RULING_DAYS = 21;
    /// @notice Scores of half or more uphold a challenge.
    uint16 public constant UPHELD_FROM = 5_000;

    IDatanets internal constant DATANETS = IDatanets(Predeploys.DATANET_REGISTRY);
    IItemPools internal constant POOLS = IItemPools(Predeploys.ROYALTY_VAULT);

    uint64 public disputeCount;
    /// @notice Wei of bonds of disputes that are not settled.
    uint256 public bondsHeld;
    /// @notice The open dispute over a contribution; zero where there is none.
    mapping(uint64 contribId => uint64) public disputeOf;
    mapping(uint64 dispute => Dispute) private _disputes;
    mapping(uint64 round => uint64 dispute) internal _disputeOfRound;

    /// @notice Opens a dispute. The value is `challengeBond` and the price of the validators' round, at least `ROUND_FEE`.
    /// @param original the contribution that this one copies; zero where that is not known or not the ground
    /// @param evidence hash of what the challenger shows the validators
    function challenge(uint64 contribId, Ground ground, uint64 original, bytes32 evidence)
        external
        payable
        returns (uint64 id)
    {
        Contribution memory item = _contribution(contribId);
        if (disputeOf[contribId] != 0) revert AlreadyDisputed(disputeOf[contribId]);
        bool live = item.decision == Decision.Pending || item.decision == Decision.Accepted
            || (item.decision == Decision.Withdrawn && DATANETS.bondOf(contribId) > 0);
        if (!live) revert NotDisputable(contribId, item.decision);
        if (msg.sender == item.author) revert OwnContribution(contribId);
        address victim = _requireOriginal(contribId, ground, original);
        uint256 bond = challengeBond(contribId);
        if (msg.value < bond + ROUND_FEE) revert WrongBond(bond + ROUND_FEE, msg.value);
        id = ++disputeCount;
        address[BARRED_MAX] memory barred = [item.author, DATANETS.ownerOf(item.datanet), msg.sender, victim];
        uint64 round = _openRoundOn(contribId, msg.value - bond, barred);
        Dispute storage dispute = _disputes[id];
        (dispute.contribution, dispute.original, dispute.ground) = (contribId, original, ground);
        (dispute.challenger, dispute.bond, dispute.round) = (msg.sender, uint128(bond), round);
        dispute.state = DisputeState.Voting;
        _disputeOfRound[round] = id;
        disputeOf[contribId] = id;
        bondsHeld += bond;
        emit ContributionChallenged(id, contribId, msg.sender, ground, original, evidence, round, bond);
        DATANETS.hold(contribId);
        _redirect(contribId, MoneyHashes.poolPayee(POOL_KIND_ESCROW, id));
    }

    /// @notice Takes the validators' verdict to the Governor, once: the author or the challenger, against what was decided.
    function appeal(uint64 id) external payable {
        Dispute storage dispute = _disputes[id];
        if (dispute.state != DisputeState.Decided) revert WrongState(id, dispute.state);
        _requireBefore(dispute.since + APPEAL_DAYS * day);
        if (msg.sender != loserOf(id)) revert NotParty(msg.sender);
        uint128 bond = appealBondOf(id);
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        (dispute.state, dispute.since) = (DisputeState.Appealed, uint64(block.timestamp));
        (dispute.appellant, dispute.appealBond) = (msg.sender, bond);
        bondsHeld += bond;
        emit DisputeAppealed(id, msg.sender, bond, dispute.since + RULING_DAYS * day);
    }

    /// @notice What the Governor decided of an appeal.
    function rule(uint64 id, bool upheld) external {
        if (msg.sender != Predeploys.TIMELOCK) revert NotAllowed(msg.sender);
        Dispute storage dispute = _disputes[id];
        if (dispute.state != DisputeState.Appealed) revert WrongState(id, dispute.state);
        _requireBefore(dispute.since + RULING_DAYS * day);
        _rule(id, dispute, upheld ? Verdict.Upheld : Verdict.Dismissed);
    }

    /// @notice Carries a final verdict out: after the time to appeal, after the Governor's ruling, or after its time for one.
    function settle(uint64 id) external {
        Dispute storage dispute = _disputes[id];
        DisputeState state = dispute.state;
        if (state == DisputeState.Decided || state == DisputeState.Appealed) {
            _requireAfter(dispute.since + (state == DisputeState.Decided ? APPEAL_DAYS : RULING_DAYS) * day);
        } else if (state != DisputeState.Ruled) {
            revert WrongState(id, state);
        }
        dispute.state = DisputeState.Settled;
        uint64 contribId = dispute.contribution;
        delete disputeOf[contribId];
        DATANETS.unhold(contribId);
        Contribution memory item = _contribution(contribId);
        // What was proven meanwhile needs no opinion.
        bool upheld = dispute.verdict == Verdict.Upheld || item.decision == Decision.Slashed;
        address winner = upheld ? dispute.challenger : item.author;
        // An appeal that changed nothing costs its bond.
        _release(dispute.appealBond, dispute.appellant, winner, dispute.appellant == winner);
        _release(dispute.bond, dispute.challenger, winner, upheld);
        address escrowTo;
        uint256 lost = dispute.bond;
        if (upheld) {
            lost = DATANETS.slashBond(contribId, dispute.challenger);
            escrowTo = dispute.original == 0
                ? MoneyHashes.poolPayee(POOL_KIND_UNITS, item.datanet)
                : payeeOf(dispute.original);
            _onRefuted(contribId);
        } else {
            escrowTo = payeeOf(contribId);
            _redirect(contribId, _isShared(contribId) ? escrowTo : address(0));
        }
        POOLS.setUnits(POOL_KIND_ESCROW, id, escrowTo, 1);
        emit DisputeSettled(id, contribId, upheld, escrowTo, lost);
    }

    // --- Views ---

    function disputes(uint64 id) external view returns (Dispute memory) {
        return _disputes[id];
    }

    /// @notice Wei that answer for a challenge: the contribution's bond, or 1 OPEN for each model on its Datanet if that is more.
    function challengeBond(uint64 contribId) public view returns (uint256) {
        uint64 datanet = _contribution(contribId).datanet;
        uint256 ofModels = BOND_PER_MODEL * uint256(IModelsOn(Predeploys.MODEL_REGISTRY).modelsOn(datanet));
        uint256 ofItem = DATANETS.bondOf(contribId);
        return ofItem > ofModels ? ofItem : ofModels;
    }

    /// @notice Wei that an appeal costs: as much as the challenge, at least `APPEAL_BOND_MIN`.
    function appealBondOf(uint64 id) public view returns (uint128) {
        uint128 bond = _disputes[id].bond;
        return bond > APPEAL_BOND_MIN ? bond : APPEAL_BOND_MIN;
    }

    /// @notice Against whom a dispute stands now: the author where it is upheld, else the challenger.
    function loserOf(uint64 id) public view returns (address) {
        Dispute storage dispute = _disputes[id];
        return dispute.verdict == Verdict.Upheld
            ? _contribution(dispute.contribution).author
            : dispute.challenger;
    }

    /// @notice Where a contribution's income belongs that no dispute holds back: its own pool, or its author's payout address.
    function payeeOf(uint64 contribId) public view returns (address) {
        if (_isShared(contribId)) return MoneyHashes.poolPayee(POOL_KIND_ITEM, contribId);
        address author = _contribution(contribId).author;
        return IAuthorPayouts(Predeploys.DATANET_REGISTRY).payoutAt(author, uint64(block.timestamp / 1 days));
    }

    // --- Internals ---

    /// @dev The validators' round over a dispute is closed.
    function _onVerdict(uint64 id, bool decided, uint16 score) internal {
        Dispute storage dispute = _disputes[id];
        if (dispute.state != DisputeState.Voting) return;
        if (decided) dispute.verdict = score >= UPHELD_FROM ? Verdict.Upheld : Verdict.Dismissed;
        (dispute.state, dispute.since) = (DisputeState.Decided, uint64(block.timestamp));
        emit DisputeVerdict(id, dispute.verdict, dispute.since + APPEAL_DAYS * day);
    }

    /// @dev A contribution was shown to be a copy: an open dispute over it is upheld, whatever state it is in.
    function _upholdByProof(uint64 contribId, uint64 original) internal {
        uint64 id = disputeOf[contribId];
        if (id == 0) return;
        Dispute storage dispute = _disputes[id];
        if (original != 0) dispute.original = original;
        _rule(id, dispute, Verdict.Upheld);
    }

    /// @dev What a refuted contribution does to others.
    function _onRefuted(uint64 contribId) internal virtual;

    /// @dev Whether a contribution's income goes to a pool of its own.
    function _isShared(uint64 contribId) internal view virtual returns (bool);

    function _contribution(uint64 id) internal view returns (Contribution memory) {
        return DATANETS.contribution(id);
    }

    function _redirect(uint64 contribId, address payee) internal {
        DATANETS.redirectPayout(contribId, payee);
    }

    function _rule(uint64 id, Dispute storage dispute, Verdict verdict) private {
        (dispute.state, dispute.verdict) = (DisputeState.Ruled, verdict);
        emit DisputeRuled(id, verdict);
    }

    /// @dev A bond goes back to who posted it, or is lost, half of it to the other side.
    function _release(uint256 bond, address poster, address other, bool won) private {
        if (bond == 0) return;
        bondsHeld -= bond;
        if (won) _owe(poster, bond);
        else _forfeit(bond, other);
    }

    /// @return victim author of the original, who has no vote
    function _requireOriginal(uint64 contribId, Ground ground, uint64 original) private view returns (address victim) {
        if (original == 0) return address(0);
        bool isCopy = ground == Ground.Duplicate || ground == Ground.Plagiarism;
        if (!isCopy || original == contribId) revert BadOriginal(original);
        victim = _contribution(original).author;
    }
}
