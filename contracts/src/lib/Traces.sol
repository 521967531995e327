// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What a receipt's traceRoot commits to: `SHA-256(0x04 ‖ fields)`. docs/canonical-inference.md §12.1.
struct TraceHead {
    uint32 positions;
    uint32 tin;
    uint32 width;
    uint32 linearDepth;
    uint32 derivedDepth;
    bytes32 linearRoot;
    bytes32 derivedRoot;
}

/// @dev Node `index` of level `depth` of a trace's tree, level 0 the root; `siblings` from it upwards.
struct TraceNode {
    uint8 tree;
    uint8 depth;
    uint32 index;
    bytes32 hash;
    bytes32[] siblings;
}

/// @dev A place of a trace: leaf `index` of a tree, the node that shows it or that nothing is there, and its bytes.
struct ShownPlace {
    uint32 index;
    TraceNode node;
    bytes leaf;
}

/// @title Traces
/// @notice Openings of what a traceRoot commits to: two sparse SHA-256 trees, leaf `0x00 ‖ index u32 ‖ bytes`, node
///         `0x01 ‖ left ‖ right`, 32 zero bytes wherever nothing is.
library Traces {
    /// @notice The head is not the receipt's.
    error WrongTraceHead(bytes32 traceRoot);
    /// @notice The node does not stand there under the root.
    error WrongTraceNode(bytes32 root, uint8 depth, uint32 index);
    error NoSuchTree(uint8 tree);

    /// @dev Numbers of the trees.
    uint8 internal constant LINEAR = 0;
    uint8 internal constant DERIVED = 1;
    /// @dev Bytes of a leaf at most, by tree.
    uint256 internal constant LINEAR_LEAF_BYTES = 12_288;
    uint256 internal constant DERIVED_LEAF_BYTES = 4_096;

    /// @notice Reverts where `head` is not what the root commits to.
    function requireHead(bytes32 traceRoot, TraceHead calldata head) internal pure {
        bytes memory data = abi.encodePacked(
            uint8(0x04),
            head.positions,
            head.tin,
            head.width,
            head.linearDepth,
            head.derivedDepth,
            head.linearRoot,
            head.derivedRoot
        );
        if (sha256(data) != traceRoot) revert WrongTraceHead(traceRoot);
    }

    /// @return root  of a tree
    /// @return depth levels between it and the leaves
    function treeOf(TraceHead calldata head, uint8 tree) internal pure returns (bytes32 root, uint256 depth) {
        if (tree == LINEAR) return (head.linearRoot, head.linearDepth);
        if (tree == DERIVED) return (head.derivedRoot, head.derivedDepth);
        revert NoSuchTree(tree);
    }

    function leafBytesOf(uint8 tree) internal pure returns (uint256) {
        return tree == LINEAR ? LINEAR_LEAF_BYTES : DERIVED_LEAF_BYTES;
    }

    /// @notice Reverts where the node does not stand under the root.
    function requireNode(bytes32 root, TraceNode calldata node) internal view {
        bytes32[] calldata siblings = node.siblings;
        bytes32 hash = node.hash;
        uint256 at = node.index;
        for (uint256 i = 0; i < siblings.length; i++) {
            hash = at & 1 == 1 ? pair(siblings[i], hash) : pair(hash, siblings[i]);
            at >>= 1;
        }
        if (siblings.length != node.depth || at != 0 || hash != root) {
            revert WrongTraceNode(root, node.depth, node.index);
        }
    }

    /// @notice The node over a perfect row of nodes, which it writes over.
    function fold(bytes32[] memory nodes) internal view returns (bytes32) {
        for (uint256 width = nodes.length; width > 1; width /= 2) {
            for (uint256 i = 0; i < width / 2; i++) nodes[i] = pair(nodes[2 * i], nodes[2 * i + 1]);
        }
        return nodes[0];
    }

    function pair(bytes32 left, bytes32 right) internal view returns (bytes32 node) {
        if (left | right == bytes32(0)) return node;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore8(data, 1)
            mstore(add(data, 1), left)
            mstore(add(data, 33), right)
            if iszero(staticcall(gas(), 2, data, 65, 0, 32)) { revert(0, 0) }
            node := mload(0)
        }
    }
}
