// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { POOL_KIND_TREASURY } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetPayouts } from "./DatanetPayouts.sol";
import { DatanetState, VersionDiff, VersionFacts, VersionRoots } from "./DatanetTypes.sol";
import { DatanetStatus } from "./interfaces/IDatanets.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";

interface ITreasuryPool {
    function fund(uint8 kind, uint64 id) external payable;
}

/// @title DatanetVersions
/// @notice Frozen versions, each with its difference to the one before it, paid by what it adds. docs/DATANETS.md §8.
abstract contract DatanetVersions is DatanetPayouts {
    event VersionPublished(
        uint64 indexed id,
        uint32 indexed version,
        bytes32 itemsRoot,
        bytes32 tokenRoot,
        bytes32 suffixRoot,
        uint64 tokenCount,
        bytes32 croissantHash,
        bytes32 statementHash
    );
    event VersionDiffed(uint64 indexed id, uint32 indexed version, VersionDiff diff, uint256 fee);
    /// @notice Hours in which a live Datanet had no version, before this one.
    event LiveGap(uint64 indexed id, uint32 indexed version, uint64 hoursMissed);

    error NotPublishing(uint64 id, DatanetStatus status);
    error WrongPreviousRoot(bytes32 expected, bytes32 actual);
    error WrongCounts(uint256 expected, uint256 actual);
    error WrongFee(uint256 expected, uint256 actual);
    error LiveTooSoon(uint64 id, uint256 nextAt);
    error TooManyUnits(uint256 units);

    uint256 private constant KIB = 1024;
    uint256 private constant LIVE_PERIOD = 1 hours;

    mapping(uint64 id => mapping(uint32 version => VersionRoots)) private _versions;
    mapping(uint64 id => mapping(uint32 version => VersionFacts)) private _facts;

    /// @notice Publishes the next version, frozen from then on; the value is its fee, which goes to the treasury. The first one
    ///         publishes a draft.
    function publish(uint64 id, VersionRoots calldata roots, VersionDiff calldata diff)
        external
        payable
        returns (uint32 version)
    {
        _requireOwner(id);
        DatanetState storage datanet = _datanets[id];
        if (datanet.status == DatanetStatus.Archived) revert NotPublishing(id, datanet.status);
        if (roots.itemsRoot == bytes32(0)) revert EmptyRoot();
        version = datanet.version + 1;
        _requireDiff(id, version, diff);
        if (datanet.live && version > 1) _keepHours(id, version);
        uint256 fee = quotePublish(diff.addedBytes);
        if (msg.value != fee) revert WrongFee(fee, msg.value);
        datanet.version = version;
        _versions[id][version] = roots;
        _facts[id][version] = VersionFacts({
            addedRoot: diff.addedRoot,
            removedRoot: diff.removedRoot,
            itemCount: diff.itemCount,
            added: diff.added,
            removed: diff.removed,
            addedBytes: diff.addedBytes,
            publishedAt: uint64(block.timestamp)
        });
        if (datanet.status == DatanetStatus.Draft) _setStatus(id, DatanetStatus.Published);
        _tell(id, version, roots);
        emit VersionDiffed(id, version, diff, fee);
        if (fee > 0) ITreasuryPool(Predeploys.ROYALTY_VAULT).fund{ value: fee }(POOL_KIND_TREASURY, 0);
        if (roots.unitsTotal == 0) return version;
        if (roots.unitsTotal > type(uint128).max) revert TooManyUnits(roots.unitsTotal);
        IDatanetUnits(Predeploys.DATANET_UNITS).issue(
            id, version, datanet.owner, uint128(roots.unitsTotal), roots.unitsRoot
        );
    }

    /// @notice Wei that publishing a version costs that adds so many bytes: each KiB begun.
    function quotePublish(uint64 addedBytes) public view returns (uint256) {
        return (uint256(addedBytes) + KIB - 1) / KIB * limits().publishPrice;
    }

    /// @notice All zeros where there is no such version.
    function versions(uint64 id, uint32 version) external view returns (VersionRoots memory) {
        return _versions[id][version];
    }

    /// @notice All zeros where there is no such version.
    function versionFacts(uint64 id, uint32 version) external view returns (VersionFacts memory) {
        return _facts[id][version];
    }

    function _requireDiff(uint64 id, uint32 version, VersionDiff calldata diff) private view {
        bytes32 previousRoot = _versions[id][version - 1].itemsRoot;
        if (diff.previousRoot != previousRoot) revert WrongPreviousRoot(previousRoot, diff.previousRoot);
        uint256 expected = uint256(_facts[id][version - 1].itemCount) + diff.added - diff.removed;
        if (diff.itemCount != expected) revert WrongCounts(expected, diff.itemCount);
        bool named = (diff.added == 0) == (diff.addedRoot == bytes32(0))
            && (diff.removed == 0) == (diff.removedRoot == bytes32(0));
        if (!named) revert EmptyRoot();
    }

    function _keepHours(uint64 id, uint32 version) private {
        uint256 before = _facts[id][version - 1].publishedAt / LIVE_PERIOD;
        uint256 hour = block.timestamp / LIVE_PERIOD;
        if (hour == before) revert LiveTooSoon(id, (hour + 1) * LIVE_PERIOD);
        if (hour > before + 1) emit LiveGap(id, version, uint64(hour - before - 1));
    }

    function _tell(uint64 id, uint32 version, VersionRoots calldata roots) private {
        emit VersionPublished(
            id,
            version,
            roots.itemsRoot,
            roots.tokenRoot,
            roots.suffixRoot,
            roots.tokenCount,
            roots.croissantHash,
            roots.statementHash
        );
    }
}
