// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { AgentFault } from "../lib/AgentFaults.sol";
import { AgentSpans, OpenedSpan, Span, SPAN_MODEL } from "../lib/AgentSpans.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Signature, Voucher } from "../lib/MoneyTypes.sol";
import { OpenedReceipt, OpenedRequest, Openings } from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SumTrees } from "../lib/SumTrees.sol";
import { EvidenceRewards } from "./EvidenceRewards.sol";
import { IAgentRegistry } from "./interfaces/IAgentRegistry.sol";
import { IAgentSpending } from "./interfaces/IAgentSpending.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";

/// @title AgentTrails
/// @notice Roots of what agents did, and the faults of agents that can be shown to a contract. Predeploy 0x4f4c…0042.
///
/// A trail is one session of an agent: a tree of actions, whose root is anchored once. A paid action names what paid it: a request,
/// whose receipt is shown when somebody asks, or a payment of AgentSpending. What an agent's keys signed is held against the limits
/// that they were granted under. Half of a slash is burned, half goes to whoever showed the fault (EvidenceRewards).
///
/// `balance = Σ bonds of open challenges + Σ owed + Σ rewards`, with equality unless someone forces wei in.
contract AgentTrails is EvidenceRewards, Initializable, ReentrancyGuardTransient {
    struct Trail {
        bytes32 root;
        uint32 spans;
        uint64 anchoredAt;
        uint128 paid;
    }

    /// @dev A signed statement: this is all of the trail.
    struct TrailStatement {
        uint256 agentId;
        bytes32 trailId;
        bytes32 root;
        uint32 spans;
    }

    struct Challenge {
        address challenger;
        uint64 dueAt;
        bool settled;
    }

    event TrailAnchored(
        uint256 indexed agentId, bytes32 indexed trailId, address indexed by, bytes32 root, uint32 spans, uint128 paid
    );
    event LegChallenged(
        uint256 indexed agentId,
        bytes32 indexed trailId,
        uint32 index,
        bytes32 ref,
        uint128 fee,
        address challenger,
        uint64 dueAt
    );
    event LegProven(
        uint256 indexed agentId, bytes32 indexed trailId, uint32 index, uint64 batchId, uint32 receipt, address by
    );
    event LegForged(uint256 indexed agentId, bytes32 indexed trailId, uint32 index);
    event OwedClaimed(address indexed account, address indexed to, uint256 amount);

    error NotOfAgent(uint256 agentId, address account);
    error AlreadyAnchored(uint256 agentId, bytes32 trailId);
    error NotTrailRoot(bytes32 root);
    error UnknownTrail(uint256 agentId, bytes32 trailId);
    error WrongBond(uint256 expected, uint256 actual);
    error TooEarlyToChallenge(uint256 from);
    error TooLateToChallenge(uint256 until);
    error ChallengedBefore(uint256 agentId, bytes32 trailId, uint32 index);
    error NotPaidLeg(uint32 index);
    /// @notice A leg that a request pays is proven by its receipt, any other by a payment under its reference.
    error WrongKindOfLeg(uint8 kind);
    error LegIsPaid(bytes32 ref, uint256 paid);
    error NoChallenge(uint256 agentId, bytes32 trailId, uint32 index);
    error AnswerDue(uint64 dueAt);
    error AnswerLate(uint64 dueAt);
    error WrongReceipt(bytes32 expected, bytes32 requestId);
    error ReceiptIsVoid(uint64 batchId, uint32 index);
    error NotPaidByAgent(address payer);
    error NoSession(address key);
    error NotChallenger(address challenger);
    error VouchersUnordered(uint256 place);
    error NotSameDay(uint256 day, uint256 other);
    error WithinLimit(uint256 amount, uint256 limit);
    error ModelIsAllowed(address key, uint64 modelId);
    error SameRoot(bytes32 root);
    error FaultKnown(bytes32 subject);
    error NothingOwed(address account);
    error NotAllowed(address caller);
    error TransferFailed(address to, uint256 amount);

    /// @notice What a challenger puts down, in wei: the answerer's where the leg is proven.
    uint256 public constant LEG_BOND = 1 ether;
    /// @notice Windows after its anchoring in which the legs of a trail can be challenged; stake is unbonded in two more.
    uint64 public constant CHALLENGE_WINDOWS = 10;
    /// @notice Vouchers that one proof of a day's overspending may show.
    uint256 public constant VOUCHERS_MAX = 64;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant TRAIL_TYPEHASH =
        keccak256("Trail(uint256 agentId,bytes32 trailId,bytes32 root,uint32 spans)");

    /// @notice Seconds in which the receipts of a trail may still be on their way to the chain, and again as many for an answer.
    uint64 public window;
    mapping(uint256 agentId => mapping(bytes32 trailId => Trail)) private _trails;
    mapping(bytes32 leg => Challenge) private _challenges;
    mapping(bytes32 subject => bool) private _shown;
    /// @notice wei that an account can fetch.
    mapping(address account => uint256) public owed;

    constructor() {
        _disableInitializers();
    }

    /// @param window_ seconds of a receipt window
    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    // --- Trails ---

    /// @notice Anchors a trail's root, once: a key of the agent, its owner or an operator.
    /// @param topHash of the tree, which shows that the root counts these spans and fees
    function anchor(uint256 agentId, bytes32 trailId, bytes32 root, bytes32 topHash, uint32 spans, uint128 paid)
        external
    {
        IAgentSpending spending = _spending();
        bool isKey = spending.sessionOf(msg.sender).agentId == agentId && spending.isLive(msg.sender);
        if (!isKey && !_registry().isOwnerOrOperator(agentId, msg.sender)) revert NotOfAgent(agentId, msg.sender);
        if (!SumTrees.isRoot(root, spans, abi.encodePacked(paid), topHash)) revert NotTrailRoot(root);
        if (_trails[agentId][trailId].anchoredAt != 0) revert AlreadyAnchored(agentId, trailId);
        _trails[agentId][trailId] = Trail(root, spans, uint64(block.timestamp), paid);
        emit TrailAnchored(agentId, trailId, msg.sender, root, spans, paid);
    }

    /// @notice Asks for the receipt of a paid leg. Unanswered, the leg counts as forged.
    function challengeLeg(uint256 agentId, bytes32 trailId, OpenedSpan calldata opened) external payable {
        if (msg.value != LEG_BOND) revert WrongBond(LEG_BOND, msg.value);
        Span calldata span = _open(agentId, trailId, opened);
        if (span.kind != SPAN_MODEL) revert WrongKindOfLeg(span.kind);
        uint256 anchoredAt = _trails[agentId][trailId].anchoredAt;
        if (block.timestamp < anchoredAt + window) revert TooEarlyToChallenge(anchoredAt + window);
        uint256 until = anchoredAt + CHALLENGE_WINDOWS * window;
        if (block.timestamp > until) revert TooLateToChallenge(until);
        Challenge storage challenge = _challenges[legOf(agentId, trailId, span.index)];
        if (challenge.challenger != address(0)) revert ChallengedBefore(agentId, trailId, span.index);
        (challenge.challenger, challenge.dueAt) = (msg.sender, uint64(block.timestamp) + window);
        _registry().lock(agentId);
        emit LegChallenged(agentId, trailId, span.index, span.ref, span.fee, msg.sender, challenge.dueAt);
    }

    /// @notice Shows a challenged leg's receipt: live, of the leg's request and fee, asked for by the agent. Whoever shows it gets the
    ///         challenger's bond.
    function proveLeg(
        uint256 agentId,
        bytes32 trailId,
        OpenedSpan calldata opened,
        OpenedReceipt calldata receipt,
        OpenedRequest calldata request
    ) external {
        Span calldata span = _open(agentId, trailId, opened);
        Challenge storage challenge = _openChallenge(agentId, trailId, span.index);
        if (block.timestamp > challenge.dueAt) revert AnswerLate(challenge.dueAt);
        Openings.requireReceipt(receipt);
        if (receipt.receipt.requestId != span.ref || receipt.receipt.fee != span.fee) {
            revert WrongReceipt(span.ref, receipt.receipt.requestId);
        }
        uint64 batchId = receipt.header.batchId;
        if (IInferenceMarket(Predeploys.INFERENCE_MARKET).isVoid(batchId, receipt.index)) {
            revert ReceiptIsVoid(batchId, receipt.index);
        }
        Openings.requireRequest(receipt.receipt, request);
        bool isAgents = request.payer == _spending().purseOf(agentId)
            || _spending().sessionOf(request.payer).agentId == agentId;
        if (!isAgents) revert NotPaidByAgent(request.payer);
        challenge.settled = true;
        owed[msg.sender] += LEG_BOND;
        _registry().unlock(agentId);
        emit LegProven(agentId, trailId, span.index, batchId, receipt.index, msg.sender);
    }

    /// @notice Ends a challenge that nobody answered: the leg is forged. The challenger alone, whose the reward is.
    function closeChallenge(uint256 agentId, bytes32 trailId, uint32 index) external nonReentrant {
        Challenge storage challenge = _openChallenge(agentId, trailId, index);
        if (challenge.challenger != msg.sender) revert NotChallenger(challenge.challenger);
        if (block.timestamp <= challenge.dueAt) revert AnswerDue(challenge.dueAt);
        challenge.settled = true;
        owed[msg.sender] += LEG_BOND;
        _registry().unlock(agentId);
        emit LegForged(agentId, trailId, index);
        _slash(agentId, AgentFault.ForgedLeg, legOf(agentId, trailId, index));
    }

    /// @notice Shows that a paid leg which names a payment has none of that amount: the chain's own books say so.
    function forgedPayment(uint256 agentId, bytes32 trailId, OpenedSpan calldata opened) external nonReentrant {
        Span calldata span = _open(agentId, trailId, opened);
        if (span.kind == SPAN_MODEL) revert WrongKindOfLeg(span.kind);
        uint256 paid = _spending().paidUnder(agentId, span.ref);
        if (paid >= span.fee) revert LegIsPaid(span.ref, paid);
        emit LegForged(agentId, trailId, span.index);
        _slash(agentId, AgentFault.ForgedLeg, legOf(agentId, trailId, span.index));
    }

    // --- What keys signed ---

    /// @notice Shows a voucher above the limit of a request.
    function overRequest(Voucher calldata voucher, Signature calldata signature) external nonReentrant {
        (, IAgentSpending.Session memory session) = _signer(voucher, signature);
        if (voucher.maxFee <= session.perRequest) revert WithinLimit(voucher.maxFee, session.perRequest);
        _slash(session.agentId, AgentFault.OverRequest, keccak256(abi.encode("request", voucher.requestId)));
    }

    /// @notice Shows vouchers of one key, by ascending request, that promise more than a day's limit. A voucher counts on the UTC
    ///         day of its deadline.
    function overDay(Voucher[] calldata vouchers, Signature[] calldata signatures) external nonReentrant {
        uint256 count = vouchers.length;
        if (count == 0 || count > VOUCHERS_MAX || signatures.length != count) revert VouchersUnordered(count);
        (address key, IAgentSpending.Session memory session) = _signer(vouchers[0], signatures[0]);
        uint256 day = vouchers[0].deadline / 1 days;
        uint256 sum = vouchers[0].maxFee;
        for (uint256 i = 1; i < count; i++) {
            if (vouchers[i].requestId <= vouchers[i - 1].requestId) revert VouchersUnordered(i);
            (address other,) = _signer(vouchers[i], signatures[i]);
            if (other != key) revert NotOfAgent(session.agentId, other);
            if (vouchers[i].deadline / 1 days != day) revert NotSameDay(day, vouchers[i].deadline / 1 days);
            sum += vouchers[i].maxFee;
        }
        if (sum <= session.perDay) revert WithinLimit(sum, session.perDay);
        _slash(session.agentId, AgentFault.OverDay, keccak256(abi.encode("day", key, day)));
    }

    /// @notice Shows a voucher for a request of a model that its key may not ask.
    function forbiddenModel(Voucher calldata voucher, Signature calldata signature, OpenedRequest calldata request)
        external
        nonReentrant
    {
        (address key, IAgentSpending.Session memory session) = _signer(voucher, signature);
        bytes32 structHash = keccak256(abi.encode(MoneyHashes.REQUEST_TYPEHASH, request));
        bytes32 requestId = MoneyHashes.digest(structHash);
        if (requestId != voucher.requestId) revert WrongReceipt(voucher.requestId, requestId);
        uint64 modelId = uint64(uint256(request.modelVersion) >> 32);
        if (_spending().mayUse(key, modelId)) revert ModelIsAllowed(key, modelId);
        _slash(session.agentId, AgentFault.ForbiddenModel, keccak256(abi.encode("request", voucher.requestId)));
    }

    /// @notice Shows two roots that keys of an agent signed for one trail.
    function twoTrails(
        TrailStatement calldata one,
        Signature calldata first,
        TrailStatement calldata other,
        Signature calldata second
    ) external nonReentrant {
        if (one.agentId != other.agentId || one.trailId != other.trailId) {
            revert UnknownTrail(other.agentId, other.trailId);
        }
        if (one.root == other.root && one.spans == other.spans) revert SameRoot(one.root);
        _requireStatement(one, first);
        _requireStatement(other, second);
        _slash(one.agentId, AgentFault.TwoTrails, keccak256(abi.encode("trail", one.agentId, one.trailId)));
    }

    /// @notice Shows that an agent's key signed another root than the one that is anchored.
    function otherTrail(TrailStatement calldata statement, Signature calldata signature) external nonReentrant {
        Trail storage trail = _trails[statement.agentId][statement.trailId];
        if (trail.anchoredAt == 0) revert UnknownTrail(statement.agentId, statement.trailId);
        if (trail.root == statement.root && trail.spans == statement.spans) revert SameRoot(trail.root);
        _requireStatement(statement, signature);
        bytes32 subject = keccak256(abi.encode("trail", statement.agentId, statement.trailId));
        _slash(statement.agentId, AgentFault.TwoTrails, subject);
    }

    // --- Money ---

    /// @notice Pays what is owed to the caller.
    function claimOwed(address to) external nonReentrant returns (uint256 amount) {
        amount = owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        delete owed[msg.sender];
        emit OwedClaimed(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    /// @notice Halves of slashes.
    receive() external payable {
        if (msg.sender != Predeploys.AGENT_REGISTRY) revert NotAllowed(msg.sender);
    }

    // --- Views ---

    function trailOf(uint256 agentId, bytes32 trailId) external view returns (Trail memory) {
        return _trails[agentId][trailId];
    }

    function challengeOf(bytes32 leg) external view returns (Challenge memory) {
        return _challenges[leg];
    }

    function legOf(uint256 agentId, bytes32 trailId, uint32 index) public pure returns (bytes32) {
        return keccak256(abi.encode("leg", agentId, trailId, index));
    }

    /// @notice What a key signs of a trail that is over.
    function trailDigest(TrailStatement calldata statement) public view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256("OpenLedger Agents"),
                keccak256("1"),
                block.chainid,
                Predeploys.AGENT_TRAILS
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, keccak256(abi.encode(TRAIL_TYPEHASH, statement))));
    }

    // --- Internals ---

    function _open(uint256 agentId, bytes32 trailId, OpenedSpan calldata opened)
        private
        view
        returns (Span calldata span)
    {
        Trail storage trail = _trails[agentId][trailId];
        if (trail.anchoredAt == 0) revert UnknownTrail(agentId, trailId);
        AgentSpans.requireIn(trail.root, trail.spans, opened);
        span = opened.span;
        if (span.fee == 0) revert NotPaidLeg(span.index);
    }

    function _openChallenge(uint256 agentId, bytes32 trailId, uint32 index)
        private
        view
        returns (Challenge storage challenge)
    {
        challenge = _challenges[legOf(agentId, trailId, index)];
        if (challenge.challenger == address(0) || challenge.settled) revert NoChallenge(agentId, trailId, index);
    }

    function _signer(Voucher calldata voucher, Signature calldata signature)
        private
        view
        returns (address key, IAgentSpending.Session memory session)
    {
        key = MoneyHashes.signerOf(MoneyHashes.structHash(voucher), signature.r, signature.vs);
        session = _sessionOf(key);
    }

    function _requireStatement(TrailStatement calldata statement, Signature calldata signature) private view {
        (address key,,) = ECDSA.tryRecover(trailDigest(statement), signature.r, signature.vs);
        if (_sessionOf(key).agentId != statement.agentId) revert NotOfAgent(statement.agentId, key);
    }

    function _sessionOf(address key) private view returns (IAgentSpending.Session memory session) {
        session = _spending().sessionOf(key);
        if (session.agentId == 0) revert NoSession(key);
    }

    /// @dev A fault is paid for once, whoever shows it how.
    function _slash(uint256 agentId, AgentFault fault, bytes32 subject) private {
        if (_shown[subject]) revert FaultKnown(subject);
        _shown[subject] = true;
        (, uint256 reward) = _registry().slash(agentId, fault);
        _award(subject, reward);
    }

    function _registry() private pure returns (IAgentRegistry) {
        return IAgentRegistry(Predeploys.AGENT_REGISTRY);
    }

    function _spending() private pure returns (IAgentSpending) {
        return IAgentSpending(Predeploys.AGENT_SPENDING);
    }
}
