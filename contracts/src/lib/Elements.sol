// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Elements
/// @notice Little-endian integers as the canonical model and its traces store them, read from calldata. Who calls has made sure
///         that they are there.
library Elements {
    uint256 private constant ODD_BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant ODD_PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;

    function int8At(bytes calldata data, uint256 i) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := signextend(0, byte(0, calldataload(add(data.offset, i))))
        }
    }

    function int16At(bytes calldata data, uint256 i) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            let word := calldataload(add(data.offset, shl(1, i)))
            value := signextend(1, or(shl(8, byte(1, word)), byte(0, word)))
        }
    }

    function int24At(bytes calldata data, uint256 i) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            let word := calldataload(add(data.offset, mul(3, i)))
            value := signextend(2, or(or(shl(16, byte(2, word)), shl(8, byte(1, word))), byte(0, word)))
        }
    }

    function uint32At(bytes calldata data, uint256 i) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            let word := calldataload(add(data.offset, shl(2, i)))
            value := or(
                or(shl(24, byte(3, word)), shl(16, byte(2, word))), or(shl(8, byte(1, word)), byte(0, word))
            )
        }
    }

    function int32At(bytes calldata data, uint256 i) internal pure returns (int256 value) {
        value = int256(uint256(uint32At(data, i)));
        assembly ("memory-safe") {
            value := signextend(3, value)
        }
    }

    function int64At(bytes calldata data, uint256 i) internal pure returns (int256 value) {
        uint256 word = uint32At(data, 2 * i) | uint32At(data, 2 * i + 1) << 32;
        assembly ("memory-safe") {
            value := signextend(7, word)
        }
    }

    /// @notice The first `n` int16, n a multiple of 8. Sixteen at a time: what is written behind the last is overwritten.
    function int16s(bytes calldata data, uint256 n) internal pure returns (int256[] memory values) {
        values = _room(n, 8);
        assembly ("memory-safe") {
            let to := add(values, 32)
            let end := add(to, shl(5, n))
            for { let from := data.offset } lt(to, end) { from := add(from, 32) } {
                let word := calldataload(from)
                word := or(shl(8, and(word, ODD_BYTES)), and(shr(8, word), ODD_BYTES))
                mstore(to, signextend(1, shr(240, word)))
                mstore(add(to, 32), signextend(1, shr(224, word)))
                mstore(add(to, 64), signextend(1, shr(208, word)))
                mstore(add(to, 96), signextend(1, shr(192, word)))
                mstore(add(to, 128), signextend(1, shr(176, word)))
                mstore(add(to, 160), signextend(1, shr(160, word)))
                mstore(add(to, 192), signextend(1, shr(144, word)))
                mstore(add(to, 224), signextend(1, shr(128, word)))
                mstore(add(to, 256), signextend(1, shr(112, word)))
                mstore(add(to, 288), signextend(1, shr(96, word)))
                mstore(add(to, 320), signextend(1, shr(80, word)))
                mstore(add(to, 352), signextend(1, shr(64, word)))
                mstore(add(to, 384), signextend(1, shr(48, word)))
                mstore(add(to, 416), signextend(1, shr(32, word)))
                mstore(add(to, 448), signextend(1, shr(16, word)))
                mstore(add(to, 480), signextend(1, word))
                to := add(to, 512)
            }
        }
    }

    /// @notice The first `n` int32, n a multiple of 8.
    function int32s(bytes calldata data, uint256 n) internal pure returns (int256[] memory values) {
        values = _room(n, 0);
        assembly ("memory-safe") {
            let to := add(values, 32)
            let end := add(to, shl(5, n))
            for { let from := data.offset } lt(to, end) { from := add(from, 32) } {
                let word := calldataload(from)
                word := or(shl(8, and(word, ODD_BYTES)), and(shr(8, word), ODD_BYTES))
                word := or(shl(16, and(word, ODD_PAIRS)), and(shr(16, word), ODD_PAIRS))
                mstore(to, signextend(3, shr(224, word)))
                mstore(add(to, 32), signextend(3, shr(192, word)))
                mstore(add(to, 64), signextend(3, shr(160, word)))
                mstore(add(to, 96), signextend(3, shr(128, word)))
                mstore(add(to, 128), signextend(3, shr(96, word)))
                mstore(add(to, 160), signextend(3, shr(64, word)))
                mstore(add(to, 192), signextend(3, shr(32, word)))
                mstore(add(to, 224), signextend(3, word))
                to := add(to, 256)
            }
        }
    }

    /// @notice Σ a_i·b_i of `n` int8 each.
    function dotInt8(bytes calldata a, bytes calldata b, uint256 n) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, n) { i := add(i, 32) } {
                let x := calldataload(add(a.offset, i))
                let y := calldataload(add(b.offset, i))
                let left := sub(n, i)
                if gt(left, 32) { left := 32 }
                for { let k := 0 } lt(k, left) { k := add(k, 8) } {
                    sum := add(sum, mul(signextend(0, byte(k, x)), signextend(0, byte(k, y))))
                    let j := add(k, 1)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 2)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 3)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 4)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 5)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 6)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                    j := add(k, 7)
                    sum := add(sum, mul(signextend(0, byte(j, x)), signextend(0, byte(j, y))))
                }
            }
        }
    }

    /// @notice Σ a_i·b_i of `n` int8 and `n` int16, n a multiple of 8.
    function dotInt8Int16(bytes calldata a, bytes calldata b, uint256 n) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, n) { i := add(i, 8) } {
                let x := calldataload(add(a.offset, i))
                let y := calldataload(add(b.offset, shl(1, i)))
                y := or(shl(8, and(y, ODD_BYTES)), and(shr(8, y), ODD_BYTES))
                sum := add(sum, mul(signextend(0, byte(0, x)), signextend(1, shr(240, y))))
                sum := add(sum, mul(signextend(0, byte(1, x)), signextend(1, shr(224, y))))
                sum := add(sum, mul(signextend(0, byte(2, x)), signextend(1, shr(208, y))))
                sum := add(sum, mul(signextend(0, byte(3, x)), signextend(1, shr(192, y))))
                sum := add(sum, mul(signextend(0, byte(4, x)), signextend(1, shr(176, y))))
                sum := add(sum, mul(signextend(0, byte(5, x)), signextend(1, shr(160, y))))
                sum := add(sum, mul(signextend(0, byte(6, x)), signextend(1, shr(144, y))))
                sum := add(sum, mul(signextend(0, byte(7, x)), signextend(1, shr(128, y))))
            }
        }
    }

    /// @notice The largest magnitude, 0 of none.
    function maxMagnitude(int256[] memory values) internal pure returns (uint256 max) {
        assembly ("memory-safe") {
            let end := add(values, shl(5, add(mload(values), 1)))
            for { let at := add(values, 32) } lt(at, end) { at := add(at, 32) } {
                let value := mload(at)
                let sign := sar(255, value)
                value := sub(xor(value, sign), sign)
                if gt(value, max) { max := value }
            }
        }
    }

    /// @dev A list whose elements are all written next, so that nothing is cleared, with room behind it.
    function _room(uint256 n, uint256 spare) private pure returns (int256[] memory values) {
        assembly ("memory-safe") {
            values := mload(0x40)
            mstore(values, n)
            mstore(0x40, add(values, shl(5, add(add(n, spare), 1))))
        }
    }
}
