// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Ballots, Outcome, Seat, Vote } from "../lib/Ballots.sol";
import { Fault } from "../lib/Faults.sol";
import { L1Origins, ProvenBlock } from "../lib/L1Origins.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BatchHeader, BPS, PROOF_FINGERPRINT, Segment } from "../lib/MoneyTypes.sol";
import { OpenedReceipt, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { ICheckerCommittee } from "./interfaces/ICheckerCommittee.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
import { OpenBurner } from "./OpenBurner.sol";
import { StakedMembers } from "./StakedMembers.sol";

/// @title CheckerCommittee
/// @notice Judges what no contract can compute, the floats of an answer or of a sketch: five staked checkers, drawn by the randomness
///         of an L1 block that nobody knew when the case was opened, vote hidden and then open. Four void a receipt; else it
///         stands. Predeploy 0x4f4c…0038. docs/COMMITTEE.md
///
/// Clocks, parts of the receipt's window W: opened by W/2, votes sent by 2W/3, shown by 5W/6, voided by W. Weights are those before the
/// batch was committed, so that who may judge it was settled before.
contract CheckerCommittee is ICheckerCommittee, StakedMembers, Initializable {
    /// @dev Of a case. `origin` is the L1 block that draws its seats, `startsAt` when the batch was committed.
    struct Case {
        address challenger;
        uint64 openedIn;
        uint8 kind;
        Outcome outcome;
        uint8 sent;
        uint8 right;
        uint8 wrong;
        uint64 startsAt;
        uint64 origin;
        address worker;
    }

    event CaseOpened(
        bytes32 indexed caseId,
        uint64 indexed batchId,
        uint32 indexed receipt,
        uint8 kind,
        bytes32 evidence,
        address worker,
        address challenger,
        uint64 origin
    );
    event CaseDrawn(bytes32 indexed caseId, bytes32 beacon, address[] seats);
    event VoteSent(bytes32 indexed caseId, address indexed member);
    event VoteShown(bytes32 indexed caseId, address indexed member, bool isWrong);
    event CaseClosed(bytes32 indexed caseId, Outcome outcome, uint8 right, uint8 wrong);

    error UnknownKind(uint8 kind);
    error NotOpener(address caller);
    /// @notice Receipts of this class have nothing that a case of this kind is about.
    error WrongClass(uint8 class);
    error WrongPrice(uint256 required, uint256 given);
    error AlreadyOpened(bytes32 id);
    error ReceiptIsVoid(uint64 batchId, uint32 index);
    error TooLate(uint256 since);
    error TooEarly(uint256 until);
    error NoSuchCase(bytes32 id);
    error AlreadyDrawn(bytes32 id);
    /// @notice The L1 block that draws is not, or is no more, this block's origin; `drawProven` shows another block's.
    error OtherOrigin(uint64 expected, uint64 actual);
    error NoSeat(bytes32 id, address member);
    error AlreadyVoted(bytes32 id, address member);
    error WrongVote(bytes32 id, address member);
    error NotDecided(bytes32 id, Outcome outcome);

    /// @notice Floats of a whole answer against its fingerprint; the sketch of a query of class G.
    uint8 public constant KIND_FINGERPRINT = 0;
    uint8 public constant KIND_SKETCH = 1;
    /// @notice What a challenger loses where the receipt stands, in wei.
    uint128 public constant BOND = 1 ether;
    /// @notice What each seat earns by a vote that counts, in wei.
    uint128 public constant SEAT_PAY = 0.05 ether;
    /// @notice L1 blocks from the origin of the block that opens a case to the one that draws its seats.
    uint64 public constant BEACON_DISTANCE = 2;
    /// @notice Parts of the stake that are lost, in basis points: for no vote; for one that four others contradict, or that was sent
    ///         and not shown: hiding a vote is not cheaper than a wrong one.
    uint256 public constant ABSENT_BPS = 200;
    uint256 public constant CONTRADICTED_BPS = 1_000;
    uint128 private constant STAKE_MIN = 100 ether;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    /// @notice Wei of open cases.
    uint256 public held;
    mapping(bytes32 id => Case) private _cases;
    mapping(bytes32 id => Seat[]) private _seats;

    constructor() {
        _disableInitializers();
    }

    /// @param unbonding seconds; above every window
    function initialize(uint64 unbonding, uint64 window_) external initializer {
        _initMembers(unbonding);
        window = window_;
    }

    // --- Opening ---

    /// @notice Says that the fingerprint of a receipt is not that of its answer by its model, or its tokens not what its seed draws.
    function open(OpenedReceipt calldata opened) external payable returns (bytes32 id) {
        if (opened.receipt.class != PROOF_FINGERPRINT) revert WrongClass(opened.receipt.class);
        return _openCase(msg.sender, KIND_FINGERPRINT, opened, bytes32(0));
    }

    /// @inheritdoc ICheckerCommittee
    function openFor(address challenger, uint8 kind, OpenedReceipt calldata opened, bytes32 evidence)
        external
        payable
        returns (bytes32 id)
    {
        if (kind != KIND_SKETCH) revert UnknownKind(kind);
        if (msg.sender != Predeploys.SKETCH_JUDGE) revert NotOpener(msg.sender);
        return _openCase(challenger, kind, opened, evidence);
    }

    // --- Drawing: anyone may; there is one outcome ---

    /// @notice Draws the seats of a case in a block of the L1 origin that draws them.
    function draw(bytes32 id) external {
        Case storage case_ = _undrawn(id);
        uint64 actual = L1Origins.current();
        if (actual != case_.origin) revert OtherOrigin(case_.origin, actual);
        _draw(id, case_, bytes32(block.prevrandao));
    }

    /// @notice The same later, by any block of that origin.
    function drawProven(bytes32 id, ProvenBlock calldata shown) external {
        Case storage case_ = _undrawn(id);
        _draw(id, case_, L1Origins.randaoOf(case_.origin, shown));
    }

    // --- Voting ---

    /// @param commitment `keccak(abi.encode(case id, member, isWrong, salt))`
    function sendVote(bytes32 id, bytes32 commitment) external {
        Case storage case_ = _openOne(id);
        _requireBefore(_votesEnd(case_));
        Seat storage seat = _seatOf(id);
        if (seat.vote != Vote.None) revert AlreadyVoted(id, msg.sender);
        (seat.vote, seat.commitment) = (Vote.Committed, commitment);
        case_.sent++;
        emit VoteSent(id, msg.sender);
    }

    /// @notice Shows a vote: once all seats have sent theirs, or the time for it is over.
    function showVote(bytes32 id, bool isWrong, bytes32 salt) external {
        Case storage case_ = _openOne(id);
        _requireBefore(_showEnd(case_));
        if (case_.sent < _seats[id].length && block.timestamp < _votesEnd(case_)) revert TooEarly(_votesEnd(case_));
        Seat storage seat = _seatOf(id);
        bool isShown = seat.vote == Vote.Committed
            && seat.commitment == Ballots.commitmentOf(id, msg.sender, isWrong, salt);
        if (!isShown) revert WrongVote(id, msg.sender);
        seat.vote = isWrong ? Vote.Wrong : Vote.Right;
        if (isWrong) case_.wrong++;
        else case_.right++;
        emit VoteShown(id, msg.sender, isWrong);
    }

    /// @notice Counts: once all seats have shown their votes, or the time for it is over.
    function close(bytes32 id) external {
        Case storage case_ = _openOne(id);
        uint256 seats = _seats[id].length;
        // Of a case without seats nothing more can come once votes would be over.
        uint256 end = seats == 0 ? _votesEnd(case_) : _showEnd(case_);
        bool isDone = seats > 0 && case_.right + case_.wrong == seats;
        if (!isDone && block.timestamp < end) revert TooEarly(end);
        case_.outcome = Ballots.outcomeOf(case_.right, case_.wrong);
        emit CaseClosed(id, case_.outcome, case_.right, case_.wrong);
        _settle(id, case_);
    }

    // --- Asked by the DisputeGame ---

    /// @notice The receipt was found wrong by a committee.
    function committeeVerdict(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        uint8 kind,
        bytes32 evidence
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        bytes32 id = caseIdOf(MoneyHashes.batchHash(opened.header), opened.index, kind, evidence);
        Outcome outcome = _cases[id].outcome;
        if (outcome != Outcome.Void) revert NotDecided(id, outcome);
        return kind == KIND_SKETCH ? Fault.OutvotedSketch : Fault.OutvotedFingerprint;
    }

    // --- Views ---

    function caseOf(bytes32 id) external view returns (Case memory) {
        return _cases[id];
    }

    function seatsOf(bytes32 id) external view returns (Seat[] memory) {
        return _seats[id];
    }

    /// @inheritdoc ICheckerCommittee
    function challengerOf(BatchHeader calldata header, uint32 index, uint8 kind, bytes32 evidence)
        external
        view
        returns (address challenger, uint64 since)
    {
        Case storage case_ = _cases[caseIdOf(MoneyHashes.batchHash(header), index, kind, evidence)];
        return (case_.challenger, case_.openedIn);
    }

    /// @notice Names the case of a kind about receipt `index` of a batch.
    function caseIdOf(bytes32 batchHash, uint32 index, uint8 kind, bytes32 evidence) public pure returns (bytes32) {
        return keccak256(abi.encode(batchHash, index, kind, evidence));
    }

    /// @inheritdoc ICheckerCommittee
    function openPrice() public pure returns (uint256) {
        return BOND + Ballots.SEATS * SEAT_PAY;
    }

    function memberStakeMin() public pure override returns (uint128) {
        return STAKE_MIN;
    }

    // --- Internals ---

    function _openCase(address challenger, uint8 kind, OpenedReceipt calldata opened, bytes32 evidence)
        private
        returns (bytes32 id)
    {
        Openings.requireReceipt(opened);
        BatchHeader calldata header = opened.header;
        if (IInferenceMarket(Predeploys.INFERENCE_MARKET).isVoid(header.batchId, opened.index)) {
            revert ReceiptIsVoid(header.batchId, opened.index);
        }
        uint256 end = header.committedAt + window / 2;
        _requireBefore(end);
        if (msg.value != openPrice()) revert WrongPrice(openPrice(), msg.value);
        id = caseIdOf(MoneyHashes.batchHash(header), opened.index, kind, evidence);
        Case storage case_ = _cases[id];
        if (case_.challenger != address(0)) revert AlreadyOpened(id);
        case_.challenger = challenger;
        case_.openedIn = uint64(block.number);
        (case_.kind, case_.outcome) = (kind, Outcome.Open);
        (case_.worker, case_.startsAt) = (header.worker, header.committedAt);
        case_.origin = L1Origins.current() + BEACON_DISTANCE;
        held += msg.value;
        emit CaseOpened(
            id, header.batchId, opened.index, kind, evidence, header.worker, challenger, case_.origin
        );
    }

    function _draw(bytes32 id, Case storage case_, bytes32 beacon) private {
        address[] memory barred = new address[](2);
        (barred[0], barred[1]) = (case_.worker, case_.challenger);
        bytes32 seed = keccak256(abi.encode(beacon, id));
        address[] memory members = drawSeats(seed, Ballots.SEATS, case_.startsAt - 1, barred);
        for (uint256 i = 0; i < members.length; i++) {
            _seats[id].push(Seat(members[i], Vote.None, bytes32(0)));
        }
        emit CaseDrawn(id, beacon, members);
    }

    /// @dev Who voted as the case ended shares what was lost; docs/COMMITTEE.md has each share.
    function _settle(bytes32 id, Case storage case_) private {
        Seat[] storage seats = _seats[id];
        Outcome outcome = case_.outcome;
        held -= openPrice();
        uint256 winners;
        uint256 pot;
        for (uint256 i = 0; i < seats.length; i++) {
            Vote vote = seats[i].vote;
            if (Ballots.isRewarded(vote, outcome)) {
                winners++;
                continue;
            }
            uint256 bps = vote == Vote.None ? ABSENT_BPS : CONTRADICTED_BPS;
            uint256 taken = _slash(seats[i].member, stakeOf(seats[i].member) * bps / BPS, address(this), id);
            pot += taken / 2;
        }
        uint256 back = openPrice() - winners * SEAT_PAY;
        // Where less than a quorum voted it was not the challenger who failed.
        bool isForfeit = outcome != Outcome.Void && case_.right + case_.wrong >= Ballots.QUORUM;
        if (isForfeit) {
            back -= BOND;
            pot += _forfeit(BOND, address(this));
        }
        _owe(case_.challenger, back);
        _share(seats, case_, winners, pot);
    }

    /// @dev Pays the seats and shares what is owed to this contract among them, the rest of the division to the first. Where there
    ///      are none it is burned: nobody earns by opening cases that find their checkers asleep.
    function _share(Seat[] storage seats, Case storage case_, uint256 winners, uint256 pot) private {
        owedTo[address(this)] -= pot;
        owed -= pot;
        if (winners == 0) {
            if (pot == 0) return;
            (rewarded, burned) = (rewarded - pot, burned + pot);
            OpenBurner(Predeploys.OPEN_BURNER).burn{ value: pot }();
            return;
        }
        uint256 rest = pot % winners;
        for (uint256 i = 0; i < seats.length; i++) {
            if (!Ballots.isRewarded(seats[i].vote, case_.outcome)) continue;
            _owe(seats[i].member, SEAT_PAY + pot / winners + rest);
            rest = 0;
        }
    }

    function _undrawn(bytes32 id) private view returns (Case storage case_) {
        case_ = _openOne(id);
        _requireBefore(_votesEnd(case_));
        if (_seats[id].length > 0) revert AlreadyDrawn(id);
    }

    function _openOne(bytes32 id) private view returns (Case storage case_) {
        case_ = _cases[id];
        if (case_.outcome != Outcome.Open) revert NoSuchCase(id);
    }

    function _seatOf(bytes32 id) private view returns (Seat storage) {
        Seat[] storage seats = _seats[id];
        for (uint256 i = 0; i < seats.length; i++) if (seats[i].member == msg.sender) return seats[i];
        revert NoSeat(id, msg.sender);
    }

    function _votesEnd(Case storage case_) private view returns (uint256) {
        return case_.startsAt + window * 2 / 3;
    }

    function _showEnd(Case storage case_) private view returns (uint256) {
        return case_.startsAt + window * 5 / 6;
    }

    function _requireBefore(uint256 end) private view {
        if (block.timestamp >= end) revert TooLate(end);
    }
}
