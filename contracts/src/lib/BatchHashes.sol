// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "./Predeploys.sol";
import { BatchInput, Segment } from "./MoneyTypes.sol";

/// @title BatchHashes
/// @notice Reads and hashes a batch straight from calldata, for the transaction that everyone pays for. The hashes are those of
///         MoneyHashes and SumTrees. Solidity refuses a word with more bits than its type where it reads one; here that is done
///         by hand, for every field.
library BatchHashes {
    /// @notice A field of the batch or of a segment has more bits than its type.
    error OversizedField();

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("OpenLedger");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 channel,bytes32 requestId,address worker,uint128 maxFee,uint128 cumulativeCap,uint64 deadline)"
    );
    /// @dev Greatest `s` of a signature that is not the other one's mirror image.
    bytes32 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The fields of a batch, and the root that its sums, count and top hash open.
    /// @return root  `keccak(0x04 ‖ n u32 ‖ sums ‖ top hash)`
    /// @return parts sum of the parts that a fee is split into
    function read(BatchInput calldata input) internal pure returns (bytes32 root, uint256 parts) {
        uint256 dirty;
        assembly ("memory-safe") {
            let data := mload(0x40)
            let a := calldataload(add(input, 64))
            let b := calldataload(add(input, 96))
            dirty := or(a, b)
            mstore(add(data, 32), or(shl(128, a), b))
            a := calldataload(add(input, 128))
            b := calldataload(add(input, 160))
            dirty := or(dirty, or(a, b))
            mstore(add(data, 64), or(shl(128, a), b))
            a := calldataload(add(input, 192))
            b := calldataload(add(input, 224))
            dirty := or(dirty, or(a, b))
            parts := add(a, b)
            mstore(add(data, 96), or(shl(128, a), b))
            a := calldataload(add(input, 256))
            b := calldataload(add(input, 288))
            dirty := or(dirty, or(a, b))
            parts := add(parts, add(a, b))
            mstore(add(data, 128), or(shl(128, a), b))
            a := calldataload(add(input, 320))
            b := calldataload(add(input, 352))
            dirty := shr(128, or(dirty, or(a, b)))
            parts := add(parts, add(a, b))
            mstore(add(data, 160), or(shl(128, a), b))
            a := calldataload(add(input, 32))
            dirty := or(dirty, or(shr(32, a), shr(8, calldataload(add(input, 384)))))
            dirty := or(dirty, shr(64, calldataload(add(input, 448))))
            mstore(data, or(shl(32, 4), a))
            mstore(add(data, 192), calldataload(input))
            root := keccak256(add(data, 27), 197)
        }
        if (dirty != 0) revert OversizedField();
    }

    /// @notice The fields of a segment.
    function read(Segment calldata segment)
        internal
        pure
        returns (bytes32 channel, uint256 count, uint256 fee, uint256 cumulativeCap, uint256 deadline)
    {
        uint256 dirty;
        assembly ("memory-safe") {
            channel := calldataload(segment)
            count := calldataload(add(segment, 32))
            fee := calldataload(add(segment, 64))
            cumulativeCap := calldataload(add(segment, 160))
            deadline := calldataload(add(segment, 192))
            dirty := shr(128, or(or(fee, cumulativeCap), calldataload(add(segment, 128))))
            dirty := or(dirty, or(shr(32, count), shr(64, deadline)))
        }
        if (dirty != 0) revert OversizedField();
    }

    /// @notice `keccak(abi.encode(header))` of the batch that this block commits for the caller.
    function header(BatchInput calldata input, uint256 batchId, bytes32 root, bytes32 segmentsHash)
        internal
        view
        returns (bytes32 hash)
    {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, batchId)
            mstore(add(data, 32), caller())
            mstore(add(data, 64), timestamp())
            mstore(add(data, 96), number())
            mstore(add(data, 128), root)
            // count, sums, class and dataHash stand in both in the same order.
            calldatacopy(add(data, 160), add(input, 32), 416)
            mstore(add(data, 576), segmentsHash)
            hash := keccak256(data, 608)
        }
    }

    /// @notice `keccak(abi.encode(segments))`.
    function hashOf(Segment[] calldata segments) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            let size := mul(segments.length, 288)
            mstore(data, 32)
            mstore(add(data, 32), segments.length)
            calldatacopy(add(data, 64), segments.offset, size)
            hash := keccak256(data, add(size, 64))
        }
    }

    /// @notice Domain of what is signed.
    function domainSeparator() internal view returns (bytes32 hash) {
        (bytes32 typehash, bytes32 name, bytes32 version) = (DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH);
        address market = Predeploys.INFERENCE_MARKET;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            mstore(add(data, 32), name)
            mstore(add(data, 64), version)
            mstore(add(data, 96), chainid())
            mstore(add(data, 128), market)
            hash := keccak256(data, 160)
        }
    }

    /// @notice Who signed the last voucher of a segment, made out to the caller; zero where nobody can have.
    /// @return signer of the voucher
    /// @return id     the channel of the signer with the caller
    function signerOf(Segment calldata segment, bytes32 domain) internal view returns (address signer, bytes32 id) {
        (bytes32 typehash, bytes32 half) = (VOUCHER_TYPEHASH, HALF_ORDER);
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typehash)
            mstore(add(data, 32), calldataload(segment))
            mstore(add(data, 64), calldataload(add(segment, 96)))
            mstore(add(data, 96), caller())
            // maxFee, cumulativeCap and deadline.
            calldatacopy(add(data, 128), add(segment, 128), 96)
            let structHash := keccak256(data, 224)
            mstore(data, shl(240, 0x1901))
            mstore(add(data, 2), domain)
            mstore(add(data, 34), structHash)
            mstore(data, keccak256(data, 66))
            let vs := calldataload(add(segment, 256))
            let s := shr(1, shl(1, vs))
            mstore(add(data, 32), add(27, shr(255, vs)))
            mstore(add(data, 64), calldataload(add(segment, 224)))
            mstore(add(data, 96), s)
            mstore(0, 0)
            if iszero(gt(s, half)) { pop(staticcall(gas(), 1, data, 128, 0, 32)) }
            signer := mload(0)
            mstore(0, shl(96, signer))
            mstore(20, shl(96, caller()))
            id := keccak256(0, 40)
        }
    }
}
