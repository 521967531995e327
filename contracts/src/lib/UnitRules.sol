// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "./Elements.sol";
import { FixedPoint } from "./FixedPoint.sol";

/// @dev What one step of a quantised input is worth: `mantissa · 2^exponent / inputMax`.
struct InputScale {
    int256 mantissa;
    uint256 exponent;
}

/// @dev Numbers of a tile: elements of a head, positions, what a score is scaled by, the element of the mix in question.
struct TileShape {
    uint256 headDim;
    uint256 count;
    uint256 multiplier;
    uint256 shift;
    uint256 element;
}

/// @dev One head's softmax over a tile's positions, and one element of its mix.
struct Tile {
    int256 max;
    int256 sum;
    int256 mix;
}

/// @title UnitRules
/// @notice The operations of docs/canonical-inference.md §5, one element of a unit at a time.
library UnitRules {
    /// @notice No quantised input has this scale: what put it out is wrong.
    error BadScale(int256 mantissa, int256 exponent);
    /// @notice No model has this row scale.
    error BadRowScale(uint256 scale);

    /// @notice No tiles have this sum: one of them is wrong.
    error BadSum(int256 sum);

    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant SIGNS = 0x8000800080008000800080008000800080008000800080008000800080008000;
    uint256 private constant LANES = 0x000000000000ffff000000000000ffff000000000000ffff000000000000ffff;
    uint256 private constant LANE_STARTS = 0x0000000000000000800000000000000080000000000000008000000000000000;

    int256 private constant MANTISSA_MAX = 2 ** 15;
    /// @dev Of the largest magnitude that 32 bits hold.
    int256 private constant EXPONENT_MAX = 17;

    /// @notice §5.1: all of a norm's output. `x` and `weights` are int32, n a multiple of 8.
    function norm(bytes calldata x, bytes calldata weights, uint256 n, uint256 epsilon)
        internal
        pure
        returns (int256[] memory values)
    {
        unchecked {
            values = Elements.int32s(x, n);
            uint256 e = FixedPoint.bits(Elements.maxMagnitude(values));
            e = e > 22 ? e - 22 : 0;
            uint256 mean = _scaledSquares(values, e) / n + (epsilon >> (2 * e));
            int256 r = FixedPoint.rdiv(2 ** 46, int256(FixedPoint.isqrt(mean << 16)));
            _applyGains(values, Elements.int32s(weights, n), r);
        }
    }

    /// @notice §5.2: the scale of a vector whose largest magnitude is `max`.
    function scaleOf(uint256 max) internal pure returns (InputScale memory scale) {
        unchecked {
            if (max == 0) return scale;
            uint256 length = FixedPoint.bits(max);
            scale.exponent = length > 15 ? length - 15 : 0;
            scale.mantissa = int256((max + (1 << scale.exponent) - 1) >> scale.exponent);
        }
    }

    /// @notice §5.2: one element under the scale; `inputMax` is the model's.
    function quantised(int256 h, InputScale memory scale, uint256 inputMax) internal pure returns (int256) {
        unchecked {
            if (scale.mantissa == 0) return 0;
            int256 c = FixedPoint.rdiv(int256(inputMax << 22), scale.mantissa);
            return FixedPoint.sat(FixedPoint.rsh(h * c, 22 + scale.exponent), int256(inputMax));
        }
    }

    /// @notice A committed scale; reverts where no vector has it.
    function readScale(bytes calldata data) internal pure returns (InputScale memory) {
        (int256 mantissa, int256 exponent) = (Elements.int32At(data, 0), Elements.int32At(data, 1));
        if (mantissa < 0 || mantissa > MANTISSA_MAX || exponent < 0 || exponent > EXPONENT_MAX) {
            revert BadScale(mantissa, exponent);
        }
        return InputScale(mantissa, uint256(exponent));
    }

    /// @notice §5.3: an accumulator in Q16.
    function dequantised(int256 acc, uint256 rowScale, InputScale memory input) internal pure returns (int256) {
        unchecked {
            uint256 shift = rowScale & 255;
            if (shift < input.exponent) revert BadRowScale(rowScale);
            int256 product = acc * input.mantissa * int256(rowScale >> 8);
            return FixedPoint.sat(FixedPoint.rsh(product, shift - input.exponent), FixedPoint.INT32_MAX);
        }
    }

    /// @notice §5.3: an element of the embedding in Q16.
    function embedded(int256 weight, uint256 rowScale) internal pure returns (int256) {
        unchecked {
            int256 product = weight * int256(rowScale >> 8) << 16;
            return FixedPoint.sat(FixedPoint.rsh(product, rowScale & 255), FixedPoint.INT32_MAX);
        }
    }

    /// @notice §5.4: an element of the first half of a head, or of the second, with its partner in the other.
    function rotated(int256 x, int256 partner, int256 cos, int256 sin, bool isSecond) internal pure returns (int256) {
        unchecked {
            int256 sum = isSecond ? x * cos + partner * sin : x * cos - partner * sin;
            return FixedPoint.sat(FixedPoint.rsh(sum, 20), FixedPoint.INT16_MAX);
        }
    }

    /// @notice §5.4: a value as it is kept.
    function narrowed(int256 value) internal pure returns (int256) {
        return FixedPoint.sat(FixedPoint.rsh(value, 6), FixedPoint.INT16_MAX);
    }

    /// @notice §5.5: one head's query against positions' keys and values, int16 all; headDim a multiple of 8.
    function tile(bytes calldata query, bytes calldata keys, bytes calldata values, TileShape memory shape)
        internal
        pure
        returns (Tile memory result)
    {
        unchecked {
            int256[] memory scores = _scores(query, keys, shape);
            result.max = scores[0];
            for (uint256 j = 2; j <= shape.count; j++) {
                if (_at(scores, j) > result.max) result.max = _at(scores, j);
            }
            for (uint256 j = 0; j < shape.count; j++) {
                int256 p = int256(FixedPoint.exp2n(uint256(result.max - _at(scores, j + 1)), 9));
                result.sum += p;
                result.mix += p * Elements.int16At(values, shape.headDim * j + shape.element);
            }
        }
    }

    /// @notice §5.6: an element of a head's output, from all its tiles.
    function joined(int256[] memory maxima, int256[] memory sums, int256[] memory mixes)
        internal
        pure
        returns (int256)
    {
        unchecked {
            int256 max = maxima[0];
            for (uint256 t = 1; t < maxima.length; t++) {
                if (maxima[t] > max) max = maxima[t];
            }
            (int256 mix, int256 sum) = (int256(0), int256(0));
            for (uint256 t = 0; t < maxima.length; t++) {
                int256 factor = int256(FixedPoint.exp2n(uint256(max - maxima[t]), 9));
                mix += mixes[t] * factor;
                sum += sums[t] * factor;
            }
            if (sum <= 0) revert BadSum(sum);
            return FixedPoint.rdiv(64 * mix, sum);
        }
    }

    /// @notice §5.7: an element of the activation.
    function activated(int256 gate, int256 up) internal pure returns (int256) {
        unchecked {
            int256 silu = FixedPoint.rsh(gate * int256(FixedPoint.sigmoid(gate)), 16);
            return FixedPoint.sat(FixedPoint.rsh(silu * up, 16), FixedPoint.INT32_MAX);
        }
    }

    /// @notice §5.8: the residual stream's addition.
    function added(int256 x, int256 y) internal pure returns (int256) {
        unchecked {
            return FixedPoint.sat(x + y, FixedPoint.INT32_MAX);
        }
    }

    /// @notice §5.9: an adapter's part of an output.
    function adapted(int256 y, int256 d, uint256 weight) internal pure returns (int256) {
        unchecked {
            return FixedPoint.sat(y + FixedPoint.rsh(d * int256(weight), 16), FixedPoint.INT32_MAX);
        }
    }

    /// @dev y_i = rsh(x_i, e) in place; Σ y_i².
    function _scaledSquares(int256[] memory values, uint256 e) private pure returns (uint256 squares) {
        int256 half = e == 0 ? int256(0) : int256(1 << (e - 1));
        assembly ("memory-safe") {
            let end := add(values, shl(5, add(mload(values), 1)))
            for { let at := add(values, 32) } lt(at, end) { at := add(at, 32) } {
                let y := sar(e, add(mload(at), half))
                mstore(at, y)
                squares := add(squares, mul(y, y))
            }
        }
    }

    /// @dev sat32(rsh(rsh(y_i·r, 22)·g_i, 16)) in place.
    function _applyGains(int256[] memory values, int256[] memory gains, int256 r) private pure {
        int256 max = FixedPoint.INT32_MAX;
        assembly ("memory-safe") {
            let min := sub(0, max)
            let gain := add(gains, 32)
            let end := add(values, shl(5, add(mload(values), 1)))
            for { let at := add(values, 32) } lt(at, end) { at := add(at, 32) } {
                let h := mul(sar(22, add(mul(mload(at), r), 0x200000)), mload(gain))
                h := sar(16, add(h, 0x8000))
                if sgt(h, max) { h := max }
                if slt(h, min) { h := min }
                mstore(at, h)
                gain := add(gain, 32)
            }
        }
    }

    /// @dev Scores of a tile's positions, four products at a time: keys, 2^15 more than they are, stand in four lanes of 64 bits, four
    ///      elements of the query in the lanes of another word in reverse order, so that the product's highest lane is the sum
    ///      of theirs. Other lanes do not reach it: each is a sum of less than 2^7 products below 2^31, and begins at 2^63.
    function _scores(bytes calldata query, bytes calldata keys, TileShape memory shape)
        private
        pure
        returns (int256[] memory scores)
    {
        (uint256[] memory lanes, int256 bias) = _queryLanes(query, shape.headDim);
        scores = new int256[](shape.count);
        uint256 rowBytes = 2 * shape.headDim;
        assembly ("memory-safe") {
            let lanesEnd := add(lanes, shl(5, add(mload(lanes), 1)))
            let row := keys.offset
            let end := add(scores, shl(5, add(mload(scores), 1)))
            for { let to := add(scores, 32) } lt(to, end) { to := add(to, 32) } {
                let total := LANE_STARTS
                let at := row
                for { let lane := add(lanes, 32) } lt(lane, lanesEnd) { lane := add(lane, 128) } {
                    let word := calldataload(at)
                    word := xor(or(shl(8, and(word, ODD_BYTES)), and(shr(8, word), ODD_BYTES)), SIGNS)
                    total := add(total, mul(and(word, LANES), mload(lane)))
                    total := add(total, mul(and(shr(16, word), LANES), mload(add(lane, 32))))
                    total := add(total, mul(and(shr(32, word), LANES), mload(add(lane, 64))))
                    total := add(total, mul(and(shr(48, word), LANES), mload(add(lane, 96))))
                    at := add(at, 32)
                }
                mstore(to, sub(signextend(7, shr(192, total)), bias))
                row := add(row, rowBytes)
            }
        }
        unchecked {
            for (uint256 j = 1; j <= shape.count; j++) {
                _set(scores, j, FixedPoint.rsh(_at(scores, j) * int256(shape.multiplier), shape.shift));
            }
        }
    }

    /// @dev Of each 16 elements of the query, elements 3, 7, 11 and 15 in the lanes of one word, lowest first, then those before them in
    ///      three more; behind the query's end zeros, since a word of keys may go on with the next row. `bias` is 2^15 times the
    ///      elements' sum.
    function _queryLanes(bytes calldata query, uint256 headDim)
        private
        pure
        returns (uint256[] memory lanes, int256 bias)
    {
        unchecked {
            lanes = new uint256[](4 * ((headDim + 15) / 16));
            for (uint256 i = 0; i < headDim; i++) {
                int256 value = Elements.int16At(query, i);
                lanes[i / 16 * 4 + 3 - i % 4] += uint256(value) << (64 * (i % 16 / 4));
                bias += value << 15;
            }
        }
    }

    /// @dev Element i − 1: the loops count from 1 over what they made themselves.
    function _at(int256[] memory values, uint256 i) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := mload(add(values, shl(5, i)))
        }
    }

    function _set(int256[] memory values, uint256 i, int256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(values, shl(5, i)), value)
        }
    }
}
