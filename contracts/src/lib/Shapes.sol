// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev A model's config, and what an answer's adapters are: rank and targets of each slot. docs/canonical-inference.md §4, §9.
///      `inputMax` is the largest magnitude of an element of a linear's input, of `inputBytes`.
///      The last four are TracePlaces' own, which remembers them, one more than they are; 0 where it has not made them yet.
struct Shape {
    uint256 vocab;
    uint256 dim;
    uint256 layers;
    uint256 heads;
    uint256 kvHeads;
    uint256 headDim;
    uint256 ffnDim;
    uint256 context;
    uint256 epsilon;
    uint256 scoreMultiplier;
    uint256 scoreShift;
    bool tiedHead;
    uint256 inputMax;
    uint256 inputBytes;
    uint256[] ranks;
    uint256[] targets;
    uint256 linearLeafBits;
    uint256 derivedLeafBits;
    uint256 positionBits;
    uint256 tilesOffset;
}

/// @title Shapes
/// @notice What a config says of the matrices and sections of a model and its adapters.
library Shapes {
    /// @notice No reader takes a model with this config.
    error BadConfig();
    /// @notice No reader takes an adapter with this config.
    error BadAdapter(uint256 slot);

    /// @dev Targets of adapters, and beyond them the head.
    uint256 internal constant QUERY = 0;
    uint256 internal constant KEY = 1;
    uint256 internal constant VALUE = 2;
    uint256 internal constant OUTPUT = 3;
    uint256 internal constant GATE = 4;
    uint256 internal constant UP = 5;
    uint256 internal constant DOWN = 6;
    uint256 internal constant HEAD = 7;
    uint256 internal constant TARGETS = 7;

    /// @dev Sections of a model.
    uint256 internal constant COS = 3;
    uint256 internal constant SIN = 4;
    uint256 internal constant EMBEDDING = 6;
    uint256 internal constant EMBEDDING_SCALES = 7;
    uint256 internal constant ATTENTION_NORM = 0;
    uint256 internal constant FFN_NORM = 9;
    uint256 private constant BEFORE_LAYERS = 8;
    uint256 private constant PER_LAYER = 16;
    /// @dev Of a target in each layer of an adapter: D, its scales, U, its scales.
    uint256 private constant PER_TARGET = 4;

    /// @dev Largest elements of linears' inputs in formats 1 and 2, and the most columns that linears of format 2 have.
    uint256 private constant NARROW_INPUT = 127;
    uint256 private constant WIDE_INPUT = 1_023;
    uint256 private constant WIDE_COLUMNS_MAX = 2 ** 13;

    uint256 internal constant CONFIG_BYTES = 60;
    uint256 internal constant ADAPTER_CONFIG_BYTES = 44;

    /// @notice Reads a model's config; reverts where it is out of §4's limits.
    function read(bytes calldata data, uint256 adapters) internal pure returns (Shape memory shape) {
        if (data.length != CONFIG_BYTES) revert BadConfig();
        bool isWide = _within(data, 0, 1, 2) == 2;
        (shape.inputMax, shape.inputBytes) = isWide ? (WIDE_INPUT, 2) : (NARROW_INPUT, 1);
        shape.vocab = _within(data, 1, 2, 2 ** 18);
        shape.dim = _within(data, 2, 16, 2 ** 14);
        shape.layers = _within(data, 3, 1, 256);
        shape.heads = _within(data, 4, 1, 1024);
        shape.kvHeads = _within(data, 5, 1, 1024);
        shape.headDim = _within(data, 6, 8, 128);
        shape.ffnDim = _within(data, 7, 16, 2 ** 16);
        shape.context = _within(data, 8, 1, 2 ** 15);
        shape.epsilon = _within(data, 9, 1, 2 ** 24);
        shape.scoreMultiplier = _within(data, 10, 1, 2 ** 15 - 1);
        shape.scoreShift = _within(data, 11, 1, 40);
        _within(data, 12, 0, shape.vocab - 1);
        _within(data, 13, 0, shape.vocab - 1);
        shape.tiedHead = _within(data, 14, 0, 1) == 1;
        uint256 queries = shape.heads * shape.headDim;
        bool fits = (shape.dim | shape.ffnDim | queries) % 16 == 0 && shape.headDim % 8 == 0
            && shape.heads % shape.kvHeads == 0 && queries <= 2 ** 14
            && shape.headDim * shape.scoreMultiplier <= 2 << shape.scoreShift;
        uint256 columns = shape.dim > shape.ffnDim ? shape.dim : shape.ffnDim;
        if (queries > columns) columns = queries;
        if (isWide && columns > WIDE_COLUMNS_MAX) fits = false;
        if (!fits) revert BadConfig();
        shape.ranks = new uint256[](adapters);
        shape.targets = new uint256[](adapters);
    }

    /// @notice Reads the config of a slot's adapter.
    function readAdapter(Shape memory shape, uint256 slot, bytes calldata data) internal pure {
        if (data.length != ADAPTER_CONFIG_BYTES || _word(data, 0) != 1) revert BadAdapter(slot);
        (uint256 rank, uint256 targets) = (_word(data, 1), _word(data, 2));
        if (rank == 0 || rank > 64 || rank % 8 != 0 || targets == 0 || targets >= 1 << TARGETS) revert BadAdapter(slot);
        (shape.ranks[slot], shape.targets[slot]) = (rank, targets);
    }

    /// @notice Positions of an attention tile.
    function tilePositions(Shape memory shape) internal pure returns (uint256) {
        uint256 positions = 8 * (1024 / shape.headDim);
        return positions < 128 ? positions : 128;
    }

    function rowsOf(Shape memory shape, uint256 target) internal pure returns (uint256) {
        if (target == QUERY) return shape.heads * shape.headDim;
        if (target == KEY || target == VALUE) return shape.kvHeads * shape.headDim;
        if (target == GATE || target == UP) return shape.ffnDim;
        return target == HEAD ? shape.vocab : shape.dim;
    }

    function columnsOf(Shape memory shape, uint256 target) internal pure returns (uint256) {
        if (target == OUTPUT) return shape.heads * shape.headDim;
        return target == DOWN ? shape.ffnDim : shape.dim;
    }

    /// @notice Section of a layer; its target's weights, behind which their scales stand.
    function sectionOf(uint256 layer, uint256 inLayer) internal pure returns (uint256) {
        return BEFORE_LAYERS + PER_LAYER * layer + inLayer;
    }

    function finalNormOf(Shape memory shape) internal pure returns (uint256) {
        return BEFORE_LAYERS + PER_LAYER * shape.layers;
    }

    /// @notice Sections of a linear's weights and row scales.
    function matrixOf(Shape memory shape, uint256 layer, uint256 target)
        internal
        pure
        returns (uint256 weights, uint256 scales)
    {
        if (target == HEAD) {
            uint256 behind = finalNormOf(shape) + 1;
            return shape.tiedHead ? (EMBEDDING, behind) : (behind, behind + 1);
        }
        weights = sectionOf(layer, target < GATE ? 1 + 2 * target : 2 + 2 * target);
        return (weights, weights + 1);
    }

    function hasTarget(Shape memory shape, uint256 slot, uint256 target) internal pure returns (bool) {
        return shape.targets[slot] >> target & 1 == 1;
    }

    /// @notice Section of a slot's D for a target of a layer; behind it its scales, U, and its scales.
    function adapterSectionOf(Shape memory shape, uint256 slot, uint256 layer, uint256 target)
        internal
        pure
        returns (uint256)
    {
        uint256 mask = shape.targets[slot];
        return 1 + PER_TARGET * (layer * ones(mask) + ones(mask & ((1 << target) - 1)));
    }

    /// @notice How many targets a mask has, of at most eight.
    function ones(uint256 mask) internal pure returns (uint256) {
        unchecked {
            mask -= mask >> 1 & 0x55;
            mask = (mask & 0x33) + (mask >> 2 & 0x33);
            return mask + (mask >> 4) & 0x0f;
        }
    }

    function _within(bytes calldata data, uint256 i, uint256 min, uint256 max) private pure returns (uint256 value) {
        value = _word(data, i);
        if (value < min || value > max) revert BadConfig();
    }

    function _word(bytes calldata data, uint256 i) private pure returns (uint256) {
        return uint32(bytes4(data[4 * i:]));
    }
}
