// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SoundVersions } from "../lib/SoundVersions.sol";
import { EvidenceRewards } from "./EvidenceRewards.sol";
import { IDatanetAccess, Purpose } from "./interfaces/IDatanetAccess.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISketchRegistry, SketchTable } from "./interfaces/ISketchRegistry.sol";
import { OpenBurner } from "./OpenBurner.sol";
import { NearItem, TableJudge, TableLeaf, TableSource } from "./TableJudge.sol";

/// @title SketchRegistry
/// @notice Tables of influences that a training committed to, by model version and adapter, each with a bond. Predeploy 0x4f4c…0043.
///
/// Who is entitled to the model's revenue registers one, once. It is in force from the next multiple of a day, when every worker can
/// have it, until the multiple of a day behind its retirement. Whoever shows that its form is wrong gets half of its bond, the other
/// half is burned, and it is in force no more from the next multiple of a day on; what was committed before stays judged by it.
/// docs/GRADIENTS.md §9.
contract SketchRegistry is ISketchRegistry, Initializable, EvidenceRewards, TableJudge {
    struct Registered {
        SketchTable table;
        address owner;
        uint64 from;
        /// @dev Zero while it is neither retired nor false.
        uint64 until;
        uint128 bond;
        bool isFalse;
        /// @dev Datanet versions whose texts its rows are of.
        TableSource[] sources;
    }

    event SketchesRegistered(
        bytes32 indexed modelVersion,
        bytes32 indexed adapterRoot,
        address indexed owner,
        bytes32 root,
        uint32 size,
        uint16 rows,
        uint64 from
    );
    /// @dev Versions of Datanets that the table's texts are of.
    event SketchSources(bytes32 indexed modelVersion, bytes32 indexed adapterRoot, TableSource[] sources);
    event SketchesRetired(bytes32 indexed modelVersion, bytes32 indexed adapterRoot, uint64 until);
    event SketchBondReturned(bytes32 indexed modelVersion, bytes32 indexed adapterRoot, address to, uint256 amount);
    /// @param reason selector of the challenge
    event SketchesProvenFalse(
        bytes32 indexed modelVersion,
        bytes32 indexed adapterRoot,
        bytes4 reason,
        uint64 until,
        bytes32 subject,
        uint256 reward
    );

    error WrongBond(uint256 expected, uint256 actual);
    error NotModelOwner(uint64 modelId);
    error BadTable(bytes32 root, uint32 size, uint16 rows);
    error AlreadyRegistered(bytes32 modelVersion, bytes32 adapterRoot);
    error UnknownTable(bytes32 modelVersion, bytes32 adapterRoot);
    error AlreadyFalse(bytes32 modelVersion, bytes32 adapterRoot);
    error TooManySources(uint256 sources);
    error UnknownSource(uint64 datanet, uint32 version);
    error NotOwner(bytes32 modelVersion, bytes32 adapterRoot);
    error AlreadyRetired(bytes32 modelVersion, bytes32 adapterRoot);
    error BondLocked(uint256 until);
    error NoBond(bytes32 modelVersion, bytes32 adapterRoot);

    /// @notice What answers for a table being there, in wei.
    uint256 public constant BOND = 100 ether;
    uint64 public constant DAY = 1 days;
    /// @notice Numbers of a sketch: a row and a query fit a transaction.
    uint32 public constant SIZE_MAX = 16_384;
    uint16 public constant ROWS_MAX = 4_096;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    mapping(bytes32 key => Registered) private _tables;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    /// @notice Registers the table of a model version, or of an adapter on it; the value is its bond.
    /// @param sources versions of Datanets that its texts are of, which the caller may train on; a row of none of them is false
    function register(
        bytes32 modelVersion,
        bytes32 adapterRoot,
        SketchTable calldata table,
        TableSource[] calldata sources
    ) external payable {
        if (msg.value != BOND) revert WrongBond(BOND, msg.value);
        uint64 modelId = uint64(uint256(modelVersion) >> 32);
        address payee = IModelRegistry(Predeploys.MODEL_REGISTRY).payeeAt(modelId, uint64(block.timestamp));
        if (payee != msg.sender) revert NotModelOwner(modelId);
        bool right = table.root != bytes32(0) && table.size > 0 && table.size <= SIZE_MAX && table.rows > 0
            && table.rows <= ROWS_MAX;
        if (!right) revert BadTable(table.root, table.size, table.rows);
        Registered storage known = _tables[_key(modelVersion, adapterRoot)];
        if (known.owner != address(0)) revert AlreadyRegistered(modelVersion, adapterRoot);
        uint64 from = _nextDay();
        (known.table, known.owner, known.from, known.bond) = (table, msg.sender, from, uint128(msg.value));
        emit SketchesRegistered(modelVersion, adapterRoot, msg.sender, table.root, table.size, table.rows, from);
        _nameSources(known, sources);
        emit SketchSources(modelVersion, adapterRoot, sources);
    }

    /// @notice Ends a table at the next multiple of a day: answers after it have no class G.
    function retire(bytes32 modelVersion, bytes32 adapterRoot) external {
        Registered storage known = _owned(modelVersion, adapterRoot);
        if (known.until != 0) revert AlreadyRetired(modelVersion, adapterRoot);
        known.until = _nextDay();
        emit SketchesRetired(modelVersion, adapterRoot, known.until);
    }

    /// @notice Sends the bond of a retired table: two windows after it last counted, when every receipt by it is final.
    function returnBond(bytes32 modelVersion, bytes32 adapterRoot, address payable to) external {
        Registered storage known = _owned(modelVersion, adapterRoot);
        uint256 until = known.until == 0 ? type(uint256).max : uint256(known.until) + 2 * window;
        if (block.timestamp < until) revert BondLocked(until);
        uint128 bond = known.bond;
        if (bond == 0) revert NoBond(modelVersion, adapterRoot);
        known.bond = 0;
        emit SketchBondReturned(modelVersion, adapterRoot, to, bond);
        Address.sendValue(to, bond);
    }

    // --- Challenges; see TableJudge ---

    /// @notice A leaf that is no head or row of this table: of another length, model, adapter or count, with a number, shift or scale that
    ///         none has, or of no contribution; or that stands where the table has no leaf.
    function badTableLeaf(bytes32 modelVersion, bytes32 adapterRoot, TableLeaf calldata shown) external {
        bytes32 model = IModelRegistry(Predeploys.MODEL_REGISTRY).modelRootOf(modelVersion);
        _requireBadLeaf(_known(modelVersion, adapterRoot).table, model, adapterRoot, shown);
        _proveFalse(modelVersion, adapterRoot);
    }

    /// @notice The table has fewer rows than it was registered with, or no head.
    function absentTableLeaf(bytes32 modelVersion, bytes32 adapterRoot, uint32 place, bytes32[] calldata siblings)
        external
    {
        _requireAbsentLeaf(_known(modelVersion, adapterRoot).table, place, siblings);
        _proveFalse(modelVersion, adapterRoot);
    }

    /// @notice Contributions of two neighbouring rows do not ascend: one is out of order, or has two rows.
    function badTableOrder(
        bytes32 modelVersion,
        bytes32 adapterRoot,
        TableLeaf calldata row,
        TableLeaf calldata next
    ) external {
        _requireBadOrder(_known(modelVersion, adapterRoot).table, row, next);
        _proveFalse(modelVersion, adapterRoot);
    }

    /// @notice A row's contribution is in none of the table's sources: `near` shows that of each, in their order.
    function foreignTableRow(
        bytes32 modelVersion,
        bytes32 adapterRoot,
        TableLeaf calldata row,
        NearItem[][] calldata near
    ) external {
        Registered storage known = _known(modelVersion, adapterRoot);
        _requireForeignRow(known.table, known.sources, row, near);
        _proveFalse(modelVersion, adapterRoot);
    }

    // --- Views ---

    function registered(bytes32 modelVersion, bytes32 adapterRoot) external view returns (Registered memory) {
        return _tables[_key(modelVersion, adapterRoot)];
    }

    /// @inheritdoc ISketchRegistry
    function tableAt(bytes32 modelVersion, bytes32 adapterRoot, uint64 time) external view returns (SketchTable memory table) {
        Registered storage known = _tables[_key(modelVersion, adapterRoot)];
        bool inForce = known.from != 0 && known.from <= time && (known.until == 0 || time < known.until);
        if (inForce) table = known.table;
    }

    function _nameSources(Registered storage known, TableSource[] calldata sources) private {
        if (sources.length > SOURCES_MAX) revert TooManySources(sources.length);
        for (uint256 i = 0; i < sources.length; i++) {
            (uint64 datanet, uint32 version) = (sources[i].datanet, sources[i].version);
            if (!_isVersion(datanet, version)) revert UnknownSource(datanet, version);
            IDatanetAccess(Predeploys.DATANET_ACCESS).requireAllowed(datanet, version, msg.sender, Purpose.Train);
            SoundVersions.requireSound(datanet, version);
            known.sources.push(sources[i]);
        }
    }

    /// @dev A bond that was returned rewards nobody; the table is false all the same.
    function _proveFalse(bytes32 modelVersion, bytes32 adapterRoot) private {
        Registered storage known = _known(modelVersion, adapterRoot);
        if (known.isFalse) revert AlreadyFalse(modelVersion, adapterRoot);
        uint64 from = _nextDay();
        if (known.until == 0 || from < known.until) known.until = from;
        uint256 bond = known.bond;
        uint256 reward = bond / 2;
        (known.isFalse, known.bond) = (true, 0);
        bytes32 subject = subjectOf(Scope.Table, _key(modelVersion, adapterRoot), 0);
        _award(subject, reward);
        emit SketchesProvenFalse(modelVersion, adapterRoot, msg.sig, known.until, subject, reward);
        if (bond > reward) OpenBurner(Predeploys.OPEN_BURNER).burn{ value: bond - reward }();
    }

    function _known(bytes32 modelVersion, bytes32 adapterRoot) private view returns (Registered storage known) {
        known = _tables[_key(modelVersion, adapterRoot)];
        if (known.owner == address(0)) revert UnknownTable(modelVersion, adapterRoot);
    }

    function _owned(bytes32 modelVersion, bytes32 adapterRoot) private view returns (Registered storage known) {
        known = _tables[_key(modelVersion, adapterRoot)];
        if (known.owner != msg.sender) revert NotOwner(modelVersion, adapterRoot);
    }

    function _nextDay() private view returns (uint64) {
        return (uint64(block.timestamp) / DAY + 1) * DAY;
    }

    function _key(bytes32 modelVersion, bytes32 adapterRoot) private pure returns (bytes32) {
        return keccak256(abi.encode(modelVersion, adapterRoot));
    }
}
