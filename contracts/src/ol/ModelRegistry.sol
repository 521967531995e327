// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IERC165, IERC2981 } from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BPS, Price, ROYALTY_MODEL, ROYALTY_ROWS_MAX, RoyaltyRow } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SoundVersions } from "../lib/SoundVersions.sol";
import { DatanetRef, TrainedOn } from "../lib/TrainedOn.sol";
import { RoyaltyGraph } from "../precompiles/RoyaltyGraph.sol";
import { IDatanetAccess, Purpose } from "./interfaces/IDatanetAccess.sol";
import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";
import { IIndexRegistry } from "./interfaces/IIndexRegistry.sol";
import { ILicencePolicy } from "./interfaces/ILicencePolicy.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { IRevenueSplitter } from "./interfaces/IRevenueSplitter.sol";

/// @title ModelRegistry
/// @notice Models, what they were made from, their versions and prices. Predeploy 0x4f4c…0002.
///
/// A model's parents are named once, when it is registered; the graph of its ancestors is flattened then into a royalty vector
/// of which only the hash is kept. Later edges cannot change it: a parent is older than its child. Who is entitled to a
/// model's revenue changes at the next multiple of a day, so that no settlement in progress sees two.
contract ModelRegistry is IModelRegistry, IERC2981 {
    using Checkpoints for Checkpoints.Trace160;

    struct Model {
        address owner;
        uint8 kind;
        bool deprecated;
        bool frozen;
        uint32 versions;
        /// @dev Bit c: proof class c is offered.
        uint8 verifyClasses;
        /// @dev What the ancestors are owed of every revenue.
        uint16 ancestorsBps;
        /// @dev The parent named first; zero where there is none.
        uint64 base;
        bytes32 royaltyHash;
        bytes32 licenceId;
        /// @dev The Datanets that it was trained on, with their weights; zero of none.
        bytes32 trainedOnHash;
    }

    struct Version {
        bytes32 weightsManifest;
        bytes32 configHash;
        bytes32 trainingRoot;
        bytes32 indexSetHash;
    }

    /// @dev `indexIds`: the suffix indexes that spans are looked up in, at most 8, strictly ascending.
    struct VersionInput {
        bytes32 weightsManifest;
        bytes32 configHash;
        bytes32 trainingRoot;
        bytes32[] indexIds;
    }

    struct ModelParams {
        uint8 kind;
        uint8 verifyClasses;
        bytes32 licenceId;
        VersionInput version;
    }

    /// @notice How a model came from its parent.
    enum Relation { FineTune, Merge, Quantise, Distil, Adapter }

    /// @dev A version in the words of ERC-7992. No circuit proves it, so the keys of one are zero.
    struct ModelCommitment {
        bytes32 modelHash;
        bytes32 circuitHash;
        bytes32 vkHash;
        bytes32 proofSystemId;
    }

    /// @dev `policy` 0: a share of every descendant's revenue; 1: of what its child receives.
    struct ParentRef {
        uint64 id;
        Relation relation;
        uint16 bps;
        uint8 policy;
    }

    event ModelRegistered(
        uint64 indexed id,
        address indexed owner,
        uint8 kind,
        uint8 verifyClasses,
        bytes32 licenceId,
        bytes32 royaltyHash
    );
    event ModelVersion(
        uint64 indexed id,
        uint32 indexed version,
        bytes32 weightsManifest,
        bytes32 configHash,
        bytes32 trainingRoot,
        bytes32 indexSetHash
    );
    /// @dev What indexSetHash opens to; not there where the version has no index.
    event ModelIndexes(uint64 indexed id, uint32 indexed version, bytes32[] indexIds);
    event ModelTrainedOn(uint64 indexed id, uint64 indexed datanet, uint32 version, uint16 weightBps);
    event ModelParent(uint64 indexed id, uint64 indexed parent, Relation relation, uint16 bps, uint8 policy);
    /// @dev `vector` is the rows of the royalty vector, 23 bytes each.
    event RoyaltySnapshot(uint64 indexed id, bytes vector);
    event PriceSet(
        uint64 indexed id, uint32 indexed version, uint8 indexed class, uint32 priceVersion, Price price
    );
    event EvaluationCommitted(uint64 indexed id, bytes32 indexed suiteHash);
    event EvaluationRecorded(
        uint64 indexed id, uint32 indexed version, bytes32 suiteHash, bytes32 resultRoot, bytes32 attestationUid
    );
    event ModelTransferred(uint64 indexed id, address indexed from, address indexed to, uint64 entitledFrom);
    event ModelDeprecated(uint64 indexed id);
    event ModelFrozen(uint64 indexed id, bytes32 disputeId);
    event ModelUnfrozen(uint64 indexed id, bytes32 disputeId);

    error UnknownModel(uint64 id);
    error UnknownVersion(uint64 id, uint32 version);
    error NotModelOwner(uint64 id);
    error NotTimelock(address caller);
    error NotLive(uint64 id);
    error EmptyManifest();
    error IndexNotLive(bytes32 indexId);
    error BadClasses(uint8 verifyClasses);
    error ClassNotOffered(uint64 id, uint8 class);
    error DuplicateParent(uint64 parent);
    error UnknownDatanet(uint64 id);
    error AlreadyCommitted(uint64 id, bytes32 suiteHash);
    /// @notice What an evaluation asks is committed in an earlier block than its result.
    error NotCommitted(uint64 id, bytes32 suiteHash);
    error AlreadyRecorded(uint64 id, uint32 version, bytes32 suiteHash);
    error TooManyPayees(uint256 payees);
    error BadPriceExpiry(uint64 validUntil, uint256 latest);
    error ZeroAddress();

    /// @notice A price lasts no longer, so that a new split of fees reaches every model by then.
    uint64 public constant PRICE_LIFE_MAX = 30 days;
    /// @notice Who is entitled changes at a multiple of so many seconds.
    uint256 public constant PAYOUT_EPOCH = 1 days;
    /// @notice Proof classes 0 to 5.
    uint8 public constant CLASSES_MASK = 0x3f;
    /// @notice A model names so many Datanets at most.
    uint256 public constant DATANETS_MAX = TrainedOn.DATANETS_MAX;

    address private constant GRAPH = 0x4f4C000000000000000000000000000000000011;

    uint64 public modelCount;
    /// @notice Times that models named a Datanet as what they were trained on.
    mapping(uint64 datanet => uint32) public modelsOn;
    mapping(uint64 id => Model) private _models;
    /// @dev Who is entitled, by the time from which.
    mapping(uint64 id => Checkpoints.Trace160) private _payees;
    mapping(bytes32 modelVersion => Version) private _versions;
    mapping(bytes32 modelVersion => mapping(uint8 class => Price[])) private _prices;
    mapping(uint64 id => mapping(bytes32 suiteHash => uint64 time)) private _suites;
    mapping(bytes32 modelVersion => mapping(bytes32 suiteHash => bool)) private _evaluated;

    modifier onlyModelOwner(uint64 id) {
        if (_models[id].owner == address(0)) revert UnknownModel(id);
        if (_models[id].owner != msg.sender) revert NotModelOwner(id);
        _;
    }

    modifier onlyTimelock() {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        _;
    }

    /// @notice Registers a model with its first version; ids count from 1. `datanets`: at most 8, strictly ascending, each with a
    ///         weight; by them class U of its versions without indexes is shared.
    function register(ModelParams calldata params, ParentRef[] calldata parents, DatanetRef[] calldata datanets)
        external
        returns (uint64 id)
    {
        uint8 classes = params.verifyClasses;
        if (classes == 0 || classes & ~CLASSES_MASK != 0) revert BadClasses(classes);
        id = ++modelCount;
        Model storage model = _models[id];
        (model.owner, model.kind, model.verifyClasses) = (msg.sender, params.kind, classes);
        model.licenceId = params.licenceId;
        if (parents.length > 0) model.base = parents[0].id;
        _drawParents(id, parents);
        (RoyaltyRow[] memory rows, uint16 own) = _flatten(id);
        (model.royaltyHash, model.ancestorsBps) = (MoneyHashes.royaltyHash(rows), uint16(BPS) - own);
        _payees[id].push(0, uint160(msg.sender));
        emit ModelRegistered(id, msg.sender, params.kind, classes, params.licenceId, model.royaltyHash);
        emit RoyaltySnapshot(id, _pack(rows));
        _publish(id, params.version);
        _trainedOn(id, datanets);
        _license(id, params.licenceId, parents, datanets);
        _licenseIndexes(id, params.version.indexIds);
    }

    /// @notice Publishes the model's next version. The licences of the Datanets whose indexes it names bind the model as those
    ///         that it was trained on.
    function publish(uint64 id, VersionInput calldata version)
        external
        onlyModelOwner(id)
        returns (uint32 published)
    {
        _requireLive(id);
        published = _publish(id, version);
        _licenseIndexes(id, version.indexIds);
    }

    /// @notice Sets the next price of a version in a proof class, in force at once until `validUntil`. Prices before it stay
    ///         valid for as long as they promised. What was made from non-commercial work has none but zero.
    function setPrice(uint64 id, uint32 version, uint8 class, uint128 rin, uint128 rout, uint64 validUntil)
        external
        onlyModelOwner(id)
        returns (uint32 priceVersion)
    {
        _requireLive(id);
        _requireVersion(id, version);
        if (class > 7 || _models[id].verifyClasses >> class & 1 == 0) revert ClassNotOffered(id, class);
        if (rin | rout != 0) ILicencePolicy(Predeploys.LICENCE_POLICY).requireModelPriceable(id);
        uint256 latest = block.timestamp + PRICE_LIFE_MAX;
        if (validUntil <= block.timestamp || validUntil > latest) revert BadPriceExpiry(validUntil, latest);
        uint32 shares = IRevenueSplitter(Predeploys.REVENUE_SPLITTER).currentShares();
        Price memory price = Price(rin, rout, validUntil, shares, uint64(block.timestamp));
        Price[] storage prices = _prices[_key(id, version)][class];
        prices.push(price);
        priceVersion = uint32(prices.length);
        emit PriceSet(id, version, class, priceVersion, price);
    }

    /// @notice Commits to what an evaluation will ask, before anybody has seen its result.
    function commitEval(uint64 id, bytes32 suiteHash) external onlyModelOwner(id) {
        if (_suites[id][suiteHash] != 0) revert AlreadyCommitted(id, suiteHash);
        _suites[id][suiteHash] = uint64(block.timestamp);
        emit EvaluationCommitted(id, suiteHash);
    }

    /// @notice Records the one result of a version under a suite that was committed before.
    function recordEval(uint64 id, uint32 version, bytes32 suiteHash, bytes32 resultRoot, bytes32 attestationUid)
        external
        onlyModelOwner(id)
    {
        _requireVersion(id, version);
        uint64 committed = _suites[id][suiteHash];
        if (committed == 0 || committed == block.timestamp) revert NotCommitted(id, suiteHash);
        bytes32 key = _key(id, version);
        if (_evaluated[key][suiteHash]) revert AlreadyRecorded(id, version, suiteHash);
        _evaluated[key][suiteHash] = true;
        emit EvaluationRecorded(id, version, suiteHash, resultRoot, attestationUid);
    }

    /// @notice Gives the model away: the right to change it at once, its revenue from the next multiple of a day on.
    function transfer(uint64 id, address to) external onlyModelOwner(id) {
        if (to == address(0)) revert ZeroAddress();
        uint64 from = uint64((block.timestamp / PAYOUT_EPOCH + 1) * PAYOUT_EPOCH);
        _models[id].owner = to;
        _payees[id].push(from, uint160(to));
        emit ModelTransferred(id, msg.sender, to, from);
    }

    /// @notice No new versions or prices from now on; prices promised stay valid.
    function deprecate(uint64 id) external onlyModelOwner(id) {
        _models[id].deprecated = true;
        emit ModelDeprecated(id);
    }

    /// @notice Stops new versions, prices and requests on chain while a dispute is open. Prices promised stay valid: whoever
    ///         signed a voucher under one is served, and whoever serves is paid.
    function freeze(uint64 id, bytes32 disputeId) external onlyTimelock {
        _setFrozen(id, true);
        emit ModelFrozen(id, disputeId);
    }

    function unfreeze(uint64 id, bytes32 disputeId) external onlyTimelock {
        _setFrozen(id, false);
        emit ModelUnfrozen(id, disputeId);
    }

    // --- Views ---

    function models(uint64 id) external view returns (Model memory) {
        if (_models[id].owner == address(0)) revert UnknownModel(id);
        return _models[id];
    }

    function versionOf(uint64 id, uint32 version) external view returns (Version memory) {
        return _versions[_key(id, version)];
    }

    /// @inheritdoc IModelRegistry
    function priceOf(bytes32 modelVersion, uint8 class, uint32 priceVersion)
        external
        view
        returns (Price memory price)
    {
        Price[] storage prices = _prices[modelVersion][class];
        if (priceVersion > 0 && priceVersion <= prices.length) price = prices[priceVersion - 1];
    }

    /// @notice How many prices a version has had in a class.
    function priceCount(uint64 id, uint32 version, uint8 class) external view returns (uint256) {
        return _prices[_key(id, version)][class].length;
    }

    /// @notice Zero where there is no such version.
    function royaltyHashOf(bytes32 modelVersion) external view returns (bytes32) {
        if (_versions[modelVersion].weightsManifest == bytes32(0)) return bytes32(0);
        return _models[uint64(uint256(modelVersion) >> 32)].royaltyHash;
    }

    function indexSetHashOf(bytes32 modelVersion) external view returns (bytes32) {
        return _versions[modelVersion].indexSetHash;
    }

    /// @inheritdoc IModelRegistry
    function trainedOnHashOf(bytes32 modelVersion) external view returns (bytes32) {
        return _models[uint64(uint256(modelVersion) >> 32)].trainedOnHash;
    }

    /// @inheritdoc IModelRegistry
    function modelRootOf(bytes32 modelVersion) external view returns (bytes32) {
        return _versions[modelVersion].weightsManifest;
    }

    /// @inheritdoc IModelRegistry
    function isFrozen(bytes32 modelVersion) external view returns (bool) {
        return _models[uint64(uint256(modelVersion) >> 32)].frozen;
    }

    /// @inheritdoc IModelRegistry
    function payeeAt(uint64 modelId, uint64 time) external view returns (address) {
        return address(_payees[modelId].upperLookup(time));
    }

    /// @notice A version's commitment, as ERC-7992 words it; zeros where there is no such version.
    function getModel(bytes32 modelVersion) external view returns (ModelCommitment memory commitment) {
        Version storage version = _versions[modelVersion];
        (commitment.modelHash, commitment.circuitHash) = (version.weightsManifest, version.configHash);
    }

    /// @notice EIP-2981: what the ancestors are owed of a model's sale. The standard knows one receiver, so it is whoever is
    ///         entitled to the revenue of the parent named first; all rows are in RoyaltySnapshot.
    function royaltyInfo(uint256 tokenId, uint256 salePrice) external view returns (address receiver, uint256 amount) {
        if (tokenId > modelCount) return (address(0), 0);
        Model storage model = _models[uint64(tokenId)];
        receiver = address(_payees[model.base].upperLookup(uint96(block.timestamp)));
        amount = Math.mulDiv(salePrice, model.ancestorsBps, BPS);
    }

    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC2981).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    // --- Internals ---

    function _drawParents(uint64 id, ParentRef[] calldata parents) private {
        for (uint256 i = 0; i < parents.length; i++) {
            ParentRef calldata parent = parents[i];
            if (parent.id >= id || _models[parent.id].owner == address(0)) revert UnknownModel(parent.id);
            for (uint256 j = 0; j < i; j++) {
                if (parents[j].id == parent.id) revert DuplicateParent(parent.id);
            }
            RoyaltyGraph(GRAPH).setEdge(id, parent.id, parent.bps, parent.policy);
            emit ModelParent(id, parent.id, parent.relation, parent.bps, parent.policy);
        }
    }

    function _publish(uint64 id, VersionInput calldata input) private returns (uint32 version) {
        if (input.weightsManifest == bytes32(0)) revert EmptyManifest();
        version = ++_models[id].versions;
        bytes32 indexSetHash = MoneyHashes.indexSetHash(input.indexIds);
        for (uint256 i = 0; i < input.indexIds.length; i++) {
            bytes32 index = input.indexIds[i];
            if (!IIndexRegistry(Predeploys.INDEX_REGISTRY).isLive(index)) revert IndexNotLive(index);
            (uint64 datanet, uint32 indexed_) = IIndexRegistry(Predeploys.INDEX_REGISTRY).versionOf(index);
            SoundVersions.requireSound(datanet, indexed_);
        }
        _versions[_key(id, version)] =
            Version(input.weightsManifest, input.configHash, input.trainingRoot, indexSetHash);
        emit ModelVersion(id, version, input.weightsManifest, input.configHash, input.trainingRoot, indexSetHash);
        if (input.indexIds.length > 0) emit ModelIndexes(id, version, input.indexIds);
    }

    function _trainedOn(uint64 id, DatanetRef[] calldata datanets) private {
        _models[id].trainedOnHash = TrainedOn.hashOf(datanets);
        uint64 known = IDatanetPayouts(Predeploys.DATANET_REGISTRY).datanetCount();
        for (uint256 i = 0; i < datanets.length; i++) {
            if (datanets[i].id > known) revert UnknownDatanet(datanets[i].id);
            IDatanetAccess(Predeploys.DATANET_ACCESS).requireAllowed(
                datanets[i].id, datanets[i].version, msg.sender, Purpose.Train
            );
            SoundVersions.requireSound(datanets[i].id, datanets[i].version);
            modelsOn[datanets[i].id]++;
            emit ModelTrainedOn(id, datanets[i].id, datanets[i].version, datanets[i].weightBps);
        }
    }

    /// @dev Reverts where the licence clashes with those of what the model was made from.
    function _license(uint64 id, bytes32 licenceId, ParentRef[] calldata parents, DatanetRef[] calldata datanets)
        private
    {
        uint64[] memory from = new uint64[](parents.length);
        uint64[] memory data = new uint64[](datanets.length);
        for (uint256 i = 0; i < from.length; i++) from[i] = parents[i].id;
        for (uint256 i = 0; i < data.length; i++) data[i] = datanets[i].id;
        ILicencePolicy(Predeploys.LICENCE_POLICY).licenseModel(id, licenceId, from, data);
    }

    /// @dev Reverts where the licence clashes with those of the Datanets whose indexes a version names.
    function _licenseIndexes(uint64 id, bytes32[] calldata indexIds) private {
        if (indexIds.length == 0) return;
        uint64[] memory data = new uint64[](indexIds.length);
        for (uint256 i = 0; i < data.length; i++) {
            (data[i],) = IIndexRegistry(Predeploys.INDEX_REGISTRY).versionOf(indexIds[i]);
        }
        ILicencePolicy(Predeploys.LICENCE_POLICY).licenseVersion(id, _models[id].base != 0, data);
    }

    /// @dev Rows ascending by id: the ancestors, then the model itself with what they leave it.
    function _flatten(uint64 id) private view returns (RoyaltyRow[] memory rows, uint16 own) {
        (uint64[] memory ids, uint16[] memory bps) = RoyaltyGraph(GRAPH).flatten(id, type(uint256).max);
        uint256 count = ids.length;
        own = uint16(BPS);
        for (uint256 i = 0; i < count; i++) own -= bps[i];
        uint256 payees = own > 0 ? count + 1 : count;
        if (payees > ROYALTY_ROWS_MAX) revert TooManyPayees(payees);
        rows = new RoyaltyRow[](payees);
        for (uint256 i = 0; i < count; i++) {
            rows[i] = RoyaltyRow(ROYALTY_MODEL, address(uint160(ids[count - 1 - i])), bps[count - 1 - i]);
        }
        if (own > 0) rows[count] = RoyaltyRow(ROYALTY_MODEL, address(uint160(id)), own);
    }

    function _pack(RoyaltyRow[] memory rows) private pure returns (bytes memory packed) {
        for (uint256 i = 0; i < rows.length; i++) {
            packed = abi.encodePacked(packed, rows[i].kind, rows[i].id, rows[i].bps);
        }
    }

    function _setFrozen(uint64 id, bool frozen) private {
        if (_models[id].owner == address(0)) revert UnknownModel(id);
        _models[id].frozen = frozen;
    }

    function _requireVersion(uint64 id, uint32 version) private view {
        if (version == 0 || version > _models[id].versions) revert UnknownVersion(id, version);
    }

    function _requireLive(uint64 id) private view {
        if (_models[id].deprecated || _models[id].frozen) revert NotLive(id);
    }

    function _key(uint64 id, uint32 version) private pure returns (bytes32) {
        return bytes32(uint256(id) << 32 | version);
    }
}
