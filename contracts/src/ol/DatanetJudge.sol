// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks } from "../lib/Chunks.sol";
import { MediaTypes } from "../lib/MediaTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { VersionFacts, VersionRoots } from "./DatanetTypes.sol";
import { DatanetRecord } from "./interfaces/IDatanetVersions.sol";
import { Contribution, ContributionKind, Decision, IDatanets, ItemRecord } from "./interfaces/IDatanets.sol";
import { ItemRewards } from "./ItemRewards.sol";

interface IJudgedDatanets is IDatanets {
    function datanets(uint64 id) external view returns (DatanetRecord memory);
    function batchOf(uint64 contribId) external view returns (uint64);
    function contributionCount() external view returns (uint64);
    function leftAt(uint64 contribId) external view returns (uint64);
    function versions(uint64 id, uint32 version) external view returns (VersionRoots memory);
    function versionFacts(uint64 id, uint32 version) external view returns (VersionFacts memory);
}

/// @dev A contribution's record with the way from its batch's item to the root; none for one made alone.
struct ShownRecord {
    uint64 contribId;
    ItemRecord record;
    bytes32[] siblings;
}

/// @dev A chunk of 1 KiB of a content.
struct ShownChunk {
    uint32 index;
    bytes data;
    bytes32[] siblings;
}

/// @dev An item of a list that a version commits to.
struct ShownItem {
    uint32 place;
    uint64 contribId;
    bytes32 contentHash;
    bytes32[] siblings;
}

/// @dev Items of the list of what a version added that stand next to each other: one made alone, or some of one batch with ids that
///      follow each other. `end` is the record of the last, `before` that of the item before the first in the batch; of the batch's
///      first one it is not looked at.
struct ShownRun {
    ShownItem first;
    ShownItem last;
    ShownRecord end;
    ShownRecord before;
}

