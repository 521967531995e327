// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ScoreTally } from "../lib/ScoreTally.sol";
import { StakedMembers } from "./StakedMembers.sol";

/// @title ReviewRounds
/// @notice Rounds in which staked validators score a question by commit and reveal, weighed by stake.
///
/// Every validator that had stake in the second before a round takes part, but for who has an interest in it. The outcome is
/// the stake-weighted median of the revealed scores, if they are of 65 % of the stake: so 30 % of lying stake is less than half
/// of what is revealed, and the median stays among the honest scores. Scores further from it than `CLIP` are not paid.
/// Formula 1: weight = whole OPEN of stake; lower median. docs/REVIEW.md
abstract contract ReviewRounds is StakedMembers {
    using ScoreTally for ScoreTally.Tally;

    enum RoundState { None, Open, Decided, Void }

    struct Round {
        uint64 contribution;
        uint64 openedAt;
        RoundState state;
        uint16 score;
        /// @dev Weight that may score, has committed, has revealed.
        uint32 total;
        uint32 committed;
        uint32 revealed;
        address opener;
        uint128 fee;
        /// @dev Wei for a unit of weight that scored within `CLIP` of the median.
        uint128 pay;
    }

    struct Vote {
        bytes32 commitment;
        uint32 weight;
        uint16 score;
        bool revealed;
        /// @dev Paid for the round, or slashed for it.
        bool settled;
    }

    event RoundOpened(
        uint64 indexed round,
        uint64 indexed contribId,
        address indexed opener,
        uint32 weight,
        uint256 fee,
        uint64 commitUntil,
        uint64 revealUntil
    );
    event ScoreCommitted(uint64 indexed round, address indexed validator, bytes32 commitment, uint32 weight);
    event ScoreRevealed(uint64 indexed round, address indexed validator, uint16 score, uint32 weight);
    event RoundClosed(uint64 indexed round, bool decided, uint16 score, uint32 revealed, uint256 pay);
    event ReviewPaid(uint64 indexed round, address indexed validator, uint256 amount);

    error NotEnoughFee(uint256 required, uint256 value);
    error NoValidators();
    error NotOpenRound(uint64 round);
    error TooEarly(uint64 from);
    error TooLate(uint64 until);
    error NotValidator(address account);
    /// @notice Nobody scores an own contribution, one to an own Datanet, or a dispute that he is party to.
    error SelfVote(address account);
    error AlreadyCommitted(uint64 round, address validator);
    error BadScore(uint16 score);
    error WrongReveal(uint64 round, address validator);
    error NothingToSettle(uint64 round, address validator);

    uint16 public constant FORMULA_VERSION = 1;
    /// @notice Revealed weight of a round that decides, of all that may score, in basis points.
    uint256 public constant QUORUM_BPS = 6_500;
    /// @notice Scores so far from the median are paid.
    uint256 public constant CLIP = 1_000;
    /// @notice Days of commits, and of reveals.
    uint64 public constant COMMIT_DAYS = 4;
    uint64 public constant REVEAL_DAYS = 3;
    /// @notice Least that a round costs whoever opens it, in wei: the validators' pay.
    uint128 public constant ROUND_FEE = 0.1 ether;
    /// @notice What a validator loses of its stake that did not come, and that came and did not reveal, in basis points.
    uint256 public constant ABSENT_BPS = 10;
    uint256 public constant SILENT_BPS = 100;
    /// @notice Most accounts without a vote in a round.
    uint256 internal constant BARRED_MAX = 4;

    /// @notice Seconds of a day of these rounds: 86,400, but in preset dev.
    uint64 public day;
    uint64 public roundCount;
    /// @notice Wei of rounds' fees that are neither paid out nor owed.
    uint256 public feesHeld;
    mapping(uint64 round => Round) private _rounds;
    mapping(uint64 round => address[]) private _barred;
    mapping(uint64 round => mapping(address validator => Vote)) private _votes;
    mapping(uint64 round => ScoreTally.Tally) private _tallies;

    /// @notice Binds the caller to a score nobody sees yet: `commitmentOf`.
    function commitScore(uint64 id, bytes32 commitment) external {
        Round storage round = _openRound(id);
        _requireBefore(commitUntil(id));
        if (isBarred(id, msg.sender)) revert SelfVote(msg.sender);
        Vote storage vote = _votes[id][msg.sender];
        if (vote.weight != 0) revert AlreadyCommitted(id, msg.sender);
        uint256 weight = weightAt(msg.sender, round.openedAt - 1);
        if (weight == 0) revert NotValidator(msg.sender);
        (vote.commitment, vote.weight) = (commitment, uint32(weight));
        round.committed += uint32(weight);
        emit ScoreCommitted(id, msg.sender, commitment, uint32(weight));
    }

    /// @notice Shows the score that the caller is bound to.
    function revealScore(uint64 id, uint16 score, bytes32 salt) external {
        Round storage round = _openRound(id);
        _requireAfter(commitUntil(id));
        _requireBefore(revealUntil(id));
        if (score > ScoreTally.SCORE_MAX) revert BadScore(score);
        Vote storage vote = _votes[id][msg.sender];
        if (vote.revealed || vote.commitment != commitmentOf(id, msg.sender, score, salt)) {
            revert WrongReveal(id, msg.sender);
        }
        (vote.revealed, vote.score) = (true, score);
        round.revealed += vote.weight;
        _tallies[id].add(score, vote.weight);
        emit ScoreRevealed(id, msg.sender, score, vote.weight);
    }

    /// @notice Ends a round: after its days, or as soon as all who committed have revealed.
    function closeRound(uint64 id) external {
        Round storage round = _openRound(id);
        bool complete = block.timestamp >= commitUntil(id) && round.revealed == round.committed;
        if (!complete) _requireAfter(revealUntil(id));
        bool decided = round.revealed > 0 && uint256(round.revealed) * 10_000 >= round.total * QUORUM_BPS;
        round.state = decided ? RoundState.Decided : RoundState.Void;
        uint256 dust = round.fee;
        if (decided) {
            ScoreTally.Tally storage tally = _tallies[id];
            uint256 score = tally.median(round.revealed);
            uint256 weight = tally.between(score > CLIP ? score - CLIP : 0, score + CLIP);
            (round.score, round.pay) = (uint16(score), uint128(round.fee / weight));
            dust = round.fee - round.pay * weight;
        }
        feesHeld -= dust;
        _owe(round.opener, dust);
        emit RoundClosed(id, decided, round.score, round.revealed, round.pay);
        _onClosed(id, round.contribution, decided, round.score);
    }

    /// @notice Books a validator's pay for a decided round.
    function payReview(uint64 id, address validator) external {
        Round storage round = _rounds[id];
        Vote storage vote = _votes[id][validator];
        bool earned = round.state == RoundState.Decided && vote.revealed && !vote.settled
            && vote.score + CLIP >= round.score && vote.score <= round.score + CLIP;
        if (!earned) revert NothingToSettle(id, validator);
        vote.settled = true;
        uint256 amount = uint256(round.pay) * vote.weight;
        feesHeld -= amount;
        _owe(validator, amount);
        emit ReviewPaid(id, validator, amount);
    }

    /// @notice Slashes a validator that did not reveal in a round that is over, or did not come; half is owed to the caller.
    function slashAbsent(uint64 id, address validator) external returns (uint256) {
        Round storage round = _rounds[id];
        if (round.state != RoundState.Decided && round.state != RoundState.Void) revert TooEarly(revealUntil(id));
        Vote storage vote = _votes[id][validator];
        bool due = !vote.revealed && !vote.settled && !isBarred(id, validator)
            && weightAt(validator, round.openedAt - 1) > 0;
        if (!due) revert NothingToSettle(id, validator);
        vote.settled = true;
        bool silent = vote.weight != 0;
        uint256 amount = stakeOf(validator) * (silent ? SILENT_BPS : ABSENT_BPS) / 10_000;
        return _slash(validator, amount, msg.sender, silent ? bytes32("silent") : bytes32("absent"));
    }

    // --- Views ---

    function rounds(uint64 id) external view returns (Round memory) {
        return _rounds[id];
    }

    function voteOf(uint64 id, address validator) external view returns (Vote memory) {
        return _votes[id][validator];
    }

    function commitUntil(uint64 id) public view returns (uint64) {
        return _rounds[id].openedAt + COMMIT_DAYS * day;
    }

    function revealUntil(uint64 id) public view returns (uint64) {
        return commitUntil(id) + REVEAL_DAYS * day;
    }

    function isBarred(uint64 id, address account) public view returns (bool) {
        address[] storage barred = _barred[id];
        for (uint256 i = 0; i < barred.length; i++) if (barred[i] == account) return true;
        return false;
    }

    /// @notice What `commitScore` takes.
    function commitmentOf(uint64 id, address validator, uint16 score, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), id, validator, score, salt));
    }

    // --- For what asks ---

    /// @dev Opens a round over a contribution, paid by `fee` of the call's value.
    /// @param barred who has an interest in it; zero and repeated ones are skipped
    function _openRoundOn(uint64 contribId, uint256 fee, address[BARRED_MAX] memory barred)
        internal
        returns (uint64 id)
    {
        if (fee < ROUND_FEE) revert NotEnoughFee(ROUND_FEE, fee);
        id = ++roundCount;
        uint256 total = totalWeightAt(block.timestamp - 1);
        for (uint256 i = 0; i < BARRED_MAX; i++) {
            if (barred[i] == address(0) || isBarred(id, barred[i])) continue;
            _barred[id].push(barred[i]);
            total -= weightAt(barred[i], block.timestamp - 1);
        }
        if (total == 0) revert NoValidators();
        Round storage round = _rounds[id];
        (round.contribution, round.openedAt, round.state) = (contribId, uint64(block.timestamp), RoundState.Open);
        (round.total, round.opener, round.fee) = (uint32(total), msg.sender, uint128(fee));
        feesHeld += fee;
        emit RoundOpened(id, contribId, msg.sender, uint32(total), fee, commitUntil(id), revealUntil(id));
    }

    function _onClosed(uint64 round, uint64 contribId, bool decided, uint16 score) internal virtual;

    function _isOpen(uint64 id) internal view returns (bool) {
        return _rounds[id].state == RoundState.Open;
    }

    function _requireAfter(uint64 time) internal view {
        if (block.timestamp < time) revert TooEarly(time);
    }

    function _requireBefore(uint64 time) internal view {
        if (block.timestamp >= time) revert TooLate(time);
    }

    function _openRound(uint64 id) private view returns (Round storage round) {
        round = _rounds[id];
        if (round.state != RoundState.Open) revert NotOpenRound(id);
    }
}
