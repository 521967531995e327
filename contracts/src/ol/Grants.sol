// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { Attestation, IEas } from "./interfaces/IEas.sol";

/// @title Grants
/// @notice Grants of OPEN that are paid milestone by milestone, each once its attester attests to it by EAS. Predeploy 0x4f4c…0037.
///
/// A milestone's attestation is of its schema and by its attester, about the grantee, made by its deadline, neither revoked nor expired, and its
/// data begin with the grant's id and the milestone's number, 32 bytes each. One that nobody was paid for goes back to the funder after its
/// deadline and `grace`, or at once where the grantee gives it up. A grant may be funded bit by bit: milestones are paid from what is there.
///
/// `balance = Σ held + Σ owed`, with equality unless someone forces wei in; `funded = held + paid + returned` of each grant.
contract Grants is Initializable, ReentrancyGuardTransient {
    enum MilestoneState { Open, Paid, Closed }

    struct MilestoneTerms {
        uint128 amount;
        uint64 deadline;
        bytes32 schema;
        address attester;
    }

    struct Milestone {
        MilestoneTerms terms;
        MilestoneState state;
        bytes32 attestation;
    }

    /// @dev `open`: wei of the milestones that are still open; `held`: wei that are there.
    struct Grant {
        address funder;
        address grantee;
        uint128 open;
        uint128 held;
        uint128 paid;
        uint128 returned;
    }

    event GrantCreated(
        uint256 indexed grantId,
        address indexed funder,
        address indexed grantee,
        MilestoneTerms[] milestones,
        string uri,
        bytes32 uriHash
    );
    event GrantFunded(uint256 indexed grantId, uint256 amount, uint256 held);
    event MilestonePaid(
        uint256 indexed grantId, uint256 indexed milestone, address indexed grantee, uint256 amount, bytes32 attestation
    );
    event MilestoneClosed(uint256 indexed grantId, uint256 indexed milestone, address by);
    event GrantReturned(uint256 indexed grantId, address indexed funder, uint256 amount);
    event OwedClaimed(address indexed account, address indexed to, uint256 amount);

    error ZeroAddress();
    error ZeroAmount();
    error BadMilestoneCount(uint256 milestones);
    error BadMilestone(uint256 milestone);
    error URITooLong(uint256 bytes_);
    error UnknownGrant(uint256 grantId);
    error UnknownMilestone(uint256 grantId, uint256 milestone);
    error NotFunder(uint256 grantId, address caller);
    error NotGrantee(uint256 grantId, address caller);
    error AboveOpen(uint256 grantId, uint256 held, uint256 open);
    error MilestoneOver(uint256 grantId, uint256 milestone, MilestoneState state);
    error Unfunded(uint256 grantId, uint256 needed, uint256 held);
    error NotYet(uint256 grantId, uint256 milestone, uint256 from);
    error NoAttestation(bytes32 uid);
    error WrongSchema(bytes32 expected, bytes32 schema);
    error WrongAttester(address expected, address attester);
    error WrongRecipient(address expected, address recipient);
    error WrongMilestone(bytes32 uid);
    error Revoked(bytes32 uid, uint64 at);
    error Expired(bytes32 uid, uint64 at);
    error AttestedLate(bytes32 uid, uint64 time, uint64 deadline);
    error NothingOwed(address account);
    error TransferFailed(address to, uint256 amount);

    uint256 public constant MILESTONES_MAX = 32;
    uint256 public constant URI_BYTES_MAX = 1_024;
    /// @notice The farthest that a deadline may lie ahead, in seconds.
    uint256 public constant DEADLINE_MAX = 5 * 365 days;

    /// @notice Seconds after a milestone's deadline in which it can still be paid and not yet be closed.
    uint64 public grace;
    /// @notice Grants so far: the newest one's id.
    uint256 public grants;
    mapping(uint256 grantId => Grant) private _grants;
    mapping(uint256 grantId => Milestone[]) private _milestones;
    /// @notice wei that an account can fetch.
    mapping(address account => uint256) public owed;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 grace_) external initializer {
        grace = grace_;
    }

    /// @notice Promises a grant; the value is the first of its money.
    /// @param uri     where the grant is described
    /// @param uriHash keccak256 of what stands there; zero where the URI says it
    function create(address grantee, MilestoneTerms[] calldata terms, string calldata uri, bytes32 uriHash)
        external
        payable
        returns (uint256 grantId)
    {
        if (grantee == address(0)) revert ZeroAddress();
        if (terms.length == 0 || terms.length > MILESTONES_MAX) revert BadMilestoneCount(terms.length);
        if (bytes(uri).length > URI_BYTES_MAX) revert URITooLong(bytes(uri).length);
        grantId = ++grants;
        uint128 sum;
        for (uint256 i = 0; i < terms.length; i++) {
            MilestoneTerms calldata each = terms[i];
            bool timely = each.deadline > block.timestamp && each.deadline <= block.timestamp + DEADLINE_MAX;
            bool whole = each.amount > 0 && each.schema != bytes32(0) && each.attester != address(0);
            if (!timely || !whole) revert BadMilestone(i);
            sum += each.amount;
            _milestones[grantId].push(Milestone(each, MilestoneState.Open, bytes32(0)));
        }
        _grants[grantId] = Grant(msg.sender, grantee, sum, 0, 0, 0);
        emit GrantCreated(grantId, msg.sender, grantee, terms, uri, uriHash);
        if (msg.value > 0) _fund(grantId);
    }

    /// @notice Adds money to the caller's grant, no more than its open milestones need.
    function fund(uint256 grantId) external payable {
        if (_grant(grantId).funder != msg.sender) revert NotFunder(grantId, msg.sender);
        if (msg.value == 0) revert ZeroAmount();
        _fund(grantId);
    }

    /// @notice Pays a milestone on its attestation. Anyone may show it.
    function release(uint256 grantId, uint256 index, bytes32 uid) external {
        Grant storage grant = _grant(grantId);
        Milestone storage milestone = _openMilestone(grantId, index);
        _requireAttested(grantId, index, grant.grantee, milestone.terms, uid);
        uint128 amount = milestone.terms.amount;
        if (amount > grant.held) revert Unfunded(grantId, amount, grant.held);
        (milestone.state, milestone.attestation) = (MilestoneState.Paid, uid);
        (grant.held, grant.open, grant.paid) = (grant.held - amount, grant.open - amount, grant.paid + amount);
        owed[grant.grantee] += amount;
        emit MilestonePaid(grantId, index, grant.grantee, amount, uid);
    }

    /// @notice Closes a milestone that is over: by its grantee at any time, by anyone after its deadline and grace. What the open
    ///         milestones do not need is the funder's again.
    function close(uint256 grantId, uint256 index) external {
        Grant storage grant = _grant(grantId);
        Milestone storage milestone = _openMilestone(grantId, index);
        uint256 from = uint256(milestone.terms.deadline) + grace;
        if (msg.sender != grant.grantee && block.timestamp <= from) revert NotYet(grantId, index, from);
        milestone.state = MilestoneState.Closed;
        grant.open -= milestone.terms.amount;
        emit MilestoneClosed(grantId, index, msg.sender);
        if (grant.held <= grant.open) return;
        uint128 back = grant.held - grant.open;
        (grant.held, grant.returned) = (grant.open, grant.returned + back);
        owed[grant.funder] += back;
        emit GrantReturned(grantId, grant.funder, back);
    }

    /// @notice Pays what is owed to the caller.
    function claimOwed(address to) external nonReentrant returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        delete owed[msg.sender];
        emit OwedClaimed(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    // --- Views ---

    function grantOf(uint256 grantId) external view returns (Grant memory) {
        return _grant(grantId);
    }

    function milestonesOf(uint256 grantId) external view returns (Milestone[] memory) {
        return _milestones[grantId];
    }

    // --- Internals ---

    function _fund(uint256 grantId) private {
        Grant storage grant = _grants[grantId];
        uint256 held = grant.held + msg.value;
        if (held > grant.open) revert AboveOpen(grantId, held, grant.open);
        grant.held = uint128(held);
        emit GrantFunded(grantId, msg.value, held);
    }

    function _requireAttested(
        uint256 grantId,
        uint256 index,
        address grantee,
        MilestoneTerms storage terms,
        bytes32 uid
    ) private view {
        Attestation memory said = IEas(Predeploys.EAS).getAttestation(uid);
        if (uid == bytes32(0) || said.uid != uid) revert NoAttestation(uid);
        if (said.schema != terms.schema) revert WrongSchema(terms.schema, said.schema);
        if (said.attester != terms.attester) revert WrongAttester(terms.attester, said.attester);
        if (said.recipient != grantee) revert WrongRecipient(grantee, said.recipient);
        if (said.revocationTime != 0) revert Revoked(uid, said.revocationTime);
        bool isOver = said.expirationTime != 0 && said.expirationTime <= block.timestamp;
        if (isOver) revert Expired(uid, said.expirationTime);
        if (said.time > terms.deadline) revert AttestedLate(uid, said.time, terms.deadline);
        if (said.data.length < 64) revert WrongMilestone(uid);
        (uint256 forGrant, uint256 forMilestone) = abi.decode(said.data, (uint256, uint256));
        if (forGrant != grantId || forMilestone != index) revert WrongMilestone(uid);
    }

    function _openMilestone(uint256 grantId, uint256 index) private view returns (Milestone storage milestone) {
        Milestone[] storage all = _milestones[grantId];
        if (index >= all.length) revert UnknownMilestone(grantId, index);
        milestone = all[index];
        if (milestone.state != MilestoneState.Open) revert MilestoneOver(grantId, index, milestone.state);
    }

    function _grant(uint256 grantId) private view returns (Grant storage grant) {
        grant = _grants[grantId];
        if (grant.funder == address(0)) revert UnknownGrant(grantId);
    }
}
