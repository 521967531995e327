// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { ISketchRegistry, SketchTable } from "./interfaces/ISketchRegistry.sol";

/// @title SketchRegistry
/// @notice Tables of influences that a training committed to, by model version and adapter, each with a bond. Predeploy 0x4f4c…0043.
///
/// Who is entitled to the model's revenue registers one, once. It is in force from the next multiple of a day, when every worker can
/// have it, until the multiple of a day behind its retirement. docs/GRADIENTS.md §9.
contract SketchRegistry is ISketchRegistry, Initializable {
    struct Registered {
        SketchTable table;
        address owner;
        uint64 from;
        /// @dev Zero while it is not retired.
        uint64 until;
        uint128 bond;
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
    event SketchesRetired(bytes32 indexed modelVersion, bytes32 indexed adapterRoot, uint64 until);
    event SketchBondReturned(bytes32 indexed modelVersion, bytes32 indexed adapterRoot, address to, uint256 amount);

    error WrongBond(uint256 expected, uint256 actual);
    error NotModelOwner(uint64 modelId);
    error BadTable(bytes32 root, uint32 size, uint16 rows);
    error AlreadyRegistered(bytes32 modelVersion, bytes32 adapterRoot);
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
    function register(bytes32 modelVersion, bytes32 adapterRoot, SketchTable calldata table) external payable {
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

    function registered(bytes32 modelVersion, bytes32 adapterRoot) external view returns (Registered memory) {
        return _tables[_key(modelVersion, adapterRoot)];
    }

    /// @inheritdoc ISketchRegistry
    function tableAt(bytes32 modelVersion, bytes32 adapterRoot, uint64 time) external view returns (SketchTable memory table) {
        Registered storage known = _tables[_key(modelVersion, adapterRoot)];
        bool inForce = known.from != 0 && known.from <= time && (known.until == 0 || time < known.until);
        if (inForce) table = known.table;
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
