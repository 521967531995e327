// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { BPS, Price, ROYALTY_MODEL, ROYALTY_ROWS_MAX, RoyaltyRow } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { RoyaltyGraph } from "../precompiles/RoyaltyGraph.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { IRevenueSplitter } from "./interfaces/IRevenueSplitter.sol";

/// @title ModelRegistry
/// @notice Models, what they were made from, their versions and prices. Predeploy 0x4f4c…0002.
///
/// A model's parents are named once, when it is registered; the graph of its ancestors is flattened then into a royalty vector
/// of which only the hash is kept. Later edges cannot change it: a parent is older than its child. Who is entitled to a
/// model's revenue changes at the next multiple of a day, so that no settlement in progress sees two.
contract ModelRegistry is IModelRegistry {
    using Checkpoints for Checkpoints.Trace160;

    struct Model {
        address owner;
        uint8 kind;
        bool deprecated;
        bool frozen;
        uint32 versions;
        bytes32 royaltyHash;
        bytes32 licenceId;
    }

    struct VersionInput {
        bytes32 weightsManifest;
        bytes32 configHash;
        bytes32 trainingRoot;
        bytes32 indexSetHash;
    }

    /// @dev `policy` 0: a share of every descendant's revenue; 1: of what its child receives.
    struct ParentRef {
        uint64 id;
        uint16 bps;
        uint8 policy;
    }

    struct DatanetRef {
        uint64 id;
        uint32 version;
        uint16 weightBps;
    }

    event ModelRegistered(
        uint64 indexed id, address indexed owner, uint8 kind, bytes32 licenceId, bytes32 royaltyHash
    );
    event ModelVersion(
        uint64 indexed id,
        uint32 indexed version,
        bytes32 weightsManifest,
        bytes32 configHash,
        bytes32 trainingRoot,
        bytes32 indexSetHash
    );
    event ModelTrainedOn(uint64 indexed id, uint64 indexed datanet, uint32 version, uint16 weightBps);
    event ModelParent(uint64 indexed id, uint64 indexed parent, uint16 bps, uint8 policy);
    event RoyaltySnapshot(uint64 indexed id, RoyaltyRow[] rows);
    event PriceSet(
        uint64 indexed id, uint32 indexed version, uint8 indexed class, uint32 priceVersion, Price price
    );
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
    error TooManyPayees(uint256 payees);
    error TooManyDatanets(uint256 datanets);
    error BadWeights(uint256 bps);
    error BadPriceExpiry(uint64 validUntil, uint256 latest);
    error ZeroAddress();

    /// @notice A price lasts no longer, so that a new split of fees reaches every model by then.
    uint64 public constant PRICE_LIFE_MAX = 30 days;
    /// @notice Who is entitled changes at a multiple of so many seconds.
    uint256 public constant PAYOUT_EPOCH = 1 days;
    /// @notice A version pins so many indexes at most.
    uint256 public constant DATANETS_MAX = 8;

    address private constant GRAPH = 0x4f4C000000000000000000000000000000000011;

    uint64 public modelCount;
    mapping(uint64 id => Model) private _models;
    /// @dev Who is entitled, by the time from which.
    mapping(uint64 id => Checkpoints.Trace160) private _payees;
    mapping(bytes32 modelVersion => VersionInput) private _versions;
    mapping(bytes32 modelVersion => mapping(uint8 class => Price[])) private _prices;

    modifier onlyModelOwner(uint64 id) {
        if (_models[id].owner == address(0)) revert UnknownModel(id);
        if (_models[id].owner != msg.sender) revert NotModelOwner(id);
        _;
    }

    modifier onlyTimelock() {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        _;
    }

    /// @notice Registers a model with its first version; ids count from 1.
    function register(
        uint8 kind,
        bytes32 licenceId,
        VersionInput calldata version,
        ParentRef[] calldata parents,
        DatanetRef[] calldata datanets
    ) external returns (uint64 id) {
        id = ++modelCount;
        for (uint256 i = 0; i < parents.length; i++) {
            if (_models[parents[i].id].owner == address(0)) revert UnknownModel(parents[i].id);
            RoyaltyGraph(GRAPH).setEdge(id, parents[i].id, parents[i].bps, parents[i].policy);
            emit ModelParent(id, parents[i].id, parents[i].bps, parents[i].policy);
        }
        RoyaltyRow[] memory rows = _flatten(id);
        bytes32 royaltyHash = MoneyHashes.royaltyHash(rows);
        Model storage model = _models[id];
        (model.owner, model.kind, model.licenceId, model.royaltyHash) = (msg.sender, kind, licenceId, royaltyHash);
        _payees[id].push(0, uint160(msg.sender));
        emit ModelRegistered(id, msg.sender, kind, licenceId, royaltyHash);
        emit RoyaltySnapshot(id, rows);
        _publish(id, version);
        _trainedOn(id, datanets);
    }

    /// @notice Publishes the model's next version.
    function publish(uint64 id, VersionInput calldata version) external onlyModelOwner(id) returns (uint32) {
        _requireLive(id);
        return _publish(id, version);
    }

    /// @notice Sets the next price of a version in a proof class, in force at once until `validUntil`. Prices before it stay
    ///         valid for as long as they promised.
    function setPrice(uint64 id, uint32 version, uint8 class, uint128 rin, uint128 rout, uint64 validUntil)
        external
        onlyModelOwner(id)
        returns (uint32 priceVersion)
    {
        _requireLive(id);
        if (version == 0 || version > _models[id].versions) revert UnknownVersion(id, version);
        uint256 latest = block.timestamp + PRICE_LIFE_MAX;
        if (validUntil <= block.timestamp || validUntil > latest) revert BadPriceExpiry(validUntil, latest);
        uint32 shares = IRevenueSplitter(Predeploys.REVENUE_SPLITTER).currentShares();
        Price memory price = Price(rin, rout, validUntil, shares, uint64(block.timestamp));
        Price[] storage prices = _prices[_key(id, version)][class];
        prices.push(price);
        priceVersion = uint32(prices.length);
        emit PriceSet(id, version, class, priceVersion, price);
    }

    function recordEval(uint64 id, uint32 version, bytes32 suiteHash, bytes32 resultRoot, bytes32 attestationUid)
        external
        onlyModelOwner(id)
    {
        if (version == 0 || version > _models[id].versions) revert UnknownVersion(id, version);
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

    /// @notice Stops new versions and prices while a dispute is open.
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

    function versionOf(uint64 id, uint32 version) external view returns (VersionInput memory) {
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
    function payeeAt(uint64 modelId, uint64 time) external view returns (address) {
        return address(_payees[modelId].upperLookup(time));
    }

    // --- Internals ---

    function _publish(uint64 id, VersionInput calldata input) private returns (uint32 version) {
        if (input.weightsManifest == bytes32(0)) revert EmptyManifest();
        version = ++_models[id].versions;
        _versions[_key(id, version)] = input;
        emit ModelVersion(
            id, version, input.weightsManifest, input.configHash, input.trainingRoot, input.indexSetHash
        );
    }

    function _trainedOn(uint64 id, DatanetRef[] calldata datanets) private {
        if (datanets.length > DATANETS_MAX) revert TooManyDatanets(datanets.length);
        uint256 sum;
        for (uint256 i = 0; i < datanets.length; i++) {
            sum += datanets[i].weightBps;
            emit ModelTrainedOn(id, datanets[i].id, datanets[i].version, datanets[i].weightBps);
        }
        if (sum > BPS) revert BadWeights(sum);
    }

    /// @dev Rows ascending by id: the ancestors, then the model itself with what they leave it.
    function _flatten(uint64 id) private view returns (RoyaltyRow[] memory rows) {
        (uint64[] memory ids, uint16[] memory bps) = RoyaltyGraph(GRAPH).flatten(id, type(uint256).max);
        uint256 count = ids.length;
        uint256 own = BPS;
        for (uint256 i = 0; i < count; i++) own -= bps[i];
        uint256 payees = own > 0 ? count + 1 : count;
        if (payees > ROYALTY_ROWS_MAX) revert TooManyPayees(payees);
        rows = new RoyaltyRow[](payees);
        for (uint256 i = 0; i < count; i++) {
            rows[i] = RoyaltyRow(ROYALTY_MODEL, address(uint160(ids[count - 1 - i])), bps[count - 1 - i]);
        }
        if (own > 0) rows[count] = RoyaltyRow(ROYALTY_MODEL, address(uint160(id)), uint16(own));
    }

    function _setFrozen(uint64 id, bool frozen) private {
        if (_models[id].owner == address(0)) revert UnknownModel(id);
        _models[id].frozen = frozen;
    }

    function _requireLive(uint64 id) private view {
        if (_models[id].deprecated || _models[id].frozen) revert NotLive(id);
    }

    function _key(uint64 id, uint32 version) private pure returns (bytes32) {
        return bytes32(uint256(id) << 32 | version);
    }
}
