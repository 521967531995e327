// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title MinHashSim
/// @notice How similar two MinHash signatures are. Precompile 0x4f4c…0017. docs/NEAR-DUPLICATES.md
contract MinHashSim {
    error BadLength(uint256 left, uint256 right);

    /// @notice 128 entries of a u32 each.
    uint256 private constant SIGNATURE_BYTES = 512;

    /// @param a a signature
    /// @param b another
    /// @return bps ⌊10,000 · equal entries / 128⌋; an entry 0xffffffff, of a text without terms, equals nothing
    function similarity(bytes calldata a, bytes calldata b) external pure returns (uint16 bps) {
        if (a.length != SIGNATURE_BYTES || b.length != SIGNATURE_BYTES) revert BadLength(a.length, b.length);
        uint256 equal;
        assembly ("memory-safe") {
            for { let at := 0 } lt(at, SIGNATURE_BYTES) { at := add(at, 32) } {
                let x := calldataload(add(a.offset, at))
                let y := calldataload(add(b.offset, at))
                for { let shift := 0 } lt(shift, 256) { shift := add(shift, 32) } {
                    let entry := and(shr(shift, x), 0xffffffff)
                    let isSame := eq(entry, and(shr(shift, y), 0xffffffff))
                    equal := add(equal, and(isSame, iszero(eq(entry, 0xffffffff))))
                }
            }
        }
        bps = uint16((10_000 * equal) / 128);
    }
}
