// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";

/// @title DatanetRegistry
/// @notice Datanets, their contributions and versions. Only hashes stand on chain; content lives in content-addressed
///         stores. Predeploy 0x4f4c…0001.
///
/// Ids: Datanets and contributions count from 1. A single `submit` takes one contribution id, a `submitBatch` takes
/// `count` consecutive ids whose records (contentHash ‖ simHash ‖ consent, 65 bytes each) are the leaves under `root`.
///
/// Money: every accepted wei is either locked as a bond or owed to a contributor as a refund, so
/// `address(this).balance >= bondsLocked + refundsOwed`, with equality unless someone forces wei in.
contract DatanetRegistry is IDatanetPayouts {
    enum Status { None, Draft, Open, Closed, Archived }
    enum Decision { None, Pending, Accepted, Rejected, Withdrawn }

    struct Datanet {
        address owner;
        uint8 mediaType;
        uint8 visibility;
        Status status;
        uint32 version;
        bytes32 licenceId;
        bytes32 policy;
        uint256 bondPerItem;
        bytes32 metaHash;
    }

    /// @dev A contribution made alone.
    struct Item {
        address author;
        uint64 datanet;
        uint8 consent;
        Decision decision;
        uint16 score;
        bytes32 contentHash;
        bytes32 simHash;
        uint256 bond;
    }

    /// @dev Consecutive contributions under one Merkle root. `open` counts the items that still follow `decision`.
    struct Batch {
        address author;
        uint64 datanet;
        Decision decision;
        uint32 count;
        uint32 open;
        bytes32 root;
        uint256 bondPerItem;
    }

    struct VersionRoots {
        bytes32 itemsRoot;
        bytes32 tokenRoot;
        bytes32 suffixRoot;
        uint64 tokenCount;
        bytes32 tokenizerHash;
        bytes32 croissantHash;
        uint256 unitsTotal;
    }

    struct PayoutCheckpoint {
        uint64 fromEpoch;
        address payout;
    }

    event DatanetCreated(
        uint64 indexed id, address indexed owner, uint8 mediaType, bytes32 licenceId, bytes32 metaHash
    );
    event DatanetMeta(uint64 indexed id, bytes32 metaHash);
    event DatanetStatus(uint64 indexed id, Status status);
    event ContributionSubmitted(
        uint64 indexed id,
        uint64 indexed contribId,
        address indexed author,
        bytes32 contentHash,
        bytes32 simHash,
        uint8 consent,
        uint256 bond
    );
    event ContributionBatch(
        uint64 indexed id, uint64 indexed firstId, address indexed author, uint32 count, bytes32 root, uint256 bond
    );
    event ContributionDecided(uint64 indexed contribId, bool accepted, uint16 score, bytes32 reason);
    event ContributionBatchDecided(uint64 indexed firstId, bool accepted, uint32 items, bytes32 reason);
    event ConsentWithdrawn(uint64 indexed contribId, uint32 fromVersion);
    event BondReleased(uint64 indexed contribId, address indexed author, uint256 amount);
    event RefundClaimed(address indexed author, address indexed to, uint256 amount);
    event VersionPublished(
        uint64 indexed id,
        uint32 indexed version,
        bytes32 itemsRoot,
        bytes32 tokenRoot,
        bytes32 suffixRoot,
        uint64 tokenCount,
        bytes32 croissantHash
    );
    event PayoutRotated(address indexed author, address payout, uint64 fromEpoch);

    error UnknownDatanet(uint64 id);
    error UnknownContribution(uint64 contribId);
    error NotOwner(uint64 id);
    error NotAuthor(uint64 contribId);
    error BadMediaType(uint8 mediaType);
    error BadVisibility(uint8 visibility);
    error BadTransition(Status from, Status to);
    error NotAcceptingContributions(uint64 id, Status status);
    error WrongBond(uint256 expected, uint256 actual);
    error BadCount(uint32 count);
    error EmptyRoot();
    error Duplicate(uint64 contribId);
    error WrongDecision(uint64 contribId, Decision decision);
    error BondInDispute(uint64 contribId, uint256 releasableAt);
    error NothingOwed(address author);
    error TransferFailed(address to, uint256 amount);
    error ZeroAddress();

    /// @notice 0 text, 1 image, 2 audio, 3 structured; fixed at creation.
    uint8 public constant MEDIA_TYPES = 4;
    /// @notice 0 public, 1 permissioned.
    uint8 public constant VISIBILITIES = 2;
    /// @notice A manifest of this many records is 65 MiB: the most a reader is asked to fetch for one transaction.
    uint32 public constant BATCH_ITEMS_MAX = 1 << 20;
    /// @notice An accepted item's bond answers for disputes this long after its author withdrew it: staked validators
    ///         have seven days to decide one.
    uint256 public constant BOND_RELEASE_DELAY = 7 days;
    /// @notice A rotated payout address takes effect at the next multiple of this, so no payout epoch sees two.
    uint256 public constant PAYOUT_EPOCH = 1 days;

    uint64 public datanetCount;
    uint64 public contributionCount;
    uint256 public bondsLocked;
    uint256 public refundsOwed;

    mapping(uint64 id => Datanet) private _datanets;
    mapping(uint64 contribId => Item) private _items;
    mapping(uint64 firstId => Batch) private _batches;
    uint64[] private _batchFirstIds;
    /// @dev Set where an item of a batch no longer follows its batch.
    mapping(uint64 contribId => Decision) private _ownDecision;
    mapping(uint64 contribId => uint256) private _bondReleasableAt;
    mapping(uint64 id => mapping(uint32 version => VersionRoots)) private _versions;
    mapping(uint64 id => mapping(bytes32 contentHash => uint64 contribId)) public contributionOf;
    mapping(address author => uint256) public refundOf;
    mapping(address author => PayoutCheckpoint[]) private _payouts;

    modifier onlyDatanetOwner(uint64 id) {
        if (_datanets[id].status == Status.None) revert UnknownDatanet(id);
        if (_datanets[id].owner != msg.sender) revert NotOwner(id);
        _;
    }

    // --- Datanets ---

    /// @notice Creates a Datanet in status Draft, where only its owner may contribute.
    /// @param licenceId SPDX identifier in ASCII, left-aligned; longer identifiers by their SHA-256.
    /// @param policy Hash of the access policy document; zero where there is none.
    /// @param metaHash Content hash of the metadata document (name, summary, description, tags).
    function create(
        uint8 mediaType,
        uint8 visibility,
        bytes32 licenceId,
        bytes32 policy,
        uint256 bondPerItem,
        bytes32 metaHash
    ) external returns (uint64 id) {
        if (mediaType >= MEDIA_TYPES) revert BadMediaType(mediaType);
        if (visibility >= VISIBILITIES) revert BadVisibility(visibility);
        id = ++datanetCount;
        _datanets[id] = Datanet({
            owner: msg.sender,
            mediaType: mediaType,
            visibility: visibility,
            status: Status.Draft,
            version: 0,
            licenceId: licenceId,
            policy: policy,
            bondPerItem: bondPerItem,
            metaHash: metaHash
        });
        emit DatanetCreated(id, msg.sender, mediaType, licenceId, metaHash);
    }

    /// @notice Points to a new metadata document; versions are unaffected.
    function setMeta(uint64 id, bytes32 metaHash) external onlyDatanetOwner(id) {
        _datanets[id].metaHash = metaHash;
        emit DatanetMeta(id, metaHash);
    }

    /// @notice Draft → Open, Open ↔ Closed, anything but Archived → Archived; nothing else.
    function setStatus(uint64 id, Status status) external onlyDatanetOwner(id) {
        Status from = _datanets[id].status;
        bool legal = (status == Status.Open && (from == Status.Draft || from == Status.Closed))
            || (status == Status.Closed && from == Status.Open)
            || (status == Status.Archived && from != Status.Archived);
        if (!legal) revert BadTransition(from, status);
        _datanets[id].status = status;
        emit DatanetStatus(id, status);
    }

    /// @notice Publishes the next version, frozen from then on.
    function publish(uint64 id, VersionRoots calldata roots) external onlyDatanetOwner(id) returns (uint32 version) {
        Datanet storage datanet = _datanets[id];
        if (datanet.status == Status.Archived) revert NotAcceptingContributions(id, datanet.status);
        if (roots.itemsRoot == bytes32(0)) revert EmptyRoot();
        version = ++datanet.version;
        _versions[id][version] = roots;
        emit VersionPublished(
            id, version, roots.itemsRoot, roots.tokenRoot, roots.suffixRoot, roots.tokenCount, roots.croissantHash
        );
    }

    // --- Contributions ---

    /// @notice Contributes one item; `msg.value` is its bond.
    /// @param consent What its author allows, two bits a purpose.
    function submit(uint64 id, bytes32 contentHash, bytes32 simHash, uint8 consent)
        external
        payable
        returns (uint64 contribId)
    {
        uint256 bond = _acceptBond(id, 1);
        if (contentHash == bytes32(0)) revert EmptyRoot();
        uint64 earlier = contributionOf[id][contentHash];
        if (earlier != 0) revert Duplicate(earlier);
        contribId = ++contributionCount;
        contributionOf[id][contentHash] = contribId;
        _items[contribId] = Item({
            author: msg.sender,
            datanet: id,
            consent: consent,
            decision: Decision.Pending,
            score: 0,
            contentHash: contentHash,
            simHash: simHash,
            bond: bond
        });
        emit ContributionSubmitted(id, contribId, msg.sender, contentHash, simHash, consent, bond);
    }

    /// @notice Contributes `count` items whose records are the leaves under `root`; `msg.value` is `count` bonds.
    function submitBatch(uint64 id, bytes32 root, uint32 count) external payable returns (uint64 firstId) {
        if (count == 0 || count > BATCH_ITEMS_MAX) revert BadCount(count);
        if (root == bytes32(0)) revert EmptyRoot();
        uint256 bond = _acceptBond(id, count);
        uint64 earlier = contributionOf[id][root];
        if (earlier != 0) revert Duplicate(earlier);
        firstId = contributionCount + 1;
        contributionCount += count;
        contributionOf[id][root] = firstId;
        _batches[firstId] = Batch({
            author: msg.sender,
            datanet: id,
            decision: Decision.Pending,
            count: count,
            open: count,
            root: root,
            bondPerItem: bond
        });
        _batchFirstIds.push(firstId);
        emit ContributionBatch(id, firstId, msg.sender, count, root, bond * count);
    }

    /// @notice Accepts or rejects one pending contribution, of a batch or alone. A rejected one's bond is refunded,
    ///         an accepted one's stays locked.
    function decide(uint64 contribId, bool accept, bytes32 reason) external {
        Item storage item = _items[contribId];
        if (item.author != address(0)) {
            _requireOwner(item.datanet);
            if (item.decision != Decision.Pending) revert WrongDecision(contribId, item.decision);
            item.decision = accept ? Decision.Accepted : Decision.Rejected;
            if (!accept) {
                delete contributionOf[item.datanet][item.contentHash];
                _refund(item.author, item.bond);
                item.bond = 0;
            }
            emit ContributionDecided(contribId, accept, item.score, reason);
            return;
        }
        Batch storage batch = _batches[_batchFirstIdOf(contribId)];
        _requireOwner(batch.datanet);
        Decision decision = _batchItemDecision(batch, contribId);
        if (decision != Decision.Pending) revert WrongDecision(contribId, decision);
        _ownDecision[contribId] = accept ? Decision.Accepted : Decision.Rejected;
        batch.open--;
        if (!accept) _refund(batch.author, batch.bondPerItem);
        emit ContributionDecided(contribId, accept, 0, reason);
    }

    /// @notice Decides every item of a pending batch that was not decided or withdrawn alone.
    function decideBatch(uint64 firstId, bool accept, bytes32 reason) external {
        Batch storage batch = _batches[firstId];
        if (batch.author == address(0)) revert UnknownContribution(firstId);
        _requireOwner(batch.datanet);
        if (batch.decision != Decision.Pending) revert WrongDecision(firstId, batch.decision);
        batch.decision = accept ? Decision.Accepted : Decision.Rejected;
        if (!accept) {
            delete contributionOf[batch.datanet][batch.root];
            _refund(batch.author, batch.bondPerItem * batch.open);
        }
        emit ContributionBatchDecided(firstId, accept, batch.open, reason);
    }

    /// @notice Takes a contribution out of every later version. A pending one's bond is refunded at once, an accepted
    ///         one's after `BOND_RELEASE_DELAY` by `releaseBond`.
    function withdrawConsent(uint64 contribId) external {
        uint64 datanet;
        Item storage item = _items[contribId];
        if (item.author != address(0)) {
            if (item.author != msg.sender) revert NotAuthor(contribId);
            _requireWithdrawable(contribId, item.decision);
            datanet = item.datanet;
            if (item.decision == Decision.Pending) {
                _refund(item.author, item.bond);
                item.bond = 0;
            } else {
                _bondReleasableAt[contribId] = block.timestamp + BOND_RELEASE_DELAY;
            }
            item.decision = Decision.Withdrawn;
        } else {
            Batch storage batch = _batches[_batchFirstIdOf(contribId)];
            if (batch.author != msg.sender) revert NotAuthor(contribId);
            Decision decision = _batchItemDecision(batch, contribId);
            _requireWithdrawable(contribId, decision);
            datanet = batch.datanet;
            if (decision == Decision.Pending) _refund(batch.author, batch.bondPerItem);
            else _bondReleasableAt[contribId] = block.timestamp + BOND_RELEASE_DELAY;
            if (_ownDecision[contribId] == Decision.None) batch.open--;
            _ownDecision[contribId] = Decision.Withdrawn;
        }
        emit ConsentWithdrawn(contribId, _datanets[datanet].version + 1);
    }

    /// @notice Makes the bond of an accepted, then withdrawn contribution refundable once its dispute time is over.
    function releaseBond(uint64 contribId) external {
        uint256 at = _bondReleasableAt[contribId];
        if (at == 0) revert WrongDecision(contribId, decisionOf(contribId));
        if (block.timestamp < at) revert BondInDispute(contribId, at);
        delete _bondReleasableAt[contribId];
        Item storage item = _items[contribId];
        address author = item.author;
        uint256 bond = item.bond;
        if (author != address(0)) {
            item.bond = 0;
        } else {
            Batch storage batch = _batches[_batchFirstIdOf(contribId)];
            (author, bond) = (batch.author, batch.bondPerItem);
        }
        _refund(author, bond);
        emit BondReleased(contribId, author, bond);
    }

    /// @notice Sends all that is owed to the caller to `to`.
    function claimRefund(address payable to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = refundOf[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        refundOf[msg.sender] = 0;
        refundsOwed -= amount;
        emit RefundClaimed(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    /// @notice Names the address that receives the caller's income from the next payout epoch on.
    function rotatePayout(address payout) external {
        if (payout == address(0)) revert ZeroAddress();
        uint64 fromEpoch = payoutEpoch() + 1;
        PayoutCheckpoint[] storage history = _payouts[msg.sender];
        uint256 length = history.length;
        if (length > 0 && history[length - 1].fromEpoch == fromEpoch) history[length - 1].payout = payout;
        else history.push(PayoutCheckpoint({ fromEpoch: fromEpoch, payout: payout }));
        emit PayoutRotated(msg.sender, payout, fromEpoch);
    }

    // --- Views ---

    function payoutEpoch() public view returns (uint64) {
        return uint64(block.timestamp / PAYOUT_EPOCH);
    }

    /// @notice The address that receives `author`'s income in `epoch`: the author until it named another.
    function payoutAt(address author, uint64 epoch) public view returns (address) {
        PayoutCheckpoint[] storage history = _payouts[author];
        uint256 low = 0;
        uint256 high = history.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (history[middle].fromEpoch <= epoch) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? author : history[low - 1].payout;
    }

    /// @notice The address that receives a contribution's income now.
    function payoutOf(uint64 contribId) external view returns (address) {
        address author = _items[contribId].author;
        if (author == address(0)) author = _batches[_batchFirstIdOf(contribId)].author;
        return payoutAt(author, payoutEpoch());
    }

    /// @inheritdoc IDatanetPayouts
    function payoutOfAt(uint64 contribId, uint64 time) external view returns (address) {
        if (contribId == 0 || contribId > contributionCount) return address(0);
        address author = _items[contribId].author;
        if (author == address(0)) author = _batches[_batchFirstIdOf(contribId)].author;
        return payoutAt(author, uint64(time / PAYOUT_EPOCH));
    }

    function datanets(uint64 id) external view returns (Datanet memory) {
        if (_datanets[id].status == Status.None) revert UnknownDatanet(id);
        return _datanets[id];
    }

    /// @notice A contribution made alone.
    function items(uint64 contribId) external view returns (Item memory) {
        if (_items[contribId].author == address(0)) revert UnknownContribution(contribId);
        return _items[contribId];
    }

    function batches(uint64 firstId) external view returns (Batch memory) {
        if (_batches[firstId].author == address(0)) revert UnknownContribution(firstId);
        return _batches[firstId];
    }

    /// @notice First contribution id of the batch that `contribId` belongs to.
    function batchOf(uint64 contribId) external view returns (uint64 firstId) {
        return _batchFirstIdOf(contribId);
    }

    function versions(uint64 id, uint32 version) external view returns (VersionRoots memory) {
        return _versions[id][version];
    }

    /// @notice Where a contribution stands, of a batch or alone.
    function decisionOf(uint64 contribId) public view returns (Decision) {
        if (_items[contribId].author != address(0)) return _items[contribId].decision;
        return _batchItemDecision(_batches[_batchFirstIdOf(contribId)], contribId);
    }

    // --- Internals ---

    function _acceptBond(uint64 id, uint256 count) private returns (uint256 bond) {
        Datanet storage datanet = _datanets[id];
        Status status = datanet.status;
        if (status == Status.None) revert UnknownDatanet(id);
        bool open = status == Status.Open || (status == Status.Draft && msg.sender == datanet.owner);
        if (!open) revert NotAcceptingContributions(id, status);
        bond = datanet.bondPerItem;
        if (msg.value != bond * count) revert WrongBond(bond * count, msg.value);
        bondsLocked += msg.value;
    }

    function _refund(address author, uint256 amount) private {
        bondsLocked -= amount;
        refundsOwed += amount;
        refundOf[author] += amount;
    }

    function _requireOwner(uint64 id) private view {
        if (_datanets[id].owner != msg.sender) revert NotOwner(id);
    }

    function _requireWithdrawable(uint64 contribId, Decision decision) private pure {
        if (decision != Decision.Pending && decision != Decision.Accepted) revert WrongDecision(contribId, decision);
    }

    function _batchItemDecision(Batch storage batch, uint64 contribId) private view returns (Decision) {
        Decision own = _ownDecision[contribId];
        return own == Decision.None ? batch.decision : own;
    }

    /// @dev Binary search over the batches' first ids, which only grow.
    function _batchFirstIdOf(uint64 contribId) private view returns (uint64 firstId) {
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
