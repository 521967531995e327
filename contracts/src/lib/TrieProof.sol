// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Rlp } from "./Rlp.sol";

/// @title TrieProof
/// @notice Reads a value from a secure Merkle-Patricia trie through the nodes on its path, as eth_getProof gives them.
library TrieProof {
    error ProofInvalid();

    uint256 private constant KEY_NIBBLES = 64;
    uint256 private constant BRANCH_ITEMS = 17;

    /// @notice True where the trie under `root` maps keccak256(`key`) to an item whose RLP payload is `value`.
    ///         A proof that is malformed, has a wrong hash or a node too many reverts or gives false, never true.
    function includes(bytes32 root, bytes memory key, bytes memory value, bytes[] memory proof)
        internal
        pure
        returns (bool)
    {
        (bool found, bytes memory actual) = read(root, keccak256(key), proof);
        return found && keccak256(actual) == keccak256(value);
    }

    /// @dev Where the walk stands: a node inside `proof[used - 1]` and the nibbles of the key behind it.
    struct Cursor {
        bytes node;
        Rlp.Item list;
        uint256 used;
        uint256 nibble;
    }

    /// @notice The raw leaf value at the hashed key `path`; `found` is false where the proof shows its absence.
    function read(bytes32 root, bytes32 path, bytes[] memory proof)
        internal
        pure
        returns (bool found, bytes memory value)
    {
        Cursor memory cursor;
        _openNode(cursor, proof, root);
        while (true) {
            (Rlp.Item[] memory items, uint256 count) = _items(cursor.node, cursor.list);
            Rlp.Item memory child;
            if (count == BRANCH_ITEMS) {
                if (cursor.nibble == KEY_NIBBLES) revert ProofInvalid();
                child = items[_nibbleOf(path, cursor.nibble++)];
            } else if (count == 2) {
                (bool isLeaf, bool same) = _matchPath(cursor, items[0], path);
                if (!same) return (false, "");
                child = items[1];
                if (isLeaf) {
                    if (cursor.nibble != KEY_NIBBLES || cursor.used != proof.length || child.isList) {
                        revert ProofInvalid();
                    }
                    return (true, _slice(cursor.node, child.payload, child.end));
                }
            } else {
                revert ProofInvalid();
            }
            if (child.isList) {
                _openInlineNode(cursor, proof, child);
            } else {
                uint256 size = child.end - child.payload;
                if (size == 0) return (false, "");
                if (size != 32) revert ProofInvalid();
                _openNode(cursor, proof, _word(cursor.node, child.payload));
            }
        }
    }

    /// @dev Goes to the next node of the proof, which must have the hash its parent names.
    function _openNode(Cursor memory cursor, bytes[] memory proof, bytes32 hash) private pure {
        if (cursor.used == proof.length || keccak256(proof[cursor.used]) != hash) revert ProofInvalid();
        cursor.node = proof[cursor.used++];
        cursor.list = Rlp.itemAt(cursor.node, 0, cursor.node.length);
        if (cursor.list.end != cursor.node.length) revert ProofInvalid();
    }

    /// @dev Goes into a node that stands in its parent, its encoding being shorter than a hash. Some provers list it
    ///      again behind the parent; then it is used up here.
    function _openInlineNode(Cursor memory cursor, bytes[] memory proof, Rlp.Item memory child) private pure {
        if (child.end - child.start >= 32) revert ProofInvalid();
        bytes memory encoded = _slice(cursor.node, child.start, child.end);
        if (cursor.used < proof.length && keccak256(proof[cursor.used]) == keccak256(encoded)) cursor.used++;
        cursor.list = child;
    }

    function _items(bytes memory node, Rlp.Item memory list)
        private
        pure
        returns (Rlp.Item[] memory items, uint256 count)
    {
        if (!list.isList) revert ProofInvalid();
        items = new Rlp.Item[](BRANCH_ITEMS);
        uint256 at = list.payload;
        while (at < list.end) {
            if (count == BRANCH_ITEMS) revert ProofInvalid();
            items[count] = Rlp.itemAt(node, at, list.end);
            at = items[count++].end;
        }
    }

    /// @dev Compares a hex-prefix path with the key's next nibbles and steps over them. Yellow paper, appendix C.
    function _matchPath(Cursor memory cursor, Rlp.Item memory item, bytes32 path)
        private
        pure
        returns (bool isLeaf, bool same)
    {
        if (item.isList || item.end == item.payload) revert ProofInvalid();
        uint256 first = uint8(cursor.node[item.payload]);
        uint256 flag = first >> 4;
        uint256 odd = flag & 1;
        if (flag > 3 || (odd == 0 && first & 0x0f != 0)) revert ProofInvalid();
        isLeaf = flag & 2 != 0;
        uint256 length = (item.end - item.payload - 1) * 2 + odd;
        if (cursor.nibble + length > KEY_NIBBLES || (!isLeaf && length == 0)) revert ProofInvalid();
        for (uint256 i = 0; i < length; i++) {
            uint256 position = i + 2 - odd;
            uint256 pair = uint8(cursor.node[item.payload + position / 2]);
            uint256 actual = position % 2 == 0 ? pair >> 4 : pair & 0x0f;
            if (actual != _nibbleOf(path, cursor.nibble + i)) return (isLeaf, false);
        }
        cursor.nibble += length;
        same = true;
    }

    function _nibbleOf(bytes32 path, uint256 index) private pure returns (uint256) {
        uint256 pair = uint8(path[index / 2]);
        return index % 2 == 0 ? pair >> 4 : pair & 0x0f;
    }

    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }

    function _slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = 0; i < part.length; i++) part[i] = data[from + i];
    }
}