/// @title DatanetJudge
/// @notice Faults of contributions and versions that one transaction proves. Predeploy 0x4f4c…003b. docs/DATANETS.md §9.
///
/// A false contribution loses its bond, half of it to whoever shows the fault, or committed to it before (ItemRewards). A false
/// version is void: what it says stays, and no model or index is to be made of it.
contract DatanetJudge is ItemRewards {
    /// @dev Lists of a version: its items, those of the version before, what it added, what it removed.
    enum List { Items, Previous, Added, Removed }

    event ContributionFault(uint64 indexed contribId, address indexed by, bytes32 fault, uint256 bond);
    event VersionVoided(uint64 indexed id, uint32 indexed version, address indexed by, bytes32 fault);

    error NoFault();
    error AlreadyVoid(uint64 id, uint32 version);
    error UnknownVersion(uint64 id, uint32 version);
    /// @notice What is shown does not decide whether the item stands in the list.
    error NotDecided(List list, uint64 contribId);

    IJudgedDatanets private constant DATANETS = IJudgedDatanets(Predeploys.DATANET_REGISTRY);
    uint256 private constant CHUNK = 1_024;
    /// @dev aiTraining is purpose 2, its refusal 1.
    uint16 private constant TRAINING_SHIFT = 4;
    uint16 private constant NOT_ALLOWED = 1;

    /// @notice Why a version is void; zero where it is not.
    mapping(uint64 id => mapping(uint32 version => bytes32)) public voidFor;

    // --- Contributions ---

    /// @notice Its first KiB is not of the Datanet's media type.
    function wrongType(ShownRecord calldata shown, ShownChunk calldata first) external {
        Contribution memory found = _item(shown);
        if (first.index != 0) revert NoFault();
        Chunks.openLeaf(shown.record.contentHash, 0, first.data, first.siblings);
        if (MediaTypes.isOf(DATANETS.datanets(found.datanet).mediaType, first.data)) revert NoFault();
        _slash(shown.contribId, "TYPE_MISMATCH");
    }

    /// @notice Its content goes on behind the size that it counted with. `before` is the record before it in its batch; of the
    ///         first one, and of one made alone, it is not looked at.
    function falseSize(ShownRecord calldata shown, ShownRecord calldata before, ShownChunk calldata chunk) external {
        DATANETS.requireRecord(shown.contribId, shown.record, shown.siblings);
        Chunks.openLeaf(shown.record.contentHash, chunk.index, chunk.data, chunk.siblings);
        uint256 begin = _begin(shown, before);
        if (begin + CHUNK * chunk.index + chunk.data.length <= shown.record.size) revert NoFault();
        _slash(shown.contribId, "FALSE_SIZE");
    }

    /// @notice An earlier contribution to the Datanet that stands has the same content.
    function duplicate(ShownRecord calldata shown, ShownRecord calldata earlier) external {
        Contribution memory found = _item(shown);
        Contribution memory original = _item(earlier);
        bool isCopy = found.datanet == original.datanet && earlier.contribId < shown.contribId
            && shown.record.contentHash == earlier.record.contentHash && original.decision != Decision.Rejected
            && original.decision != Decision.Slashed;
        if (!isCopy) revert NoFault();
        _slash(shown.contribId, "DUPLICATE");
    }

    // --- Versions ---

    /// @notice An item of the version is no contribution to the Datanet.
    function foreignItem(uint64 id, uint32 version, ShownItem calldata item) external {
        _open(id, version, List.Items, item);
        bool isKnown = item.contribId != 0 && item.contribId <= DATANETS.contributionCount();
        if (isKnown && DATANETS.contribution(item.contribId).datanet == id) revert NoFault();
        _void(id, version, "FOREIGN_ITEM");
    }

    /// @notice An item of the version was not accepted, or had left before, or has other content than it committed to, or is one
    ///         whose author does not let it be trained on.
    function refusedItem(uint64 id, uint32 version, ShownItem calldata item, ShownRecord calldata shown) external {
        VersionFacts memory facts = _open(id, version, List.Items, item);
        DATANETS.requireRecord(item.contribId, shown.record, shown.siblings);
        Contribution memory found = DATANETS.contribution(item.contribId);
        uint64 left = DATANETS.leftAt(item.contribId);
        if (shown.record.contentHash != item.contentHash) return _void(id, version, "OTHER_CONTENT");
        if (shown.record.consent >> TRAINING_SHIFT & 3 == NOT_ALLOWED) return _void(id, version, "NO_TRAINING");
        bool wasRefused = found.decision == Decision.Pending || found.decision == Decision.Rejected;
        if (!wasRefused && (left == 0 || left > facts.publishedAt)) revert NoFault();
        _void(id, version, wasRefused ? bytes32("NOT_ACCEPTED") : bytes32("WITHDRAWN"));
    }

    /// @notice Two neighbours of a list do not ascend.
    function unsorted(uint64 id, uint32 version, List list, ShownItem calldata one, ShownItem calldata next) external {
        _open(id, version, list, one);
        _open(id, version, list, next);
        if (next.place != one.place + 1 || one.contribId < next.contribId) revert NoFault();
        _void(id, version, "UNSORTED");
    }

    /// @notice A list goes on behind its count, or its tree has no room for it.
    function falseCount(uint64 id, uint32 version, List list, ShownItem calldata item) external {
        (bytes32 root, uint32 count) = _list(id, version, list);
        _openItem(root, item);
        if (item.place < count && count <= 1 << item.siblings.length) revert NoFault();
        _void(id, version, "FALSE_COUNT");
    }

    /// @notice A list has no leaf at a place within its count.
    function missingItem(uint64 id, uint32 version, List list, uint32 place, bytes32[] calldata siblings) external {
        (bytes32 root, uint32 count) = _list(id, version, list);
        Chunks.openAbsent(root, place, siblings);
        if (place >= count) revert NoFault();
        _void(id, version, "FALSE_COUNT");
    }

    /// @notice What was added is not in the version, or was in the one before; what was removed was not in the one before, or is
    ///         still in the version. `near` decides about the item in the other list.
    function falselyListed(
        uint64 id,
        uint32 version,
        List list,
        ShownItem calldata item,
        List other,
        ShownItem[] calldata near
    ) external {
        if (list < List.Added || other > List.Previous) revert NoFault();
        _open(id, version, list, item);
        bool isIn = _isIn(id, version, other, item.contribId, near);
        bool mustBeIn = (list == List.Added) == (other == List.Items);
        if (isIn == mustBeIn) revert NoFault();
        _void(id, version, "FALSELY_LISTED");
    }

    /// @notice An item is new in the version and not listed as added, or gone and not listed as removed. `list` is where it is.
    function unlisted(
        uint64 id,
        uint32 version,
        List list,
        ShownItem calldata item,
        ShownItem[] calldata nearOther,
        ShownItem[] calldata nearListed
    ) external {
        if (list > List.Previous) revert NoFault();
        _open(id, version, list, item);
        (List other, List listed) =
            list == List.Items ? (List.Previous, List.Added) : (List.Items, List.Removed);
        bool isFault = !_isIn(id, version, other, item.contribId, nearOther)
            && !_isIn(id, version, listed, item.contribId, nearListed);
        if (!isFault) revert NoFault();
        _void(id, version, "UNLISTED");
    }

    /// @notice Some of the items that the version added have more bytes together than it says that all have. `runs` ascend in the list.
    function falseBytes(uint64 id, uint32 version, ShownRun[] calldata runs) external {
        VersionFacts memory facts = _facts(id, version);
        uint256 next = 0;
        uint256 sum = 0;
        for (uint256 i = 0; i < runs.length; i++) {
            if (runs[i].first.place < next) revert NoFault();
            next = uint256(runs[i].last.place) + 1;
            sum += _bytesOf(facts.addedRoot, runs[i]);
        }
        if (sum <= facts.addedBytes) revert NoFault();
        _void(id, version, "FALSE_BYTES");
    }

    /// @notice A live Datanet's version removed an item that had not left.
    function standingRemoved(uint64 id, uint32 version, ShownItem calldata item) external {
        VersionFacts memory facts = _open(id, version, List.Removed, item);
        uint64 left = DATANETS.leftAt(item.contribId);
        if (!DATANETS.datanets(id).live || (left != 0 && left <= facts.publishedAt)) revert NoFault();
        _void(id, version, "STANDING_REMOVED");
    }

    // --- Internals ---

    function _item(ShownRecord calldata shown) private view returns (Contribution memory found) {
        DATANETS.requireRecord(shown.contribId, shown.record, shown.siblings);
        found = DATANETS.contribution(shown.contribId);
        if (found.kind != ContributionKind.Item) revert NoFault();
    }

    /// @dev Bytes of the items before it in its batch.
    function _begin(ShownRecord calldata shown, ShownRecord calldata before) private view returns (uint256) {
        if (shown.siblings.length == 0) return 0;
        if (DATANETS.batchOf(shown.contribId) == shown.contribId) return 0;
        if (before.contribId + 1 != shown.contribId) revert NoFault();
        DATANETS.requireRecord(before.contribId, before.record, before.siblings);
        return before.record.size;
    }

    /// @dev A list ascends, or is false by that: as many places as ids from the first to the last are all of these ids.
    function _bytesOf(bytes32 root, ShownRun calldata run) private view returns (uint256) {
        (ShownItem calldata first, ShownItem calldata last) = (run.first, run.last);
        _openItem(root, first);
        _openItem(root, last);
        bool isRun = first.place <= last.place && first.contribId <= last.contribId
            && last.place - first.place == last.contribId - first.contribId && run.end.contribId == last.contribId;
        if (!isRun) revert NoFault();
        DATANETS.requireRecord(last.contribId, run.end.record, run.end.siblings);
        uint256 end = run.end.record.size;
        if (run.end.siblings.length == 0 && first.place == last.place) return end;
        uint64 batch = DATANETS.batchOf(last.contribId);
        if (first.contribId < batch) revert NoFault();
        if (first.contribId == batch) return end;
        if (run.before.contribId + 1 != first.contribId) revert NoFault();
        DATANETS.requireRecord(run.before.contribId, run.before.record, run.before.siblings);
        uint256 begin = run.before.record.size;
        if (end < begin) revert NoFault();
        return end - begin;
    }

    function _slash(uint64 contribId, bytes32 fault) private {
        Decision decision = DATANETS.contribution(contribId).decision;
        if (decision == Decision.Rejected || decision == Decision.Slashed) revert NoFault();
        uint256 bond = DATANETS.slashBond(contribId, address(this));
        _awardSlashed(contribId, msg.sender);
        emit ContributionFault(contribId, msg.sender, fault, bond);
    }

    function _void(uint64 id, uint32 version, bytes32 fault) private {
        if (voidFor[id][version] != bytes32(0)) revert AlreadyVoid(id, version);
        voidFor[id][version] = fault;
        emit VersionVoided(id, version, msg.sender, fault);
    }

    function _list(uint64 id, uint32 version, List list) private view returns (bytes32 root, uint32 count) {
        VersionFacts memory facts = _facts(id, version);
        if (list == List.Added) return (facts.addedRoot, facts.added);
        if (list == List.Removed) return (facts.removedRoot, facts.removed);
        uint32 of_ = list == List.Items ? version : version - 1;
        return (DATANETS.versions(id, of_).itemsRoot, DATANETS.versionFacts(id, of_).itemCount);
    }

    function _facts(uint64 id, uint32 version) private view returns (VersionFacts memory facts) {
        facts = DATANETS.versionFacts(id, version);
        if (facts.publishedAt == 0) revert UnknownVersion(id, version);
    }

    function _open(uint64 id, uint32 version, List list, ShownItem calldata item)
        private
        view
        returns (VersionFacts memory)
    {
        (bytes32 root,) = _list(id, version, list);
        _openItem(root, item);
        return _facts(id, version);
    }

    function _openItem(bytes32 root, ShownItem calldata item) private view {
        Chunks.openLeaf(root, item.place, abi.encodePacked(item.contribId, item.contentHash), item.siblings);
    }

    /// @dev Whether a contribution stands in an ascending list: the item itself decides, or its neighbours, or the list's end.
    function _isIn(uint64 id, uint32 version, List list, uint64 contribId, ShownItem[] calldata near)
        private
        view
        returns (bool)
    {
        (bytes32 root, uint32 count) = _list(id, version, list);
        if (count == 0) return false;
        for (uint256 i = 0; i < near.length; i++) _openItem(root, near[i]);
        if (near.length == 1) {
            ShownItem calldata only = near[0];
            if (only.contribId == contribId) return true;
            bool isOutside = (only.place == 0 && contribId < only.contribId)
                || (only.place == count - 1 && only.contribId < contribId);
            if (isOutside) return false;
        } else if (near.length == 2) {
            bool isBetween = near[1].place == near[0].place + 1 && near[0].contribId < contribId
                && contribId < near[1].contribId;
            if (isBetween) return false;
        }
        revert NotDecided(list, contribId);
    }
}
