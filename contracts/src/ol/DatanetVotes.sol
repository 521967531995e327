// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { BPS } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IDatanets } from "./interfaces/IDatanets.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";

/// @title IDatanetParameters
/// @notice Whoever keeps parameters of Datanets: DatanetRegistry, DatanetVotes, DatanetAccess.
interface IDatanetParameters {
    function setParameter(uint64 datanet, uint8 key, uint256 value) external;
}

/// @title DatanetVotes
/// @notice Unit holders decide over a Datanet's parameters, once its owner gave them up. Predeploy 0x4f4c…0036.
///
/// A proposal names one parameter and its value. Each unit votes once, in the name of who held it in the block before the
/// proposal: units that are sold meanwhile give their buyer no vote. Passed is what more units are for than against, where a
/// quorum took part; anyone carries it out then, for two weeks.
contract DatanetVotes is Initializable {
    enum State { None, Active, Defeated, Succeeded, Executed, Expired }

    enum Support { Against, For, Abstain }

    struct Rules {
        /// @dev Seconds that a vote is open.
        uint32 period;
        /// @dev Of all units, those that must take part, for or abstaining.
        uint16 quorumBps;
        /// @dev Of all units, those that it takes to propose.
        uint16 thresholdBps;
    }

    struct Proposal {
        uint64 datanet;
        uint8 key;
        bool executed;
        uint48 snapshot;
        uint48 closesAt;
        address proposer;
        uint256 value;
        uint128 quorum;
        uint128 against;
        uint128 for_;
        uint128 abstain;
    }

    event ProposalMade(
        uint64 indexed proposalId,
        uint64 indexed datanet,
        address indexed proposer,
        uint8 key,
        uint256 value,
        uint64 snapshot,
        uint64 closesAt,
        uint128 quorum,
        bytes32 reason
    );
    event UnitsVoted(uint64 indexed proposalId, address indexed voter, Support support, uint256 units);
    event ProposalCarriedOut(uint64 indexed proposalId, uint64 indexed datanet, uint8 key, uint256 value);
    event VoteRuleSet(uint64 indexed datanet, uint8 key, uint256 value);

    error NotGoverned(uint64 datanet);
    error NotAllowed(address caller);
    error UnknownKey(uint8 key);
    error OutOfBounds(uint8 key, uint256 value, uint256 least, uint256 most);
    error BelowThreshold(uint256 units, uint256 required);
    error WrongState(uint64 proposalId, State state);
    error AlreadyVoted(uint64 proposalId, address voter);
    error NoUnits(uint64 proposalId, address voter);

    uint8 public constant KEY_PERIOD = 0x40;
    uint8 public constant KEY_QUORUM = 0x41;
    uint8 public constant KEY_THRESHOLD = 0x42;
    /// @dev Keys of DatanetRegistry end here.
    uint8 private constant KEYS_OF_VOTES = 0x40;
    uint8 private constant KEYS_OF_ACCESS = 0x50;
    uint8 private constant KEYS_END = 0x60;

    uint32 public constant PERIOD_MAX = 30 days;
    uint16 public constant QUORUM_MIN_BPS = 500;
    uint16 public constant QUORUM_MAX_BPS = 9_000;
    uint16 public constant THRESHOLD_MAX_BPS = 1_000;
    /// @notice How long what passed can be carried out.
    uint256 public constant GRACE = 14 days;
    uint32 private constant PERIOD_DEFAULT = 3 days;
    uint16 private constant QUORUM_DEFAULT_BPS = 2_500;
    uint16 private constant THRESHOLD_DEFAULT_BPS = 100;

    /// @notice No vote is shorter, in seconds: who is kept out by the sequencer votes through L1.
    uint32 public periodMin;
    uint64 public proposalCount;
    mapping(uint64 proposalId => Proposal) public proposals;
    mapping(uint64 proposalId => mapping(address voter => bool)) public hasVoted;
    mapping(uint64 datanet => Rules) private _rules;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint32 periodMin_) external initializer {
        periodMin = periodMin_;
    }

    /// @notice Sets a rule of a Datanet's votes: its owner until it is governed, then a vote. Votes in progress keep theirs.
    function setParameter(uint64 datanet, uint8 key, uint256 value) external {
        bool byOwner = !_datanets().governed(datanet) && msg.sender == _datanets().ownerOf(datanet);
        if (!byOwner && msg.sender != address(this)) revert NotAllowed(msg.sender);
        _requireBounds(key, value);
        Rules memory rules = rulesOf(datanet);
        if (key == KEY_PERIOD) rules.period = uint32(value);
        else if (key == KEY_QUORUM) rules.quorumBps = uint16(value);
        else rules.thresholdBps = uint16(value);
        _rules[datanet] = rules;
        emit VoteRuleSet(datanet, key, value);
    }

    /// @notice Proposes a parameter's value; voting is open at once.
    /// @param reason content hash of the text that argues for it; zero for none
    function propose(uint64 datanet, uint8 key, uint256 value, bytes32 reason) external returns (uint64 proposalId) {
        if (!_datanets().governed(datanet)) revert NotGoverned(datanet);
        if (keeperOf(key) == address(this)) _requireBounds(key, value);
        Rules memory rules = rulesOf(datanet);
        uint48 snapshot = uint48(block.timestamp - 1);
        uint256 total = _units().unitsTotalAt(datanet, snapshot);
        uint256 required = Math.max(1, _partOf(total, rules.thresholdBps));
        uint256 held = _units().unitsAt(datanet, msg.sender, snapshot);
        if (held < required) revert BelowThreshold(held, required);
        proposalId = ++proposalCount;
        Proposal storage proposal = proposals[proposalId];
        (proposal.datanet, proposal.key, proposal.value) = (datanet, key, value);
        (proposal.snapshot, proposal.closesAt) = (snapshot, uint48(block.timestamp) + rules.period);
        (proposal.proposer, proposal.quorum) = (msg.sender, uint128(_partOf(total, rules.quorumBps)));
        _announce(proposalId, proposal, reason);
    }

    /// @notice Votes with all units that the caller held at the proposal's snapshot.
    function castVote(uint64 proposalId, Support support) external returns (uint256 units) {
        _requireState(proposalId, State.Active);
        if (hasVoted[proposalId][msg.sender]) revert AlreadyVoted(proposalId, msg.sender);
        Proposal storage proposal = proposals[proposalId];
        units = _units().unitsAt(proposal.datanet, msg.sender, proposal.snapshot);
        if (units == 0) revert NoUnits(proposalId, msg.sender);
        hasVoted[proposalId][msg.sender] = true;
        if (support == Support.For) proposal.for_ += uint128(units);
        else if (support == Support.Against) proposal.against += uint128(units);
        else proposal.abstain += uint128(units);
        emit UnitsVoted(proposalId, msg.sender, support, units);
    }

    /// @notice Carries out what passed; anyone may.
    function execute(uint64 proposalId) external {
        _requireState(proposalId, State.Succeeded);
        Proposal storage proposal = proposals[proposalId];
        proposal.executed = true;
        (uint64 datanet, uint8 key, uint256 value) = (proposal.datanet, proposal.key, proposal.value);
        emit ProposalCarriedOut(proposalId, datanet, key, value);
        IDatanetParameters(keeperOf(key)).setParameter(datanet, key, value);
    }

    function state(uint64 proposalId) public view returns (State) {
        Proposal storage proposal = proposals[proposalId];
        if (proposal.proposer == address(0)) return State.None;
        if (proposal.executed) return State.Executed;
        if (block.timestamp < proposal.closesAt) return State.Active;
        bool passed = proposal.for_ > proposal.against
            && uint256(proposal.for_) + proposal.abstain >= proposal.quorum;
        if (!passed) return State.Defeated;
        return block.timestamp < proposal.closesAt + GRACE ? State.Succeeded : State.Expired;
    }

    function rulesOf(uint64 datanet) public view returns (Rules memory rules) {
        rules = _rules[datanet];
        if (rules.period > 0) return rules;
        uint32 period = periodMin > PERIOD_DEFAULT ? periodMin : PERIOD_DEFAULT;
        return Rules(period, QUORUM_DEFAULT_BPS, THRESHOLD_DEFAULT_BPS);
    }

    /// @notice The contract that keeps a parameter.
    function keeperOf(uint8 key) public view returns (address) {
        if (key < KEYS_OF_VOTES) return Predeploys.DATANET_REGISTRY;
        if (key < KEYS_OF_ACCESS) return address(this);
        if (key < KEYS_END) return Predeploys.DATANET_ACCESS;
        revert UnknownKey(key);
    }

    function _requireBounds(uint8 key, uint256 value) private view {
        (uint256 least, uint256 most) = _boundsOf(key);
        if (value < least || value > most) revert OutOfBounds(key, value, least, most);
    }

    function _boundsOf(uint8 key) private view returns (uint256 least, uint256 most) {
        if (key == KEY_PERIOD) return (periodMin, PERIOD_MAX);
        if (key == KEY_QUORUM) return (QUORUM_MIN_BPS, QUORUM_MAX_BPS);
        if (key == KEY_THRESHOLD) return (0, THRESHOLD_MAX_BPS);
        revert UnknownKey(key);
    }

    function _requireState(uint64 proposalId, State required) private view {
        State now_ = state(proposalId);
        if (now_ != required) revert WrongState(proposalId, now_);
    }

    function _announce(uint64 proposalId, Proposal storage proposal, bytes32 reason) private {
        emit ProposalMade(
            proposalId,
            proposal.datanet,
            proposal.proposer,
            proposal.key,
            proposal.value,
            proposal.snapshot,
            proposal.closesAt,
            proposal.quorum,
            reason
        );
    }

    /// @dev Rounded up: a quorum is not missed by a part of a unit.
    function _partOf(uint256 total, uint256 bps) private pure returns (uint256) {
        return Math.ceilDiv(total * bps, BPS);
    }

    function _datanets() private pure returns (IDatanets) {
        return IDatanets(Predeploys.DATANET_REGISTRY);
    }

    function _units() private pure returns (IDatanetUnits) {
        return IDatanetUnits(Predeploys.DATANET_UNITS);
    }
}
