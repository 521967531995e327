// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Leaves } from "./Leaves.sol";
import { Shape, Shapes } from "./Shapes.sol";
import { TraceHead, Traces } from "./Traces.sol";

/// @dev Where a unit begins: byte `offset` of the record whose first leaf is `first`.
struct Place {
    uint8 tree;
    uint256 first;
    uint256 offset;
}

/// @title TracePlaces
/// @notice Which record of a trace holds a unit, and where in it; docs/canonical-inference.md §12.
library TracePlaces {
    /// @notice The op puts out no unit there.
    error NoSuchUnit(uint8 op, uint256 layer, uint256 position, uint256 part);

    uint8 internal constant EMBEDDING = 0;
    uint8 internal constant ATTENTION_SCALE = 2;
    uint8 internal constant ATTENTION_INPUT = 3;
    uint8 internal constant QUERY = 4;
    uint8 internal constant KEY = 5;
    uint8 internal constant VALUE = 6;
    uint8 internal constant ROTATED_QUERY = 7;
    uint8 internal constant CACHED_KEY = 8;
    uint8 internal constant CACHED_VALUE = 9;
    uint8 internal constant ATTENTION_TILE = 10;
    uint8 internal constant ATTENTION_MIX = 11;
    uint8 internal constant OUTPUT_SCALE = 12;
    uint8 internal constant OUTPUT_INPUT = 13;
    uint8 internal constant OUTPUT = 14;
    uint8 internal constant ATTENTION_RESIDUAL = 15;
    uint8 internal constant FFN_SCALE = 17;
    uint8 internal constant FFN_INPUT = 18;
    uint8 internal constant GATE = 19;
    uint8 internal constant UP = 20;
    uint8 internal constant ACTIVATION = 21;
    uint8 internal constant DOWN_SCALE = 22;
    uint8 internal constant DOWN_INPUT = 23;
    uint8 internal constant DOWN = 24;
    uint8 internal constant FFN_RESIDUAL = 25;
    uint8 internal constant HEAD_SCALE = 27;
    uint8 internal constant HEAD_INPUT = 28;
    uint8 internal constant HEAD = 29;
    uint8 internal constant LORA_DOWN = 31;
    uint8 internal constant LORA_SCALE = 32;
    uint8 internal constant LORA_INPUT = 33;
    uint8 internal constant LORA_UP = 34;
    uint8 internal constant CHOICE = 35;
    uint8 internal constant CHOICE_TILE = 36;

    uint256 internal constant CHOICE_ELEMENTS = 12;
    uint256 internal constant CHOICE_TILE_ELEMENTS = 6;
    uint256 internal constant CHOICE_TILE_LOGITS = 256;
    uint256 private constant SCALE_BYTES = 8;

    /// @notice Bytes of a linear tree's record of a layer, of accumulators of `width` bytes.
    function linearBytes(Shape memory shape, uint256 width) internal pure returns (uint256) {
        return width * _linearOffset(shape, Shapes.TARGETS);
    }

    /// @notice Bytes of the derived tree's record of a layer at a position.
    function derivedBytes(Shape memory shape, uint256 position) internal pure returns (uint256) {
        return _tilesOffset(shape) + shape.heads * (2 + shape.headDim) * 8 * tilesAt(shape, position);
    }

    /// @notice Bytes of the derived tree's record of the head.
    function headBytes(Shape memory shape) internal pure returns (uint256) {
        return SCALE_BYTES + shape.inputBytes * shape.dim + 8 * CHOICE_ELEMENTS + 8 * CHOICE_TILE_ELEMENTS * choiceTiles(shape);
    }

    /// @notice Bytes of a record of `positions` keys and values.
    function cacheBytes(Shape memory shape, uint256 positions) internal pure returns (uint256) {
        return 4 * shape.kvHeads * positions * shape.headDim;
    }

    function tilesAt(Shape memory shape, uint256 position) internal pure returns (uint256) {
        return position / Shapes.tilePositions(shape) + 1;
    }

    function choiceTiles(Shape memory shape) internal pure returns (uint256) {
        return (shape.vocab + CHOICE_TILE_LOGITS - 1) / CHOICE_TILE_LOGITS;
    }

    /// @notice Levels of an index that count a record's leaves.
    function leafBits(Shape memory shape, uint8 tree) internal pure returns (uint256) {
        if (tree == Traces.LINEAR) {
            if (shape.linearLeafBits == 0) {
                shape.linearLeafBits = 1 + _bitsFor(linearBytes(shape, 4), Traces.LINEAR_LEAF_BYTES);
            }
            return shape.linearLeafBits - 1;
        }
        if (shape.derivedLeafBits == 0) {
            shape.derivedLeafBits = 1 + _bitsFor(_widestBytes(shape), Traces.DERIVED_LEAF_BYTES);
        }
        return shape.derivedLeafBits - 1;
    }

    /// @notice Levels of an index that count positions.
    function positionBits(Shape memory shape) internal pure returns (uint256) {
        if (shape.positionBits == 0) shape.positionBits = 1 + Leaves.depthOf(shape.context);
        return shape.positionBits - 1;
    }

    function slabs(Shape memory shape, uint8 tree) internal pure returns (uint256) {
        if (tree == Traces.DERIVED) return 2 * shape.layers + 2;
        uint256 leaves = _leaves(4 * shape.vocab, Traces.LINEAR_LEAF_BYTES);
        return shape.layers + 1 + _leaves(leaves, 1 << leafBits(shape, tree));
    }

    function depth(Shape memory shape, uint8 tree) internal pure returns (uint256) {
        return Leaves.depthOf(slabs(shape, tree)) + positionBits(shape) + leafBits(shape, tree);
    }

    /// @notice Where element `i` of a unit stands, and of how many bytes it is. Elements of one unit follow each other, but for those
    ///         of loraUp, attentionTile, cachedKey and cachedValue.
    function of_(
        Shape memory shape,
        TraceHead calldata head,
        uint8 op,
        uint256 layer,
        uint256 position,
        uint256 part,
        uint256 i
    ) internal pure returns (Place memory place, uint256 size) {
        if (!_exists(shape, head, op, layer, position, part, i)) revert NoSuchUnit(op, layer, position, part);
        if (op == HEAD) return (_headPlace(shape, head.width, position, i), head.width);
        (uint256 target, bool isLinear) = _targetOf(op);
        if (isLinear) {
            place = _placeOf(shape, Traces.LINEAR, 1 + layer, position);
            place.offset = head.width * (_linearOffset(shape, target) + i);
            return (place, head.width);
        }
        if (op == CACHED_KEY || op == CACHED_VALUE) {
            return (_cachePlace(shape, head, op == CACHED_VALUE, layer, position, i), 2);
        }
        uint256 slab = op == EMBEDDING ? 0 : 1 + layer;
        if (op == HEAD_SCALE || op == HEAD_INPUT || op >= CHOICE) slab = 1 + shape.layers;
        place = _placeOf(shape, Traces.DERIVED, slab, position);
        (place.offset, size) = _derivedOffset(shape, op, position, part);
        place.offset += i * size;
        if (op == LORA_UP) {
            // Row 0 of every slot that has the target, row 1 of every such slot, …
            (uint256 before, uint256 all) = _slotsWith(shape, part);
            place.offset += size * (i * (all - 1) + before);
        }
        if (op == ATTENTION_TILE) {
            // max of every tile, sum of every tile, mix_0 of every tile, …
            uint256 tiles = tilesAt(shape, position);
            place.offset = _tilesOffset(shape) + 8 * (((part / tiles) * (2 + shape.headDim) + i) * tiles + part % tiles);
        }
    }

    /// @notice Elements of a unit.
    function count(Shape memory shape, uint8 op, uint256 part) internal pure returns (uint256) {
        (uint256 target, bool isLinear) = _targetOf(op);
        if (isLinear) return Shapes.rowsOf(shape, target);
        if (op == HEAD) return shape.vocab;
        if (op == ATTENTION_SCALE || op == OUTPUT_SCALE || op == FFN_SCALE || op == DOWN_SCALE) return 2;
        if (op == HEAD_SCALE || op == LORA_SCALE) return 2;
        if (op == ROTATED_QUERY || op == ATTENTION_MIX || op == OUTPUT_INPUT) return shape.heads * shape.headDim;
        if (op == CACHED_KEY || op == CACHED_VALUE) return shape.kvHeads * shape.headDim;
        if (op == ATTENTION_TILE) return 2 + shape.headDim;
        if (op == ACTIVATION || op == DOWN_INPUT) return shape.ffnDim;
        if (op == LORA_DOWN || op == LORA_INPUT) return shape.ranks[part / Shapes.TARGETS];
        if (op == LORA_UP) return Shapes.rowsOf(shape, part % Shapes.TARGETS);
        if (op == CHOICE) return CHOICE_ELEMENTS;
        if (op == CHOICE_TILE) return CHOICE_TILE_ELEMENTS;
        return shape.dim;
    }

    /// @notice The scale of a target's input; the input's own op is the next.
    function scaleOpOf(uint256 target) internal pure returns (uint8) {
        if (target < Shapes.OUTPUT) return ATTENTION_SCALE;
        if (target == Shapes.OUTPUT) return OUTPUT_SCALE;
        if (target < Shapes.DOWN) return FFN_SCALE;
        return target == Shapes.DOWN ? DOWN_SCALE : HEAD_SCALE;
    }

    /// @notice The op of a target's accumulators.
    function linearOpOf(uint256 target) internal pure returns (uint8) {
        if (target < Shapes.OUTPUT) return uint8(QUERY + target);
        if (target == Shapes.OUTPUT) return OUTPUT;
        if (target < Shapes.DOWN) return uint8(GATE + target - Shapes.GATE);
        return target == Shapes.DOWN ? DOWN : HEAD;
    }

    function _targetOf(uint8 op) private pure returns (uint256 target, bool isLinear) {
        if (op >= QUERY && op <= VALUE) return (op - QUERY, true);
        if (op == OUTPUT) return (Shapes.OUTPUT, true);
        if (op == GATE || op == UP) return (op - GATE + Shapes.GATE, true);
        if (op == DOWN) return (Shapes.DOWN, true);
        return (0, false);
    }

    function _exists(
        Shape memory shape,
        TraceHead calldata head,
        uint8 op,
        uint256 layer,
        uint256 position,
        uint256 part,
        uint256 i
    ) private pure returns (bool) {
        // Norms and logits are not committed.
        if (op > CHOICE_TILE || op == 1 || op == 16 || op == 26 || op == 30) return false;
        bool ofHead = op >= HEAD_SCALE && op <= HEAD || op >= CHOICE;
        bool ofLayer = !ofHead && op != EMBEDDING;
        if (layer >= (ofLayer ? shape.layers : 1) || position >= head.positions) return false;
        if (ofHead && position + 1 < head.tin) return false;
        bool ofAdapter = op >= LORA_DOWN && op <= LORA_UP;
        uint256 parts = 1;
        if (ofAdapter) {
            parts = Shapes.TARGETS * shape.ranks.length;
            if (part < parts && !Shapes.hasTarget(shape, part / Shapes.TARGETS, part % Shapes.TARGETS)) return false;
        }
        if (op == ATTENTION_TILE) parts = shape.heads * tilesAt(shape, position);
        if (op == CHOICE_TILE) parts = choiceTiles(shape);
        return part < parts && i < count(shape, op, part);
    }

    function _placeOf(Shape memory shape, uint8 tree, uint256 slab, uint256 position)
        private
        pure
        returns (Place memory)
    {
        return Place(tree, (slab << positionBits(shape) | position) << leafBits(shape, tree), 0);
    }

    /// @dev The head's accumulators go on from slab to slab.
    function _headPlace(Shape memory shape, uint256 width, uint256 position, uint256 i)
        private
        pure
        returns (Place memory place)
    {
        uint256 slabBytes = Traces.LINEAR_LEAF_BYTES << leafBits(shape, Traces.LINEAR);
        uint256 offset = width * i;
        place = _placeOf(shape, Traces.LINEAR, shape.layers + 1 + offset / slabBytes, position);
        place.offset = offset % slabBytes;
    }

    function _cachePlace(
        Shape memory shape,
        TraceHead calldata head,
        bool isValue,
        uint256 layer,
        uint256 position,
        uint256 i
    ) private pure returns (Place memory place) {
        uint256 size = Shapes.tilePositions(shape);
        uint256 tile = position / size;
        uint256 positions = head.positions - size * tile;
        if (positions > size) positions = size;
        place = _placeOf(shape, Traces.DERIVED, shape.layers + 2 + layer, tile);
        uint256 lists = 2 * (i / shape.headDim) + (isValue ? 1 : 0);
        place.offset = 2 * ((lists * positions + position % size) * shape.headDim + i % shape.headDim);
    }

    function _linearOffset(Shape memory shape, uint256 target) private pure returns (uint256 elements) {
        for (uint256 t = 0; t < target; t++) elements += Shapes.rowsOf(shape, t);
    }

    function _derivedOffset(Shape memory shape, uint8 op, uint256 position, uint256 part)
        private
        pure
        returns (uint256 offset, uint256 size)
    {
        if (op == EMBEDDING) return (0, 4);
        if (op == HEAD_SCALE) return (0, 4);
        if (op == HEAD_INPUT) return (SCALE_BYTES, shape.inputBytes);
        uint256 choice = SCALE_BYTES + shape.inputBytes * shape.dim;
        if (op == CHOICE) return (choice, 8);
        if (op == CHOICE_TILE) {
            uint256 before = CHOICE_ELEMENTS + CHOICE_TILE_ELEMENTS * part;
            return (choice + 8 * before, 8);
        }
        if (op == ATTENTION_TILE) return (derivedBytes(shape, position), 8);
        if (op == LORA_UP) return (_upOffset(shape, part % Shapes.TARGETS), 4);
        return _layerOffset(shape, op, part);
    }

    function _layerOffset(Shape memory shape, uint8 op, uint256 part) private pure returns (uint256 offset, uint256) {
        (uint256 dim, uint256 queries, uint256 ffn) = (shape.dim, shape.heads * shape.headDim, shape.ffnDim);
        if (op == ATTENTION_SCALE) return (0, 4);
        offset = SCALE_BYTES;
        if (op == ATTENTION_INPUT) return (offset, shape.inputBytes);
        offset += shape.inputBytes * dim;
        if (op == ROTATED_QUERY) return (offset, 2);
        offset += 2 * queries;
        if (op == ATTENTION_MIX) return (offset, 4);
        offset += 4 * queries;
        if (op == OUTPUT_SCALE) return (offset, 4);
        offset += SCALE_BYTES;
        if (op == OUTPUT_INPUT) return (offset, shape.inputBytes);
        offset += shape.inputBytes * queries;
        if (op == ATTENTION_RESIDUAL) return (offset, 4);
        offset += 4 * dim;
        if (op == FFN_SCALE) return (offset, 4);
        offset += SCALE_BYTES;
        if (op == FFN_INPUT) return (offset, shape.inputBytes);
        offset += shape.inputBytes * dim;
        if (op == ACTIVATION) return (offset, 4);
        offset += 4 * ffn;
        if (op == DOWN_SCALE) return (offset, 4);
        offset += SCALE_BYTES;
        if (op == DOWN_INPUT) return (offset, shape.inputBytes);
        offset += shape.inputBytes * ffn;
        if (op == FFN_RESIDUAL) return (offset, 4);
        return _loraOffset(shape, offset + 4 * dim, op, part);
    }

    /// @dev Of all slots' targets first loraDown, then loraScale, then loraInput.
    function _loraOffset(Shape memory shape, uint256 offset, uint8 op, uint256 part)
        private
        pure
        returns (uint256, uint256)
    {
        (uint256 pairs, uint256 ranks) = _loraBefore(shape, shape.ranks.length, 0);
        (uint256 pairsBefore, uint256 ranksBefore) =
            _loraBefore(shape, part / Shapes.TARGETS, part % Shapes.TARGETS);
        if (op == LORA_DOWN) return (offset + 4 * ranksBefore, 4);
        offset += 4 * ranks;
        if (op == LORA_SCALE) return (offset + SCALE_BYTES * pairsBefore, 4);
        return (offset + SCALE_BYTES * pairs + shape.inputBytes * ranksBefore, shape.inputBytes);
    }

    /// @dev Pairs of a slot and one of its targets before one of them, and their ranks' sum.
    function _loraBefore(Shape memory shape, uint256 slots, uint256 targets)
        private
        pure
        returns (uint256 pairs, uint256 ranks)
    {
        unchecked {
            uint256 end = slots < shape.ranks.length ? slots + 1 : shape.ranks.length;
            for (uint256 slot = 0; slot < end; slot++) {
                uint256 mask = slot < slots ? shape.targets[slot] : shape.targets[slot] & ((1 << targets) - 1);
                uint256 count_ = Shapes.ones(mask);
                pairs += count_;
                ranks += count_ * shape.ranks[slot];
            }
        }
    }

    /// @dev Where the adapters' outputs of a target stand; of the target behind the last: where the tiles do.
    function _upOffset(Shape memory shape, uint256 target) private pure returns (uint256 offset) {
        unchecked {
            (offset,) = _layerOffset(shape, FFN_RESIDUAL, 0);
            (uint256 pairs, uint256 ranks) = _loraBefore(shape, shape.ranks.length, 0);
            offset += 4 * shape.dim + SCALE_BYTES * pairs + (4 + shape.inputBytes) * ranks;
            for (uint256 t = 0; t < target; t++) {
                (, uint256 all) = _slotsWith(shape, t);
                offset += 4 * all * Shapes.rowsOf(shape, t);
            }
        }
    }

    /// @return before slots before the part's that have its target
    /// @return all    slots that have it
    function _slotsWith(Shape memory shape, uint256 part) private pure returns (uint256 before, uint256 all) {
        unchecked {
            (uint256 own, uint256 target) = (part / Shapes.TARGETS, part % Shapes.TARGETS);
            for (uint256 slot = 0; slot < shape.ranks.length; slot++) {
                if (slot == own) before = all;
                all += shape.targets[slot] >> target & 1;
            }
        }
    }

    function _tilesOffset(Shape memory shape) private pure returns (uint256) {
        if (shape.tilesOffset == 0) shape.tilesOffset = 1 + _upOffset(shape, Shapes.TARGETS);
        return shape.tilesOffset - 1;
    }

    /// @dev Bytes of the largest record of the derived tree that the context allows.
    function _widestBytes(Shape memory shape) private pure returns (uint256 most) {
        most = derivedBytes(shape, shape.context - 1);
        uint256 tile = Shapes.tilePositions(shape);
        uint256 cached = cacheBytes(shape, tile < shape.context ? tile : shape.context);
        if (cached > most) most = cached;
        if (headBytes(shape) > most) most = headBytes(shape);
    }

    function _bitsFor(uint256 bytes_, uint256 leafBytes) private pure returns (uint256) {
        return Leaves.depthOf(_leaves(bytes_, leafBytes));
    }

    function _leaves(uint256 bytes_, uint256 leafBytes) private pure returns (uint256) {
        return (bytes_ + leafBytes - 1) / leafBytes;
    }
}
