// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title InfluenceDot
/// @notice Dot product of two int8 vectors, as gradient sketches are compared. Precompile 0x4f4c…0016.
contract InfluenceDot {
    error LengthMismatch(uint256 left, uint256 right);
    error TooLong(uint256 length);

    /// @notice Beyond this length 2^14 · length no longer fits an int32.
    uint256 private constant LENGTH_MAX = 131_071;

    /// @param g one signed byte a component
    /// @param q as many
    function dot(bytes calldata g, bytes calldata q) external pure returns (int32) {
        if (g.length != q.length) revert LengthMismatch(g.length, q.length);
        if (g.length > LENGTH_MAX) revert TooLong(g.length);
        int256 sum;
        assembly ("memory-safe") {
            let length := g.length
            for { let at := 0 } lt(at, length) { at := add(at, 32) } {
                let a := calldataload(add(g.offset, at))
                let b := calldataload(add(q.offset, at))
                let rest := sub(length, at)
                if gt(rest, 32) { rest := 32 }
                for { let i := 0 } lt(i, rest) { i := add(i, 1) } {
                    sum := add(sum, mul(signextend(0, byte(i, a)), signextend(0, byte(i, b))))
                }
            }
        }
        return int32(sum);
    }
}
