// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Features } from "../lib/Features.sol";

/// @title SystemConfig
/// @notice The L1 source of truth for the rollup's parameters; derivation reads its `ConfigUpdate` logs.
///         Spec: protocol/system-config.md with its Holocene, Isthmus, Jovian and custom-gas-token pages.
contract SystemConfig {
    enum UpdateType {
        BATCHER,
        FEE_SCALARS,
        GAS_LIMIT,
        UNSAFE_BLOCK_SIGNER,
        EIP_1559_PARAMS,
        OPERATOR_FEE_PARAMS,
        MIN_BASE_FEE,
        DA_FOOTPRINT_GAS_SCALAR
    }

    /// @dev Parameters of the deposit gas market. Spec: protocol/guaranteed-gas-market.md.
    struct ResourceConfig {
        uint32 maxResourceLimit;
        uint8 elasticityMultiplier;
        uint8 baseFeeMaxChangeDenominator;
        uint32 minimumBaseFee;
        uint32 systemTxMaxGas;
        uint128 maximumBaseFee;
    }

    struct Parameters {
        address owner;
        address batcher;
        address unsafeBlockSigner;
        address batchInbox;
        uint64 gasLimit;
        uint32 basefeeScalar;
        uint32 blobbasefeeScalar;
        uint256 l2ChainId;
        bool customGasToken;
    }

    event ConfigUpdate(uint256 indexed version, UpdateType indexed updateType, bytes data);
    event OwnershipTransferred(address indexed previousOwner, address indexed newOwner);
    event FeatureSet(bytes32 indexed feature, bool enabled);

    error NotOwner();
    error ZeroOwner();
    error BadScalar(uint256 scalar);
    error GasLimitOutOfRange(uint64 gasLimit, uint64 minimum, uint64 maximum);
    error BadEIP1559Params(uint32 denominator, uint32 elasticity);
    error FeatureIsPermanent(bytes32 feature);

    uint256 public constant VERSION = 0;
    /// @notice Where nodes read the signer with a storage proof, whatever the layout. Spec: "Unsafe Block Signer".
    bytes32 public constant UNSAFE_BLOCK_SIGNER_SLOT = keccak256("systemconfig.unsafeblocksigner");
    /// @notice Blocks must stay provable. Spec: configurability.md, "Gas Limit".
    uint64 public constant maximumGasLimit = 500_000_000;

    address public immutable batchInbox;
    uint256 public immutable l2ChainId;
    /// @notice The L1 block in which this contract was deployed: the L2's origin.
    uint256 public immutable startBlock;

    address public owner;
    uint256 public overhead;
    uint256 public scalar;
    bytes32 public batcherHash;
    uint64 public gasLimit;
    uint32 public basefeeScalar;
    uint32 public blobbasefeeScalar;
    uint32 public eip1559Denominator;
    uint32 public eip1559Elasticity;
    uint32 public operatorFeeScalar;
    uint64 public operatorFeeConstant;
    uint64 public minBaseFee;
    uint16 public daFootprintGasScalar;
    mapping(bytes32 feature => bool) public isFeatureEnabled;

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    constructor(Parameters memory parameters) {
        if (parameters.owner == address(0)) revert ZeroOwner();
        batchInbox = parameters.batchInbox;
        l2ChainId = parameters.l2ChainId;
        startBlock = block.number;
        owner = parameters.owner;
        emit OwnershipTransferred(address(0), parameters.owner);
        _setBatcherHash(bytes32(uint256(uint160(parameters.batcher))));
        _setGasConfigEcotone(parameters.basefeeScalar, parameters.blobbasefeeScalar);
        _setGasLimit(parameters.gasLimit);
        _setUnsafeBlockSigner(parameters.unsafeBlockSigner);
        if (parameters.customGasToken) _enable(Features.CUSTOM_GAS_TOKEN);
    }

    function version() external pure returns (string memory) {
        return "3.0.0+openledger";
    }

    function transferOwnership(address newOwner) external onlyOwner {
        if (newOwner == address(0)) revert ZeroOwner();
        emit OwnershipTransferred(owner, newOwner);
        owner = newOwner;
    }

    function setBatcherHash(bytes32 batcherHash_) external onlyOwner {
        _setBatcherHash(batcherHash_);
    }

    function setBatcherHash(address batcher) external onlyOwner {
        _setBatcherHash(bytes32(uint256(uint160(batcher))));
    }

    /// @notice Before Ecotone: both values count. From Ecotone on: `scalar_` is the versioned encoding.
    function setGasConfig(uint256 overhead_, uint256 scalar_) external onlyOwner {
        if (scalar_ >> 248 != 0) revert BadScalar(scalar_);
        overhead = overhead_;
        scalar = scalar_;
        emit ConfigUpdate(VERSION, UpdateType.FEE_SCALARS, abi.encode(overhead_, scalar_));
    }

    function setGasConfigEcotone(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) external onlyOwner {
        _setGasConfigEcotone(basefeeScalar_, blobbasefeeScalar_);
    }

    function setGasLimit(uint64 gasLimit_) external onlyOwner {
        _setGasLimit(gasLimit_);
    }

    function setUnsafeBlockSigner(address signer) external onlyOwner {
        _setUnsafeBlockSigner(signer);
    }

    function setEIP1559Params(uint32 denominator, uint32 elasticity) external onlyOwner {
        if (denominator == 0 || elasticity == 0) revert BadEIP1559Params(denominator, elasticity);
        eip1559Denominator = denominator;
        eip1559Elasticity = elasticity;
        emit ConfigUpdate(
            VERSION, UpdateType.EIP_1559_PARAMS, abi.encode((uint256(denominator) << 32) | uint256(elasticity))
        );
    }

    function setOperatorFeeScalars(uint32 operatorFeeScalar_, uint64 operatorFeeConstant_) external onlyOwner {
        operatorFeeScalar = operatorFeeScalar_;
        operatorFeeConstant = operatorFeeConstant_;
        emit ConfigUpdate(
            VERSION,
            UpdateType.OPERATOR_FEE_PARAMS,
            abi.encode((uint256(operatorFeeScalar_) << 64) | uint256(operatorFeeConstant_))
        );
    }

    function setMinBaseFee(uint64 minBaseFee_) external onlyOwner {
        minBaseFee = minBaseFee_;
        emit ConfigUpdate(VERSION, UpdateType.MIN_BASE_FEE, abi.encode(minBaseFee_));
    }

    function setDAFootprintGasScalar(uint16 daFootprintGasScalar_) external onlyOwner {
        daFootprintGasScalar = daFootprintGasScalar_;
        emit ConfigUpdate(VERSION, UpdateType.DA_FOOTPRINT_GAS_SCALAR, abi.encode(daFootprintGasScalar_));
    }

    /// @notice The custom gas token can be turned on, never off: native balances would change their meaning.
    ///         Spec: custom-gas-token/optimism-portal.md, "Custom Gas Token Flag Immutability".
    function setFeatureEnabled(bytes32 feature, bool enabled) external onlyOwner {
        if (enabled) {
            _enable(feature);
            return;
        }
        if (feature == Features.CUSTOM_GAS_TOKEN && isFeatureEnabled[feature]) revert FeatureIsPermanent(feature);
        isFeatureEnabled[feature] = false;
        emit FeatureSet(feature, false);
    }

    function isCustomGasToken() external view returns (bool) {
        return isFeatureEnabled[Features.CUSTOM_GAS_TOKEN];
    }

    function unsafeBlockSigner() external view returns (address signer) {
        bytes32 slot = UNSAFE_BLOCK_SIGNER_SLOT;
        assembly ("memory-safe") {
            signer := sload(slot)
        }
    }

    /// @notice Every L2 block must hold the deposits that one L1 block can buy, and the attributes transaction.
    function minimumGasLimit() public pure returns (uint64) {
        ResourceConfig memory config = resourceConfig();
        return uint64(config.maxResourceLimit) + uint64(config.systemTxMaxGas);
    }

    /// @notice The standard deposit gas market. Spec: protocol/guaranteed-gas-market.md, "Default Values".
    function resourceConfig() public pure returns (ResourceConfig memory) {
        return ResourceConfig({
            maxResourceLimit: 20_000_000,
            elasticityMultiplier: 10,
            baseFeeMaxChangeDenominator: 8,
            minimumBaseFee: 1 gwei,
            systemTxMaxGas: 1_000_000,
            maximumBaseFee: type(uint128).max
        });
    }

    function _setBatcherHash(bytes32 batcherHash_) private {
        batcherHash = batcherHash_;
        emit ConfigUpdate(VERSION, UpdateType.BATCHER, abi.encode(batcherHash_));
    }

    function _setGasConfigEcotone(uint32 basefeeScalar_, uint32 blobbasefeeScalar_) private {
        basefeeScalar = basefeeScalar_;
        blobbasefeeScalar = blobbasefeeScalar_;
        scalar = (uint256(1) << 248) | (uint256(blobbasefeeScalar_) << 32) | basefeeScalar_;
        emit ConfigUpdate(VERSION, UpdateType.FEE_SCALARS, abi.encode(overhead, scalar));
    }

    function _setGasLimit(uint64 gasLimit_) private {
        uint64 minimum = minimumGasLimit();
        if (gasLimit_ < minimum || gasLimit_ > maximumGasLimit) {
            revert GasLimitOutOfRange(gasLimit_, minimum, maximumGasLimit);
        }
        gasLimit = gasLimit_;
        emit ConfigUpdate(VERSION, UpdateType.GAS_LIMIT, abi.encode(gasLimit_));
    }

    function _setUnsafeBlockSigner(address signer) private {
        bytes32 slot = UNSAFE_BLOCK_SIGNER_SLOT;
        assembly ("memory-safe") {
            sstore(slot, signer)
        }
        emit ConfigUpdate(VERSION, UpdateType.UNSAFE_BLOCK_SIGNER, abi.encode(signer));
    }

    function _enable(bytes32 feature) private {
        isFeatureEnabled[feature] = true;
        emit FeatureSet(feature, true);
    }
}
