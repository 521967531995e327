// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks } from "./Chunks.sol";
import { Elements } from "./Elements.sol";
import { Leaves } from "./Leaves.sol";
import { Shape, Shapes } from "./Shapes.sol";
import { SectionRun, Step, StepContext, TraceRun } from "./StepTypes.sol";
import { Place, TracePlaces } from "./TracePlaces.sol";
import { TraceHead, Traces } from "./Traces.sol";
import { InputScale, UnitRules } from "./UnitRules.sol";

/// @title Steps
/// @notice What a step shows, opened once and then read by unit and section.
library Steps {
    /// @notice The head is not that of the answer's and the model's sizes: TraceJudge's to judge.
    error WrongExtent();
    /// @notice No file, or no section's leaf.
    error WrongSection(uint8 file, uint32 section);
    /// @notice The step does not show these bytes of a section.
    error SectionNotShown(uint256 file, uint256 section, uint256 offset);
    /// @notice The step does not show these bytes of a record.
    error RecordNotShown(uint8 tree, uint256 first, uint256 offset);
    /// @notice The step does not show the token of the position.
    error TokenNotShown(uint256 position);
    /// @notice The step's op is another judge's.
    error WrongOp(uint8 op);

    /// @dev Length, leaf size and root behind a section's name.
    uint256 private constant LEAF_TAIL = 44;
    /// @dev A model whose trees are deeper has no trace.
    uint256 private constant INDEX_BITS = 32;

    /// @notice Opens everything but tokens; reverts where anything is not what its root commits to.
    function open(StepContext calldata context, Step calldata step) internal view returns (Shape memory shape) {
        Traces.requireHead(context.traceRoot, step.head);
        for (uint256 i = 0; i < step.model.length; i++) _openSection(context, step.model[i]);
        shape = Shapes.read(section(step, 0, 0, 0, Shapes.CONFIG_BYTES), context.adapters.length);
        for (uint256 slot = 0; slot < context.adapters.length; slot++) {
            Shapes.readAdapter(shape, slot, section(step, 1 + slot, 0, 0, Shapes.ADAPTER_CONFIG_BYTES));
        }
        _requireExtent(context, step.head, shape);
        for (uint256 i = 0; i < step.trace.length; i++) {
            TraceRun calldata shown = step.trace[i];
            (bytes32 root, uint256 depth) = Traces.treeOf(step.head, shown.tree);
            Leaves.open(root, depth, Traces.leafBytesOf(shown.tree), shown.run);
        }
    }

    /// @notice Bytes of a section of a file.
    function section(Step calldata step, uint256 file, uint256 number, uint256 offset, uint256 length)
        internal
        pure
        returns (bytes calldata)
    {
        for (uint256 i = 0; i < step.model.length; i++) {
            SectionRun calldata shown = step.model[i];
            if (shown.file != file || shown.section != number) continue;
            uint256 begin = uint256(shown.run.first) * _leafSize(shown.leaf);
            if (offset < begin || offset + length > begin + shown.run.data.length) continue;
            return shown.run.data[offset - begin:offset - begin + length];
        }
        revert SectionNotShown(file, number, offset);
    }

    /// @notice Bytes of elements that follow each other from element `i` of a unit on.
    function elements(
        Step calldata step,
        Shape memory shape,
        uint8 op,
        uint256 position,
        uint256 part,
        uint256 i,
        uint256 count
    ) internal pure returns (bytes calldata data, uint256 size) {
        Place memory place;
        (place, size) = TracePlaces.of_(shape, step.head, op, layerOf(step, op), position, part, i);
        return (_record(step, shape, place, count * size), size);
    }

    /// @notice Element `i` of a unit of the step's layer and position.
    function element(Step calldata step, Shape memory shape, uint8 op, uint256 part, uint256 i)
        internal
        pure
        returns (int256)
    {
        (bytes calldata data, uint256 size) = elements(step, shape, op, step.position, part, i, 1);
        return at(data, size, 0);
    }

    /// @notice Element `i` of elements of `size` bytes.
    function at(bytes calldata data, uint256 size, uint256 i) internal pure returns (int256) {
        if (size == 1) return Elements.int8At(data, i);
        if (size == 2) return Elements.int16At(data, i);
        if (size == 3) return Elements.int24At(data, i);
        return size == 4 ? Elements.int32At(data, i) : Elements.int64At(data, i);
    }

    /// @notice The element in question.
    function claimed(Step calldata step, Shape memory shape) internal pure returns (int256) {
        (Place memory place, uint256 size) =
            TracePlaces.of_(shape, step.head, step.op, step.layer, step.position, step.part, step.element);
        return at(_record(step, shape, place, size), size, 0);
    }

    /// @notice `count` elements of what the step's layer is given, from element `i` on: the residual stream.
    function residual(Step calldata step, Shape memory shape, uint256 layer, uint256 i, uint256 count)
        internal
        pure
        returns (bytes calldata)
    {
        uint8 op = layer == 0 ? TracePlaces.EMBEDDING : TracePlaces.FFN_RESIDUAL;
        uint256 before = layer == 0 ? 0 : layer - 1;
        (Place memory place, uint256 size) = TracePlaces.of_(shape, step.head, op, before, step.position, 0, i);
        return _record(step, shape, place, count * size);
    }

    /// @notice A committed scale.
    function scale(Step calldata step, Shape memory shape, uint8 op, uint256 part)
        internal
        pure
        returns (InputScale memory)
    {
        (bytes calldata data,) = elements(step, shape, op, step.position, part, 0, 2);
        return UnitRules.readScale(data);
    }

    /// @notice Q16 output `row` of a target's linear, with what the adapters add to it.
    function output(Step calldata step, Shape memory shape, StepContext calldata context, uint256 target, uint256 row)
        internal
        pure
        returns (int256 y)
    {
        (, uint256 scales) = Shapes.matrixOf(shape, step.layer, target);
        y = UnitRules.dequantised(
            element(step, shape, TracePlaces.linearOpOf(target), 0, row),
            Elements.uint32At(section(step, 0, scales, 4 * row, 4), 0),
            scale(step, shape, TracePlaces.scaleOpOf(target), 0)
        );
        for (uint256 slot = 0; slot < context.adapters.length; slot++) {
            if (!Shapes.hasTarget(shape, slot, target)) continue;
            y = UnitRules.adapted(y, _adapterOutput(step, shape, slot, target, row), context.adapters[slot].weight);
        }
    }

    /// @notice The token of a position, from the request's prompt or the receipt's output.
    function tokenAt(StepContext calldata context, Step calldata step, uint256 position)
        internal
        view
        returns (uint256)
    {
        if (step.tokens.length != 1) revert TokenNotShown(position);
        (bytes32 root, uint32 count, uint256 place) = position < context.tin
            ? (context.promptRoot, context.tin, position)
            : (context.outputRoot, context.tout, position - context.tin);
        Chunks.openTokens(root, count, step.tokens[0]);
        return Chunks.word(step.tokens[0], place);
    }

    /// @notice The layer under which the units of an op are named.
    function layerOf(Step calldata step, uint8 op) internal pure returns (uint256) {
        bool ofLayer = op > TracePlaces.EMBEDDING && op <= TracePlaces.FFN_RESIDUAL
            || op >= TracePlaces.LORA_DOWN && op <= TracePlaces.LORA_UP;
        return ofLayer ? step.layer : 0;
    }

    /// @dev Q16 output `row` of a slot's U.
    function _adapterOutput(Step calldata step, Shape memory shape, uint256 slot, uint256 target, uint256 row)
        private
        pure
        returns (int256)
    {
        uint256 part = Shapes.TARGETS * slot + target;
        uint256 scales = Shapes.adapterSectionOf(shape, slot, step.layer, target) + 3;
        return UnitRules.dequantised(
            element(step, shape, TracePlaces.LORA_UP, part, row),
            Elements.uint32At(section(step, 1 + slot, scales, 4 * row, 4), 0),
            scale(step, shape, TracePlaces.LORA_SCALE, part)
        );
    }

    function _record(Step calldata step, Shape memory shape, Place memory place, uint256 length)
        private
        pure
        returns (bytes calldata)
    {
        uint256 chunk = Traces.leafBytesOf(place.tree);
        uint256 end = place.first + (1 << TracePlaces.leafBits(shape, place.tree));
        for (uint256 i = 0; i < step.trace.length; i++) {
            TraceRun calldata shown = step.trace[i];
            uint256 first = shown.run.first;
            if (shown.tree != place.tree || first < place.first || first >= end) continue;
            uint256 begin = (first - place.first) * chunk;
            if (place.offset < begin || place.offset + length > begin + shown.run.data.length) continue;
            return shown.run.data[place.offset - begin:place.offset - begin + length];
        }
        revert RecordNotShown(place.tree, place.first, place.offset);
    }

    function _openSection(StepContext calldata context, SectionRun calldata shown) private view {
        if (shown.file > context.adapters.length || shown.leaf.length < 1 + LEAF_TAIL) {
            revert WrongSection(shown.file, shown.section);
        }
        bytes32 root = shown.file == 0 ? context.modelRoot : context.adapters[shown.file - 1].root;
        uint256 tail = shown.leaf.length - LEAF_TAIL;
        if (uint256(uint8(shown.leaf[0])) + 1 != tail) revert WrongSection(shown.file, shown.section);
        Chunks.openLeaf(root, shown.section, shown.leaf, shown.siblings);
        uint256 length = uint64(bytes8(shown.leaf[tail:]));
        uint256 size = _leafSize(shown.leaf);
        if (size == 0 || length == 0) revert WrongSection(shown.file, shown.section);
        uint256 depth = Leaves.depthOf((length + size - 1) / size);
        Leaves.open(bytes32(shown.leaf[tail + 12:]), depth, size, shown.run);
    }

    function _leafSize(bytes calldata leaf) private pure returns (uint256) {
        return uint32(bytes4(leaf[leaf.length - 36:]));
    }

    function _requireExtent(StepContext calldata context, TraceHead calldata head, Shape memory shape) private pure {
        bool fits = uint256(head.positions) + 1 == uint256(context.tin) + context.tout && head.tin == context.tin
            && head.positions <= shape.context && (head.width == 3 || head.width == 4)
            && head.linearDepth == TracePlaces.depth(shape, Traces.LINEAR)
            && head.derivedDepth == TracePlaces.depth(shape, Traces.DERIVED)
            && head.linearDepth <= INDEX_BITS && head.derivedDepth <= INDEX_BITS;
        if (!fits) revert WrongExtent();
    }
}
