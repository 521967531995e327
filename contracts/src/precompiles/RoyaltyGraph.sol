// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title RoyaltyGraph
/// @notice Which models a model was made from, and what it owes to each. Only the ModelRegistry draws edges. Precompile
///         0x4f4c…0011.
///
/// Model ids count up in order of registration and a parent is older than its child, so an edge to an id that is not
/// lower would close a cycle.
contract RoyaltyGraph {
    error NotRegistry(address caller);
    error BadEdge(uint64 child, uint64 parent, uint16 bps, uint8 policy);
    error Cycle();
    error TooManyParents(uint64 child);
    error TooManyAncestors(uint64 id);
    error Overcommitted(uint64 id);

    /// @notice The ModelRegistry.
    address private constant REGISTRY = 0x4f4C000000000000000000000000000000000002;
    uint256 private constant PARENTS_MAX = 16;
    uint256 private constant ANCESTORS_MAX = 1_024;
    uint256 private constant BPS = 10_000;
    /// @notice Of every descendant's revenue, whatever lies between (liquid absolute percentage).
    uint8 private constant ABSOLUTE = 0;
    /// @notice Of what its child receives (liquid relative percentage).
    uint8 private constant RELATIVE = 1;
    /// @notice Parts that a revenue is counted in: 10^-4 of a basis point, so that chains of shares keep their precision.
    uint256 private constant WHOLE = BPS * BPS;

    /// @dev Edges of a child: parent u64 | bps u16 << 64 | policy u8 << 80.
    mapping(uint64 child => uint256[] edges) private _edges;

    /// @notice Draws an edge; one that stands already between the two is replaced.
    function setEdge(uint64 child, uint64 parent, uint16 bps, uint8 policy) external {
        if (msg.sender != REGISTRY) revert NotRegistry(msg.sender);
        if (child == 0 || parent == 0 || bps == 0 || bps > BPS || policy > RELATIVE) {
            revert BadEdge(child, parent, bps, policy);
        }
        if (parent >= child) revert Cycle();
        uint256[] storage edges = _edges[child];
        uint256 count = edges.length;
        uint256 place = count;
        uint256 sum = bps;
        for (uint256 i = 0; i < count; i++) {
            uint256 edge = edges[i];
            if (uint64(edge) == parent) place = i;
            else sum += uint16(edge >> 64);
        }
        if (sum > BPS) revert Overcommitted(child);
        uint256 drawn = parent | uint256(bps) << 64 | uint256(policy) << 80;
        if (place < count) {
            edges[place] = drawn;
        } else {
            if (count == PARENTS_MAX) revert TooManyParents(child);
            edges.push(drawn);
        }
    }

    /// @notice The edges of a model, in the order they were drawn.
    function parents(uint64 id)
        external
        view
        returns (uint64[] memory ids, uint16[] memory bps, uint8[] memory policies)
    {
        uint256[] storage edges = _edges[id];
        uint256 count = edges.length;
        ids = new uint64[](count);
        bps = new uint16[](count);
        policies = new uint8[](count);
        for (uint256 i = 0; i < count; i++) {
            uint256 edge = edges[i];
            ids[i] = uint64(edge);
            bps[i] = uint16(edge >> 64);
            policies[i] = uint8(edge >> 80);
        }
    }

    /// @notice All models that `id` goes back to, the newest first. Reverts where there are more than `max`.
    function ancestors(uint64 id, uint256 max) external view returns (uint64[] memory ids) {
        (uint256[] memory found, uint256 count) = _collect(id, 0, max);
        ids = new uint64[](count - 1);
        for (uint256 i = 1; i < count; i++) ids[i - 1] = uint64(found[i]);
    }

    /// @notice Whether `ancestor` is among the ancestors of `id`.
    function hasPath(uint64 id, uint64 ancestor) external view returns (bool) {
        if (ancestor >= id) return false;
        (uint256[] memory found, uint256 count) = _collect(id, ancestor, ANCESTORS_MAX);
        return found[count - 1] == ancestor;
    }

    /// @notice What each ancestor keeps of a revenue of `id`, in basis points rounded down, the newest first; those that
    ///         keep less than one are left out. An absolute edge takes its share of the revenue of `id` once, however
    ///         many ways lead to it; a relative one its share of what its child received.
    function flatten(uint64 id, uint256 max) external view returns (uint64[] memory ids, uint16[] memory bps) {
        (uint256[] memory found, uint256 count) = _collect(id, 0, max);
        uint256[] memory kept = _flow(found, count);
        uint256 payees;
        for (uint256 i = 1; i < count; i++) {
            if (kept[i] >= BPS) payees++;
        }
        ids = new uint64[](payees);
        bps = new uint16[](payees);
        payees = 0;
        for (uint256 i = 1; i < count; i++) {
            if (kept[i] < BPS) continue;
            ids[payees] = uint64(found[i]);
            bps[payees++] = uint16(kept[i] / BPS);
        }
    }

    /// @dev `id` and its ancestors not below `lowest`, in falling order.
    function _collect(uint64 id, uint256 lowest, uint256 max)
        private
        view
        returns (uint256[] memory found, uint256 count)
    {
        if (max > ANCESTORS_MAX) max = ANCESTORS_MAX;
        found = new uint256[](max + 1);
        found[0] = id;
        count = 1;
        for (uint256 i = 0; i < count; i++) {
            uint256[] storage edges = _edges[uint64(found[i])];
            uint256 length = edges.length;
            for (uint256 j = 0; j < length; j++) {
                uint256 parent = uint64(edges[j]);
                if (parent < lowest) continue;
                uint256 at = count;
                while (found[at - 1] < parent) at--;
                if (found[at - 1] == parent) continue;
                if (count > max) revert TooManyAncestors(id);
                for (uint256 k = count++; k > at; k--) found[k] = found[k - 1];
                found[at] = parent;
            }
        }
    }

    /// @dev Sends WHOLE through the graph, children before parents; returns what each model keeps.
    function _flow(uint256[] memory found, uint256 count) private view returns (uint256[] memory kept) {
        kept = new uint256[](count);
        kept[0] = WHOLE;
        uint256 fromRoot;
        for (uint256 i = 0; i < count; i++) {
            uint256 received = kept[i];
            uint256[] storage edges = _edges[uint64(found[i])];
            uint256 length = edges.length;
            for (uint256 j = 0; j < length; j++) {
                uint256 edge = edges[j];
                uint256 parent = uint64(edge);
                uint256 bps = uint16(edge >> 64);
                uint256 amount;
                if (uint8(edge >> 80) == ABSOLUTE) {
                    amount = bps * BPS;
                    fromRoot += amount;
                } else {
                    amount = received * bps / BPS;
                    kept[i] -= amount;
                }
                uint256 at = i + 1;
                while (found[at] != parent) at++;
                kept[at] += amount;
            }
        }
        if (fromRoot > kept[0]) revert Overcommitted(uint64(found[0]));
        kept[0] -= fromRoot;
    }
}
