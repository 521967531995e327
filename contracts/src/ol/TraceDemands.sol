// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { PROOF_EXACT, PROOF_SAMPLED, Segment } from "../lib/MoneyTypes.sol";
import { OpenedReceipt, Openings } from "../lib/Openings.sol";
import { PrepaidAnswers } from "../lib/PrepaidAnswers.sol";
import { TraceHead, TraceNode, Traces } from "../lib/Traces.sol";

/// @title TraceDemands
/// @notice A worker shows any part of the trace that a receipt commits to when asked: who computed the answer anew descends from
///         the root to the first unit that differs, and shows it wrong in one step. Predeploy 0x4f4c…002b. MONEY §7.
///
/// An answer shows eight levels of a tree at once, or a leaf, so that five questions reach any leaf. Each is due within a
/// sixteenth of the window; what is asked in the first third and not shown voids the receipt: the DisputeGame asks
/// `traceMissing` here, as it asks a judge. Whoever shows it is paid by who asked.
contract TraceDemands is Initializable {
    /// @dev `target` is the traceRoot, or the hash of a node or leaf; `levels` how many below it are shown.
    struct Demand {
        address requester;
        uint64 dueAt;
        Shown shown;
        bool isServed;
        uint8 levels;
        uint128 prepaid;
        uint32 index;
        uint8 tree;
        bytes32 target;
    }

    /// @dev What an answer has: the head and the nodes below a tree's root, the nodes below another, or a leaf's bytes.
    enum Shown { Root, Nodes, Leaf }

    event TraceRequested(
        bytes32 indexed demandId,
        uint64 indexed batchId,
        uint32 indexed receipt,
        uint8 tree,
        uint8 depth,
        uint32 index,
        address requester,
        uint128 prepaid,
        uint64 dueAt
    );
    /// @param answer the call that answered, selector and arguments
    event TraceServed(bytes32 indexed demandId, address indexed answerer, bytes answer);
    event PrepaidReturned(bytes32 indexed demandId, address indexed requester, uint128 amount);

    /// @notice Receipts of this class have no trace.
    error NoTrace(uint8 class);
    /// @notice Nothing stands below leaves and absent nodes; what stands below the root is asked by `requestRoot`.
    error NothingThere(uint8 depth, uint32 index);
    error RequestsClosed(uint256 since);
    error AlreadyRequested(bytes32 demandId);
    error PrepaidTooSmall(uint256 required, uint256 given);
    error NotRequested(bytes32 demandId);
    error AlreadyServed(bytes32 demandId);
    error AnswerNotDue(uint64 dueAt);
    error AnswerLate(uint64 dueAt);
    error NothingPrepaid(bytes32 demandId);
    /// @notice The demand is for something else.
    error WrongAnswer(Shown shown);
    error WrongNodeCount(uint256 expected, uint256 given);
    error LeafTooLong(uint256 bytes_);
    /// @notice What is shown is not what the trace commits to.
    error NotCommitted(bytes32 target);

    /// @notice Levels that an answer shows below a node.
    uint8 public constant LEVELS = 8;
    /// @notice An answer is due within this part of the window: five questions fit its first third.
    uint64 public constant ANSWER_FRACTION = 16;
    /// @notice Nobody has less time for an answer, in seconds.
    uint64 public constant ANSWER_TIME_MIN = PrepaidAnswers.TIME_MIN;
    /// @dev Gas of an answer without what it shows, and of each byte of it: calldata, event and hashing.
    uint256 private constant ANSWER_GAS = 120_000;
    uint256 private constant BYTE_GAS = 50;
    /// @dev Bytes of an answer's transaction without what it shows.
    uint256 private constant ANSWER_BYTES = 512;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    mapping(bytes32 demandId => Demand) private _demands;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    // --- Asking; the value prepays the answer ---

    /// @notice Asks the worker for the head of a receipt's trace with the first levels of one of its trees.
    function requestRoot(OpenedReceipt calldata opened, uint8 tree) external payable {
        if (tree > Traces.DERIVED) revert Traces.NoSuchTree(tree);
        _request(opened, Demand(msg.sender, 0, Shown.Root, false, LEVELS, 0, 0, tree, opened.receipt.traceRoot), 0);
    }

    /// @notice Asks the worker for what stands below a node of a trace whose head is known, not a root: nodes, or the bytes of a
    ///         leaf.
    function requestNode(OpenedReceipt calldata opened, TraceHead calldata head, TraceNode calldata node)
        external
        payable
    {
        Traces.requireHead(opened.receipt.traceRoot, head);
        (bytes32 root, uint256 depth) = Traces.treeOf(head, node.tree);
        bool isThere = node.depth > 0 && node.depth <= depth && node.hash != bytes32(0);
        if (!isThere) revert NothingThere(node.depth, node.index);
        Traces.requireNode(root, node);
        uint256 left = depth - node.depth;
        uint8 levels = uint8(left < LEVELS ? left : LEVELS);
        Shown shown = levels == 0 ? Shown.Leaf : Shown.Nodes;
        _request(
            opened, Demand(msg.sender, 0, shown, false, levels, 0, node.index, node.tree, node.hash), node.depth
        );
    }

    // --- Answering; anyone may, and is paid for it ---

    /// @param nodes of the level `min(8, depth of the tree)` below the root
    function serveRoot(bytes32 id, TraceHead calldata head, bytes32[] calldata nodes) external {
        Demand storage demand = _answered(id, Shown.Root);
        Traces.requireHead(demand.target, head);
        (bytes32 root, uint256 depth) = Traces.treeOf(head, demand.tree);
        _requireFold(root, depth < LEVELS ? depth : LEVELS, nodes);
        _pay(id, demand);
    }

    function serveNodes(bytes32 id, bytes32[] calldata nodes) external {
        Demand storage demand = _answered(id, Shown.Nodes);
        _requireFold(demand.target, demand.levels, nodes);
        _pay(id, demand);
    }

    function serveLeaf(bytes32 id, bytes calldata leaf) external {
        Demand storage demand = _answered(id, Shown.Leaf);
        if (leaf.length > Traces.leafBytesOf(demand.tree)) revert LeafTooLong(leaf.length);
        bytes32 hash = sha256(abi.encodePacked(uint8(0x00), demand.index, leaf));
        if (hash != demand.target) revert NotCommitted(demand.target);
        _pay(id, demand);
    }

    /// @notice Gives what was prepaid back to who asked, once the answer is late.
    function returnPrepaid(bytes32 id) external {
        Demand storage demand = _open(id);
        if (block.timestamp < demand.dueAt) revert AnswerNotDue(demand.dueAt);
        uint128 prepaid = demand.prepaid;
        if (prepaid == 0) revert NothingPrepaid(id);
        demand.prepaid = 0;
        emit PrepaidReturned(id, demand.requester, prepaid);
        PrepaidAnswers.send(demand.requester, prepaid);
    }

    // --- Asked by the DisputeGame ---

    /// @notice A part of a receipt's trace was asked for and not shown in time.
    function traceMissing(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        uint8 tree,
        uint8 depth,
        uint32 index
    ) external view returns (Fault) {
        Openings.requireReceipt(opened);
        Demand storage demand =
            _open(demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, tree, depth, index));
        if (block.timestamp < demand.dueAt) revert AnswerNotDue(demand.dueAt);
        return Fault.DataWithheld;
    }

    // --- Views ---

    function demandOf(bytes32 id) external view returns (Demand memory) {
        return _demands[id];
    }

    /// @notice Names the demand for what stands below a node of the trace of receipt `receipt` of a batch.
    function demandIdOf(bytes32 batchHash, uint32 receipt, uint8 tree, uint8 depth, uint32 index)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(batchHash, receipt, tree, depth, index));
    }

    /// @notice What a request has to prepay in this block for an answer of so many bytes of nodes or of a leaf: half more than
    ///         it costs.
    function answerPrice(uint256 shownBytes) public view returns (uint256) {
        return PrepaidAnswers.price(ANSWER_GAS + BYTE_GAS * shownBytes, ANSWER_BYTES + shownBytes);
    }

    // --- Internals ---

    function _request(OpenedReceipt calldata opened, Demand memory demand, uint8 depth) private {
        Openings.requireReceipt(opened);
        uint8 class = opened.receipt.class;
        if (class != PROOF_EXACT && class != PROOF_SAMPLED) revert NoTrace(class);
        uint64 start = opened.header.committedAt;
        if (block.timestamp >= start + window / 3) revert RequestsClosed(start + window / 3);
        bytes32 id =
            demandIdOf(MoneyHashes.batchHash(opened.header), opened.index, demand.tree, depth, demand.index);
        if (_demands[id].requester != address(0)) revert AlreadyRequested(id);
        uint256 price = answerPrice(demand.shown == Shown.Leaf ? Traces.leafBytesOf(demand.tree) : 32 << demand.levels);
        if (msg.value < price) revert PrepaidTooSmall(price, msg.value);
        (demand.prepaid, demand.dueAt) = (uint128(msg.value), _dueAt(start));
        _demands[id] = demand;
        emit TraceRequested(
            id,
            opened.header.batchId,
            opened.index,
            demand.tree,
            depth,
            demand.index,
            msg.sender,
            demand.prepaid,
            demand.dueAt
        );
    }

    function _dueAt(uint64 start) private view returns (uint64) {
        return PrepaidAnswers.dueAt(window / ANSWER_FRACTION, start + window * 2 / 3);
    }

    function _requireFold(bytes32 target, uint256 levels, bytes32[] calldata nodes) private view {
        if (nodes.length != 1 << levels) revert WrongNodeCount(1 << levels, nodes.length);
        if (Traces.fold(nodes) != target) revert NotCommitted(target);
    }

    function _answered(bytes32 id, Shown shown) private view returns (Demand storage demand) {
        demand = _open(id);
        if (block.timestamp >= demand.dueAt) revert AnswerLate(demand.dueAt);
        if (demand.shown != shown) revert WrongAnswer(demand.shown);
    }

    function _pay(bytes32 id, Demand storage demand) private {
        uint128 prepaid = demand.prepaid;
        (demand.isServed, demand.prepaid) = (true, 0);
        emit TraceServed(id, msg.sender, msg.data);
        PrepaidAnswers.send(msg.sender, prepaid);
    }

    function _open(bytes32 id) private view returns (Demand storage demand) {
        demand = _demands[id];
        if (demand.requester == address(0)) revert NotRequested(id);
        if (demand.isServed) revert AlreadyServed(id);
    }
}
