// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IIndexRegistry } from "../ol/interfaces/IIndexRegistry.sol";
import { MoneyHashes } from "./MoneyHashes.sol";
import { Receipt } from "./MoneyTypes.sol";
import { Predeploys } from "./Predeploys.sol";
import { SetIndex } from "./SpanTypes.sol";
import { TextIndex, TextIndexes } from "./TextIndexes.sol";

/// @title IndexSets
/// @notice The indexes that a receipt's model version pins, shown by their ids or records. docs/ATTRIBUTION.md §2.
library IndexSets {
    /// @notice The indexes are not those of the receipt.
    error WrongIndexSet(bytes32 indexSetHash);
    error WrongIndex(bytes32 id);

    function requireSet(Receipt calldata receipt, bytes32[] memory ids) internal pure {
        if (MoneyHashes.indexSetHash(ids) != receipt.indexSetHash) revert WrongIndexSet(receipt.indexSetHash);
    }

    function requireRecords(Receipt calldata receipt, TextIndex[] calldata set) internal pure {
        bytes32[] memory ids = new bytes32[](set.length);
        for (uint256 i = 0; i < set.length; i++) ids[i] = TextIndexes.idOf(set[i]);
        requireSet(receipt, ids);
    }

    function requireIndex(Receipt calldata receipt, SetIndex calldata at) internal pure {
        requireSet(receipt, at.ids);
        bytes32 id = TextIndexes.idOf(at.index);
        if (at.number >= at.ids.length || at.ids[at.number] != id) revert WrongIndex(id);
    }

    /// @notice Whether an index of the set counts for nothing any more at a time: then no token does.
    function isDead(bytes32[] calldata ids, uint64 time) internal view returns (bool) {
        for (uint256 i = 0; i < ids.length; i++) {
            if (isDead(ids[i], time)) return true;
        }
        return false;
    }

    function isDead(bytes32 id, uint64 time) internal view returns (bool) {
        return IIndexRegistry(Predeploys.INDEX_REGISTRY).isDeadAt(id, time);
    }
}
