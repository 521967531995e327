// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks } from "../lib/Chunks.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetLimits } from "./DatanetLimits.sol";
import { BatchState, DatanetState, Filed, ItemState, Parent, Standing } from "./DatanetTypes.sol";
import { IContributorGates } from "./interfaces/IContributorGates.sol";
import {
    Contribution, ContributionKind, DatanetStatus, Decision, IDatanets, ItemRecord
} from "./interfaces/IDatanets.sol";

/// @title DatanetContributions
/// @notice What is contributed, alone or in batches, and what each contribution committed to. docs/DATANETS.md §2.
abstract contract DatanetContributions is DatanetLimits {
    /// @dev A contribution as it is found, alone or in a batch. `firstId` is zero for one made alone.
    struct Found {
        uint64 firstId;
        uint64 datanet;
        address author;
        uint64 submittedAt;
        uint16 consent;
        Decision decision;
        uint256 bond;
    }

    event ContributionSubmitted(
        uint64 indexed id,
        uint64 indexed contribId,
        address indexed author,
        bytes32 contentHash,
        bytes32 simHash,
        uint16 consent,
        uint256 bond,
        uint32 size,
        bytes32 metaHash
    );
    event ContributionParent(uint64 indexed contribId, uint64 indexed parent, ContributionKind kind);
    event ContributionBatch(
        uint64 indexed id,
        uint64 indexed firstId,
        address indexed author,
        uint32 count,
        bytes32 root,
        uint256 bond,
        uint32 size,
        bytes32 metaHash
    );

    error UnknownContribution(uint64 contribId);
    error NotAcceptingContributions(uint64 id, DatanetStatus status);
    error WrongBond(uint256 expected, uint256 actual);
    error BadConsent(uint16 consent);
    error BadCount(uint32 count);
    error BadKind(ContributionKind kind);
    error EmptyRoot();
    error Duplicate(uint64 contribId);
    error WrongRecord(uint64 contribId);

    /// @notice Records that one batch may list: a manifest of 4.4 MiB.
    uint32 internal constant BATCH_ITEMS_MAX = 1 << 16;
    uint16 internal constant CONSENT_MAX = 0x0fff;
    IContributorGates internal constant GATES = IContributorGates(Predeploys.DATANET_ACCESS);

    mapping(uint64 contribId => ItemState) internal _items;
    mapping(uint64 firstId => BatchState) internal _batches;
    uint64[] private _batchFirstIds;
    /// @dev Set where an item of a batch no longer follows its batch.
    mapping(uint64 contribId => Decision) internal _ownDecision;
    mapping(uint64 contribId => Standing) internal _standing;
    mapping(uint64 contribId => Parent) private _parents;
    mapping(uint64 id => mapping(bytes32 key => Filed)) private _filed;

    /// @notice Contributes one item; `msg.value` is its bond.
    /// @param consent What its author allows: six purposes, two bits each.
    /// @param size Bytes of the content.
    function submit(
        uint64 id,
        bytes32 contentHash,
        bytes32 simHash,
        uint16 consent,
        uint32 size,
        bytes32 metaHash
    ) external payable returns (uint64 contribId) {
        return _submit(msg.sender, id, ItemRecord(contentHash, simHash, consent, size, metaHash), contentHash);
    }

    /// @notice Contributes one item for an author whose word for it the DatanetRelay checked.
    function submitVia(address author, uint64 id, ItemRecord calldata record)
        external
        payable
        only(Predeploys.DATANET_RELAY)
        returns (uint64 contribId)
    {
        return _submit(author, id, record, record.contentHash);
    }

    /// @notice Contributes a label of an item, or work of curating it. Equal labels of different items are none of each other's
    ///         duplicates.
    function submitFor(uint64 parent, ContributionKind kind, ItemRecord calldata record)
        external
        payable
        returns (uint64 contribId)
    {
        Found memory found = _find(parent);
        if (kind == ContributionKind.Item || _parents[parent].id != 0) revert BadKind(kind);
        bytes32 key = _labelKey(parent, kind, record.contentHash);
        contribId = _submit(msg.sender, found.datanet, record, key);
        _parents[contribId] = Parent(parent, uint8(kind));
        emit ContributionParent(contribId, parent, kind);
    }

    /// @notice Contributes `count` items whose records are the leaves under `root`; `msg.value` is `count` bonds.
    /// @param size Bytes of all items, which the last record says too.
    function submitBatch(uint64 id, bytes32 root, uint32 count, uint32 size, bytes32 metaHash)
        external
        payable
        returns (uint64 firstId)
    {
        if (count == 0 || count > BATCH_ITEMS_MAX) revert BadCount(count);
        DatanetState storage datanet = _accept(msg.sender, id, count);
        _count(msg.sender, id, size);
        firstId = contributionCount + 1;
        contributionCount += count;
        _file(id, root, firstId, _shortened(bytes32(0), size, metaHash));
        _batches[firstId] = BatchState({
            author: msg.sender,
            datanet: uint32(id),
            submittedAt: uint32(block.timestamp),
            terms: datanet.terms,
            decision: uint8(Decision.Pending),
            root: root,
            count: count,
            open: count,
            holds: 0
        });
        _batchFirstIds.push(firstId);
        emit ContributionBatch(id, firstId, msg.sender, count, root, msg.value, size, metaHash);
    }

    // --- Views ---

    /// @notice The contribution that stands under a content hash, or a batch's root; zero where there is none or it was rejected or
    ///         slashed.
    function contributionOf(uint64 id, bytes32 contentHash) public view returns (uint64 contribId) {
        contribId = _filed[id][contentHash].contribId;
        if (contribId != 0 && !_stands(_find(contribId).decision)) contribId = 0;
    }

    /// @inheritdoc IDatanets
    function contribution(uint64 contribId) external view returns (Contribution memory) {
        Found memory found = _find(contribId);
        Parent storage parent = _parents[contribId];
        return Contribution({
            author: found.author,
            datanet: found.datanet,
            kind: ContributionKind(parent.kind),
            decision: found.decision,
            parent: parent.id,
            submittedAt: found.submittedAt,
            consent: found.consent
        });
    }

    /// @notice First contribution id of the batch that `contribId` belongs to.
    function batchOf(uint64 contribId) external view returns (uint64 firstId) {
        return _batchFirstIdOf(contribId);
    }

    /// @notice When a contribution was withdrawn or slashed; zero where it was not.
    function leftAt(uint64 contribId) external view returns (uint64) {
        return _standing[contribId].leftAt;
    }

    /// @inheritdoc IDatanets
    function requireRecord(uint64 contribId, ItemRecord calldata record, bytes32[] calldata siblings) external view {
        Found memory found = _find(contribId);
        if (found.firstId != 0) {
            BatchState storage batch = _batches[found.firstId];
            bytes memory leaf =
                abi.encodePacked(record.contentHash, record.simHash, record.consent, record.size);
            return Chunks.openLeaf(batch.root, uint32(contribId - found.firstId), leaf, siblings);
        }
        Parent storage parent = _parents[contribId];
        bytes32 key = parent.id == 0
            ? record.contentHash
            : _labelKey(parent.id, ContributionKind(parent.kind), record.contentHash);
        Filed storage filed = _filed[found.datanet][key];
        bool isRight = filed.contribId == contribId && found.consent == record.consent
            && filed.record == _shortened(record.simHash, record.size, record.metaHash);
        if (!isRight) revert WrongRecord(contribId);
    }

    // --- Internals ---

    function _find(uint64 contribId) internal view returns (Found memory found) {
        ItemState memory item = _items[contribId];
        if (item.author != address(0)) {
            found.datanet = item.datanet;
            found.author = item.author;
            found.submittedAt = item.submittedAt;
            found.consent = item.marks & CONSENT_MAX;
            found.decision = Decision(item.marks >> 12);
            found.bond = _bonds[item.datanet][item.terms];
            return found;
        }
        found.firstId = _batchFirstIdOf(contribId);
        BatchState storage batch = _batches[found.firstId];
        found.datanet = batch.datanet;
        found.author = batch.author;
        found.submittedAt = batch.submittedAt;
        found.bond = _bonds[batch.datanet][batch.terms];
        Decision own = _ownDecision[contribId];
        found.decision = own == Decision.None ? Decision(batch.decision) : own;
    }

    function _authorOf(uint64 contribId) internal view returns (address author) {
        author = _items[contribId].author;
        if (author == address(0)) author = _batches[_batchFirstIdOf(contribId)].author;
    }

    function _submit(address author, uint64 id, ItemRecord memory record, bytes32 key)
        private
        returns (uint64 contribId)
    {
        if (record.consent > CONSENT_MAX) revert BadConsent(record.consent);
        DatanetState storage datanet = _accept(author, id, 1);
        _count(author, id, record.size);
        contribId = ++contributionCount;
        if (record.contentHash == bytes32(0)) revert EmptyRoot();
        _file(id, key, contribId, _shortened(record.simHash, record.size, record.metaHash));
        _items[contribId] = ItemState({
            author: author,
            datanet: uint32(id),
            submittedAt: uint32(block.timestamp),
            terms: datanet.terms,
            marks: record.consent | uint16(Decision.Pending) << 12
        });
        emit ContributionSubmitted(
            id,
            contribId,
            author,
            record.contentHash,
            record.simHash,
            record.consent,
            msg.value,
            record.size,
            record.metaHash
        );
    }

    /// @dev Takes the bonds, where the Datanet takes contributions of the author.
    function _accept(address author, uint64 id, uint256 count) private returns (DatanetState storage datanet) {
        datanet = _known(id);
        DatanetStatus status = datanet.status;
        bool isOpen = status == DatanetStatus.Open
            || ((status == DatanetStatus.Draft || status == DatanetStatus.Published) && author == datanet.owner);
        if (!isOpen) revert NotAcceptingContributions(id, status);
        uint256 bond = datanet.bond * count;
        if (msg.value != bond) revert WrongBond(bond, msg.value);
        bondsLocked += uint128(bond);
        if (datanet.gated) GATES.requireContributor(id, author);
    }

    /// @dev Files content once; what was rejected or slashed may be contributed again.
    function _file(uint64 id, bytes32 key, uint64 contribId, bytes24 record) private {
        if (key == bytes32(0)) revert EmptyRoot();
        uint64 earlier = contributionOf(id, key);
        if (earlier != 0) revert Duplicate(earlier);
        _filed[id][key] = Filed(contribId, record);
    }

    function _stands(Decision decision) private pure returns (bool) {
        return decision != Decision.Rejected && decision != Decision.Slashed;
    }

    function _shortened(bytes32 simHash, uint32 size, bytes32 metaHash) private pure returns (bytes24) {
        return bytes24(keccak256(abi.encodePacked(simHash, size, metaHash)));
    }

    function _labelKey(uint64 parent, ContributionKind kind, bytes32 contentHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(parent, kind, contentHash));
    }

    /// @dev Binary search over the batches' first ids, which only grow.
    function _batchFirstIdOf(uint64 contribId) internal view returns (uint64 firstId) {
        uint256 low = 0;
        uint256 high = _batchFirstIds.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_batchFirstIds[middle] <= contribId) low = middle + 1;
            else high = middle;
        }
        if (low == 0) revert UnknownContribution(contribId);
        firstId = _batchFirstIds[low - 1];
        if (contribId >= firstId + _batches[firstId].count) revert UnknownContribution(contribId);
    }
}
