// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { L1Block } from "../l2/L1Block.sol";
import { Predeploys } from "./Predeploys.sol";
import { Rlp } from "./Rlp.sol";
import { TrieProof } from "./TrieProof.sol";

/// @dev A block of this chain: its header's RLP, and the way from its stateRoot to what L1Block holds, as eth_getProof gives it.
struct ProvenBlock {
    bytes header;
    bytes[] accountProof;
    bytes[] storageProof;
}

/// @title L1Origins
/// @notice The randomness of an L1 block, from any L2 block whose origin it is: origins go up by one, none is left out, and every
///         block of an origin has its prevRandao. So whoever orders L2 blocks has nothing to choose. docs/COMMITTEE.md
library L1Origins {
    /// @notice Not the header of a block that this chain still knows.
    error UnknownBlock(uint256 number);
    error WrongOrigin(uint64 expected, uint64 actual);
    /// @notice No account or no slot of L1Block is shown.
    error NotShown();

    /// @dev EIP-2935: hashes of the last 8,191 blocks.
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// @dev Places in a header's list.
    uint256 private constant STATE_ROOT = 3;
    uint256 private constant NUMBER = 8;
    uint256 private constant PREV_RANDAO = 13;
    /// @dev Place of the storage root in an account's list.
    uint256 private constant STORAGE_ROOT = 2;

    /// @notice L1 origin of the block that is being made.
    function current() internal view returns (uint64) {
        return L1Block(Predeploys.L1_BLOCK).number();
    }

    /// @notice The randomness of L1 block `origin`, shown by a block whose origin it is.
    function randaoOf(uint64 origin, ProvenBlock calldata shown) internal view returns (bytes32) {
        bytes memory header = shown.header;
        uint256 number = uint256(_word(header, _field(header, NUMBER)));
        bytes32 hash = _hashOf(number);
        if (hash == bytes32(0) || hash != keccak256(header)) revert UnknownBlock(number);
        bytes32 stateRoot = _word(header, _field(header, STATE_ROOT));
        uint64 actual = _originUnder(stateRoot, shown);
        if (actual != origin) revert WrongOrigin(origin, actual);
        return _word(header, _field(header, PREV_RANDAO));
    }

    /// @dev L1Block has it in the low 64 bits of its slot 0.
    function _originUnder(bytes32 stateRoot, ProvenBlock calldata shown) private pure returns (uint64) {
        bytes32 path = keccak256(abi.encodePacked(Predeploys.L1_BLOCK));
        (bool found, bytes memory account) = TrieProof.read(stateRoot, path, shown.accountProof);
        if (!found) revert NotShown();
        bytes32 storageRoot = _word(account, _field(account, STORAGE_ROOT));
        bytes memory value;
        (found, value) = TrieProof.read(storageRoot, keccak256(abi.encode(uint256(0))), shown.storageProof);
        if (!found) revert NotShown();
        return uint64(uint256(_word(value, Rlp.itemAt(value, 0, value.length))));
    }

    function _hashOf(uint256 number) private view returns (bytes32) {
        bytes32 recent = blockhash(number);
        if (recent != bytes32(0)) return recent;
        (bool ok, bytes memory data) = HISTORY.staticcall(abi.encode(number));
        return ok && data.length == 32 ? abi.decode(data, (bytes32)) : bytes32(0);
    }

    /// @dev Item `place` of the list that `data` is.
    function _field(bytes memory data, uint256 place) private pure returns (Rlp.Item memory item) {
        Rlp.Item memory list = Rlp.itemAt(data, 0, data.length);
        uint256 at = list.payload;
        for (uint256 i = 0; i <= place; i++) {
            item = Rlp.itemAt(data, at, list.end);
            at = item.end;
        }
    }

    /// @dev At most 32 bytes, as a number.
    function _word(bytes memory data, Rlp.Item memory item) private pure returns (bytes32 word) {
        uint256 size = item.end - item.payload;
        if (size > 32) revert NotShown();
        uint256 from = item.payload;
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), from))
        }
        return size == 0 ? bytes32(0) : word >> (8 * (32 - size));
    }
}
