// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault } from "../lib/Faults.sol";
import { Adapter, Receipt, Request, Segment } from "../lib/MoneyTypes.sol";
import { ModelSections, OpenedConfig } from "../lib/ModelSections.sol";
import { OpenedReceipt } from "../lib/Openings.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { StepJudges } from "../lib/StepJudges.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";
import { TracedAnswers } from "../lib/TracedAnswers.sol";
import { ShownPlace, TraceHead, TraceNode, Traces } from "../lib/Traces.sol";

/// @title TraceJudge
/// @notice Whether the trace that a receipt commits to is not that of its request, its model and its tokens: in one step of the
///         computation, or in its form. Predeploy 0x4f4c…0031; asked as ReceiptJudge is. docs/canonical-inference.md §12.
contract TraceJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice The node does not show that place.
    error OtherPlace(uint32 index);
    /// @notice The bytes are not those of the leaf.
    error WrongLeaf(uint32 index);
    /// @notice As many adapters as the request has.
    error WrongAdapterCount(uint256 expected, uint256 given);

    uint256 private constant DEPTH_MAX = 32;

    /// @notice An element of a unit is not what its inputs make it; the judge of its op says so.
    function wrongStep(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        Step calldata step
    ) external view returns (Fault) {
        bytes32 modelRoot = TracedAnswers.requireAnswer(opened, request);
        Receipt calldata receipt = opened.receipt;
        StepContext memory context = StepContext({
            modelRoot: modelRoot,
            traceRoot: receipt.traceRoot,
            promptRoot: request.promptRoot,
            outputRoot: receipt.outputRoot,
            tin: receipt.tin,
            tout: receipt.tout,
            tempQ16: request.sampling.tempQ16,
            topK: request.sampling.topK,
            topPQ16: request.sampling.topPQ16,
            seed: sha256(abi.encodePacked(receipt.requestId, receipt.worker)),
            adapters: request.adapters
        });
        return IStepJudge(StepJudges.of_(step.op)).judge(context, step);
    }

    /// @notice The head counts other positions than the receipt's tokens are, or has a width or depths that the model and its
    ///         slots do not give.
    function badTraceHead(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        TraceHead calldata head,
        OpenedConfig calldata config,
        OpenedConfig[] calldata adapters
    ) external view returns (Fault) {
        Shape memory shape = _shapeOf(opened, request, head, config, adapters);
        Receipt calldata receipt = opened.receipt;
        bool isCount = head.tin == receipt.tin && uint256(head.positions) + 1 == uint256(receipt.tin) + receipt.tout;
        uint256 linear = TracePlaces.depth(shape, Traces.LINEAR);
        uint256 derived = TracePlaces.depth(shape, Traces.DERIVED);
        bool isDepth = head.linearDepth == linear && head.derivedDepth == derived && linear <= DEPTH_MAX
            && derived <= DEPTH_MAX;
        if (isCount && isDepth && (head.width == 3 || head.width == 4)) revert NoFault();
        return Fault.WrongStep;
    }

    /// @notice A place of the trace is absent, there without a unit, or of another length than its units have. Of a trace
    ///         whose head is right.
    function badTracePlace(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        TraceHead calldata head,
        OpenedConfig calldata config,
        OpenedConfig[] calldata adapters,
        ShownPlace calldata shown
    ) external view returns (Fault) {
        Shape memory shape = _shapeOf(opened, request, head, config, adapters);
        TraceNode calldata node = shown.node;
        (bytes32 root, uint256 depth) = Traces.treeOf(head, node.tree);
        Traces.requireNode(root, node);
        bool isThere = node.hash != bytes32(0);
        bool isShown = isThere ? node.depth == depth : node.depth <= depth;
        if (!isShown || shown.index >> (depth - node.depth) != node.index) revert OtherPlace(shown.index);
        uint256 length = _leafLength(shape, head, node.tree, shown.index);
        if (!isThere && length == 0) revert NoFault();
        if (isThere && length > 0) {
            bytes32 hash = sha256(abi.encodePacked(uint8(0x00), shown.index, shown.leaf));
            if (hash != node.hash) revert WrongLeaf(shown.index);
            if (shown.leaf.length == length) revert NoFault();
        }
        return Fault.WrongStep;
    }

    function _shapeOf(
        OpenedReceipt calldata opened,
        Request calldata request,
        TraceHead calldata head,
        OpenedConfig calldata config,
        OpenedConfig[] calldata adapters
    ) private view returns (Shape memory shape) {
        bytes32 modelRoot = TracedAnswers.requireAnswer(opened, request);
        Traces.requireHead(opened.receipt.traceRoot, head);
        ModelSections.openConfig(modelRoot, config);
        Adapter[] calldata slots = request.adapters;
        if (slots.length != adapters.length) revert WrongAdapterCount(slots.length, adapters.length);
        shape = Shapes.read(config.config, slots.length);
        for (uint256 i = 0; i < slots.length; i++) {
            ModelSections.openAdapter(slots[i].root, adapters[i]);
            Shapes.readAdapter(shape, i, adapters[i].config);
        }
    }

    /// @dev Bytes of leaf `index` of a tree; 0 where there is none.
    function _leafLength(Shape memory shape, TraceHead calldata head, uint8 tree, uint256 index)
        private
        pure
        returns (uint256)
    {
        uint256 leafBits = TracePlaces.leafBits(shape, tree);
        uint256 positionBits = TracePlaces.positionBits(shape);
        (uint256 slab, uint256 position) =
            (index >> (positionBits + leafBits), index >> leafBits & ((1 << positionBits) - 1));
        uint256 leafBytes = Traces.leafBytesOf(tree);
        uint256 size = tree == Traces.LINEAR
            ? _linearBytes(shape, head, slab, position, leafBytes << leafBits)
            : _derivedBytes(shape, head, slab, position);
        uint256 from = (index & ((1 << leafBits) - 1)) * leafBytes;
        return _part(size, from, leafBytes);
    }

    function _linearBytes(
        Shape memory shape,
        TraceHead calldata head,
        uint256 slab,
        uint256 position,
        uint256 slabBytes
    ) private pure returns (uint256) {
        if (slab == 0 || position >= head.positions) return 0;
        if (slab <= shape.layers) return TracePlaces.linearBytes(shape, head.width);
        if (position + 1 < head.tin) return 0;
        return _part(head.width * shape.vocab, (slab - shape.layers - 1) * slabBytes, slabBytes);
    }

    function _derivedBytes(Shape memory shape, TraceHead calldata head, uint256 slab, uint256 position)
        private
        pure
        returns (uint256)
    {
        uint256 layers = shape.layers;
        if (slab > layers + 1) {
            uint256 tile = Shapes.tilePositions(shape);
            uint256 positions = slab > 2 * layers + 1 ? 0 : _part(head.positions, tile * position, tile);
            return TracePlaces.cacheBytes(shape, positions);
        }
        if (position >= head.positions) return 0;
        if (slab == 0) return 4 * shape.dim;
        if (slab <= layers) return TracePlaces.derivedBytes(shape, position);
        return position + 1 < head.tin ? 0 : TracePlaces.headBytes(shape);
    }

    /// @dev How much of `size` stands in the part that begins at `from`.
    function _part(uint256 size, uint256 from, uint256 partSize) private pure returns (uint256) {
        if (from >= size) return 0;
        return size - from < partSize ? size - from : partSize;
    }
}
