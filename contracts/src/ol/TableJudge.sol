// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks } from "../lib/Chunks.sol";
import { Leaves } from "../lib/Leaves.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { VersionFacts, VersionRoots } from "./DatanetTypes.sol";
import { SketchTable } from "./interfaces/ISketchRegistry.sol";

/// @dev Leaf `place` of a table, from 0: its head, then a row each; its siblings from it upwards.
struct TableLeaf {
    uint32 place;
    bytes leaf;
    bytes32[] siblings;
}

/// @dev A version whose texts a table's rows are of.
struct TableSource {
    uint64 datanet;
    uint32 version;
}

/// @dev An item of a version's list.
struct NearItem {
    uint32 place;
    uint64 contribId;
    bytes32 contentHash;
    bytes32[] siblings;
}

interface ITableDatanets {
    function contributionCount() external view returns (uint64);
    function versions(uint64 id, uint32 version) external view returns (VersionRoots memory);
    function versionFacts(uint64 id, uint32 version) external view returns (VersionFacts memory);
}

/// @title TableJudge
/// @notice What can be wrong with the form of a table of influences, shown by openings of it; docs/GRADIENTS.md §9. Every function
///         reverts where the openings show nothing wrong.
abstract contract TableJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    error NotNeighbours(uint32 place, uint32 next);
    /// @notice One list of items for each source.
    error WrongSources(uint256 expected, uint256 given);
    /// @notice What is shown does not decide whether the contribution is in the source's list.
    error NotDecided(uint256 source, uint64 contribId);

    /// @notice Versions that a table's texts are of.
    uint256 public constant SOURCES_MAX = 8;

    ITableDatanets private constant DATANETS = ITableDatanets(Predeploys.DATANET_REGISTRY);
    bytes8 private constant MAGIC = "OLINFLU1";
    /// @dev Magic, three roots and five counts; then a float of four bytes a block.
    uint256 private constant HEAD_BYTES = 124;
    uint256 private constant BLOCKS_MAX = 3_584;
    uint256 private constant SIZE_MIN = 8;
    /// @dev `contribution u64 ‖ shift u8`.
    uint256 private constant ROW_HEAD = 9;
    uint256 private constant SHIFT_MAX = 31;
    /// @dev The sign and the exponent of a float of four bytes.
    uint32 private constant FLOAT_SIGN = 0x8000_0000;
    uint32 private constant FLOAT_EXPONENT = 0x7f80_0000;

    /// @dev The leaf stands where the table has none, or is not what its place asks for.
    function _requireBadLeaf(SketchTable memory table, bytes32 model, bytes32 adapter, TableLeaf calldata shown)
        internal
        view
    {
        Chunks.openLeaf(table.root, shown.place, shown.leaf, shown.siblings);
        if (shown.siblings.length != _depth(table) || shown.place > table.rows) return;
        bool right = shown.place == 0
            ? _headRight(table, model, adapter, shown.leaf)
            : _rowRight(table, shown.leaf);
        if (right) revert NoFault();
    }

    /// @dev There is no leaf where the table has one.
    function _requireAbsentLeaf(SketchTable memory table, uint32 place, bytes32[] calldata siblings) internal view {
        Chunks.openAbsent(table.root, place, siblings);
        if (siblings.length == _depth(table) && place > table.rows) revert NoFault();
    }

    /// @dev A row's contribution does not stand behind that of the row before.
    function _requireBadOrder(SketchTable memory table, TableLeaf calldata row, TableLeaf calldata next) internal view {
        if (row.place == 0 || row.place + 1 != next.place) revert NotNeighbours(row.place, next.place);
        if (_openRow(table, row) < _openRow(table, next)) revert NoFault();
    }

    /// @dev A row's contribution is in none of the versions that the table says it is of.
    function _requireForeignRow(
        SketchTable memory table,
        TableSource[] memory sources,
        TableLeaf calldata row,
        NearItem[][] calldata near
    ) internal view {
        if (near.length != sources.length) revert WrongSources(sources.length, near.length);
        uint64 contribution = _openRow(table, row);
        for (uint256 i = 0; i < sources.length; i++) {
            if (_isIn(sources[i], contribution, near[i], i)) revert NoFault();
        }
    }

    function _isVersion(uint64 datanet, uint32 version) internal view returns (bool) {
        return DATANETS.versions(datanet, version).itemsRoot != bytes32(0);
    }

    /// @dev Whether a contribution stands in a version's ascending list: the item itself decides, or its neighbours, or the list's end.
    function _isIn(TableSource memory source, uint64 contribution, NearItem[] calldata near, uint256 number)
        private
        view
        returns (bool)
    {
        bytes32 root = DATANETS.versions(source.datanet, source.version).itemsRoot;
        uint256 count = DATANETS.versionFacts(source.datanet, source.version).itemCount;
        if (count == 0) return false;
        for (uint256 i = 0; i < near.length; i++) {
            NearItem calldata item = near[i];
            Chunks.openLeaf(root, item.place, abi.encodePacked(item.contribId, item.contentHash), item.siblings);
            if (item.contribId == contribution) return true;
        }
        if (near.length == 1) {
            NearItem calldata only = near[0];
            bool isOutside = (only.place == 0 && contribution < only.contribId)
                || (uint256(only.place) + 1 == count && only.contribId < contribution);
            if (isOutside) return false;
        } else if (near.length == 2) {
            bool isBetween = near[1].place == near[0].place + 1 && near[0].contribId < contribution
                && contribution < near[1].contribId;
            if (isBetween) return false;
        }
        revert NotDecided(number, contribution);
    }

    /// @dev A leaf of another depth or length is what `_requireBadLeaf` shows.
    function _openRow(SketchTable memory table, TableLeaf calldata row) private view returns (uint64 contribution) {
        Chunks.openLeaf(table.root, row.place, row.leaf, row.siblings);
        bool isRow = row.siblings.length == _depth(table) && row.place > 0 && row.place <= table.rows;
        if (!isRow || row.leaf.length < ROW_HEAD) revert NoFault();
        contribution = uint64(bytes8(row.leaf));
    }

    function _depth(SketchTable memory table) private pure returns (uint256) {
        return Leaves.depthOf(uint256(table.rows) + 1);
    }

    function _headRight(SketchTable memory table, bytes32 model, bytes32 adapter, bytes calldata head)
        private
        pure
        returns (bool)
    {
        if (head.length < HEAD_BYTES || bytes8(head) != MAGIC || bytes32(head[8:]) != model) return false;
        if (adapter != bytes32(0) && bytes32(head[40:]) != adapter) return false;
        uint256 fold = _count(head, 108);
        uint256 blocks = _count(head, 120);
        bool counted = (fold == 1 || fold == 2 || fold == 4 || fold == 8) && _count(head, 112) == table.rows
            && _count(head, 116) == table.size && table.size >= SIZE_MIN && blocks > 0 && blocks <= BLOCKS_MAX;
        if (!counted || head.length != HEAD_BYTES + 4 * blocks) return false;
        for (uint256 at = HEAD_BYTES; at < head.length; at += 4) {
            uint32 scale = uint32(_count(head, at));
            // Negative (a zero with a sign is none), infinite or no number.
            if ((scale & FLOAT_SIGN != 0 && scale != FLOAT_SIGN) || scale & FLOAT_EXPONENT == FLOAT_EXPONENT) return false;
        }
        return true;
    }

    function _rowRight(SketchTable memory table, bytes calldata row) private view returns (bool) {
        if (row.length != ROW_HEAD + table.size) return false;
        uint64 contribution = uint64(bytes8(row));
        if (contribution == 0 || contribution > DATANETS.contributionCount()) return false;
        uint256 shift = uint8(row[8]);
        if (shift > SHIFT_MAX) return false;
        (bool isLeast, bool isWide) = _numbers(row[ROW_HEAD:]);
        return !isLeast && (shift == 0 || isWide);
    }

    /// @dev Of signed bytes, 32 at once: whether one is −128, and whether one is 64 or more in magnitude, as one of a row with a shift is,
    ///      or a smaller shift would do.
    function _numbers(bytes calldata numbers) private pure returns (bool isLeast, bool isWide) {
        assembly ("memory-safe") {
            let ones := 0x0101010101010101010101010101010101010101010101010101010101010101
            let sevens := mul(ones, 0x7f)
            let tops := mul(ones, 0x80)
            let end := add(numbers.offset, numbers.length)
            let least := 0
            let wide := 0
            for { let at := numbers.offset } lt(at, end) { at := add(at, 32) } {
                let word := calldataload(at)
                let left := sub(end, at)
                // What stands behind the numbers reads as zeros.
                if lt(left, 32) { word := and(word, not(shr(shl(3, left), not(0)))) }
                // The top bit of each byte that is not 0x80, or not 0xc0.
                let other := xor(word, tops)
                least := or(least, not(or(or(add(and(other, sevens), sevens), other), sevens)))
                other := xor(word, mul(ones, 0xc0))
                wide := or(wide, not(or(or(add(and(other, sevens), sevens), other), sevens)))
                // The two top bits differ: 64 and more, or less than −64.
                wide := or(wide, and(xor(word, shl(1, word)), tops))
            }
            isLeast := iszero(iszero(least))
            isWide := iszero(iszero(wide))
        }
    }

    function _count(bytes calldata raw, uint256 at) private pure returns (uint256) {
        return uint32(bytes4(raw[at:]));
    }
}
