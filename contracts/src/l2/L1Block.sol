// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";

/// @notice The part of LiquidityController that names the gas token.
interface IGasToken {
    function gasPayingAssetName() external view returns (string memory);
    function gasPayingAssetSymbol() external view returns (string memory);
}

/// @title L1Block
/// @notice What the L2 knows of its L1 origin, written by the first transaction of every block. Predeploy 0x4200…0015.
///         Clients read its storage, so slots 0 to 8 are the OP Stack's. Spec: protocol/deposits.md "L1 Attributes
///         Predeployed Contract", the l1-attributes.md of Ecotone, Isthmus and Jovian, custom-gas-token/predeploys.md.
contract L1Block {
    error NotDepositor();
    error CustomGasTokenAlreadySet();

    uint64 public number;
    uint64 public timestamp;
    uint256 public basefee;
    bytes32 public hash;
    uint64 public sequenceNumber;
    uint32 public blobBaseFeeScalar;
    uint32 public baseFeeScalar;
    bytes32 public batcherHash;
    uint256 public l1FeeOverhead;
    uint256 public l1FeeScalar;
    uint256 public blobBaseFee;
    uint64 public operatorFeeConstant;
    uint32 public operatorFeeScalar;
    uint16 public daFootprintGasScalar;
    /// @dev Fills slot 8, which every block writes whole.
    uint144 private __restOfSlot8;
    bool public isCustomGasToken;

    modifier onlyDepositor() {
        if (msg.sender != Predeploys.DEPOSITOR_ACCOUNT) revert NotDepositor();
        _;
    }

    function version() external pure returns (string memory) {
        return "1.9.0+openledger";
    }

    function DEPOSITOR_ACCOUNT() external pure returns (address) {
        return Predeploys.DEPOSITOR_ACCOUNT;
    }

    /// @notice Bedrock's attributes.
    function setL1BlockValues(
        uint64 number_,
        uint64 timestamp_,
        uint256 basefee_,
        bytes32 hash_,
        uint64 sequenceNumber_,
        bytes32 batcherHash_,
        uint256 l1FeeOverhead_,
        uint256 l1FeeScalar_
    ) external {
        require(
            msg.sender == Predeploys.DEPOSITOR_ACCOUNT,
            "L1Block: only the depositor account can set L1 block values"
        );
        number = number_;
        timestamp = timestamp_;
        basefee = basefee_;
        hash = hash_;
        sequenceNumber = sequenceNumber_;
        batcherHash = batcherHash_;
        l1FeeOverhead = l1FeeOverhead_;
        l1FeeScalar = l1FeeScalar_;
    }

    /// @notice Ecotone's attributes, packed in the calldata behind the selector.
    function setL1BlockValuesEcotone() external onlyDepositor {
        _setEcotoneValues();
    }

    /// @notice Isthmus's: Ecotone's and the operator fee.
    function setL1BlockValuesIsthmus() external onlyDepositor {
        _setEcotoneValues();
        _setOperatorFee();
    }

    /// @notice Jovian's: Isthmus's and the DA footprint scalar.
    function setL1BlockValuesJovian() external onlyDepositor {
        _setEcotoneValues();
        _setOperatorFee();
        daFootprintGasScalar = uint16(_packed(176, 2));
    }

    /// @notice Turns the custom gas token on, once and for good.
    function setCustomGasToken() external onlyDepositor {
        if (isCustomGasToken) revert CustomGasTokenAlreadySet();
        isCustomGasToken = true;
    }

    /// @notice What pays for gas. Packaged bridges and messengers ask it on every send and refuse value where it is not
    ///         ETHER; the gas token itself is no ERC-20, so the LiquidityController stands for it.
    function gasPayingToken() external view returns (address addr, uint8 decimals) {
        return (isCustomGasToken ? Predeploys.LIQUIDITY_CONTROLLER : Predeploys.ETHER, 18);
    }

    function gasPayingTokenName() external view returns (string memory) {
        return isCustomGasToken ? IGasToken(Predeploys.LIQUIDITY_CONTROLLER).gasPayingAssetName() : "Ether";
    }

    function gasPayingTokenSymbol() external view returns (string memory) {
        return isCustomGasToken ? IGasToken(Predeploys.LIQUIDITY_CONTROLLER).gasPayingAssetSymbol() : "ETH";
    }

    function _setEcotoneValues() private {
        baseFeeScalar = uint32(_packed(4, 4));
        blobBaseFeeScalar = uint32(_packed(8, 4));
        sequenceNumber = uint64(_packed(12, 8));
        timestamp = uint64(_packed(20, 8));
        number = uint64(_packed(28, 8));
        basefee = _packed(36, 32);
        blobBaseFee = _packed(68, 32);
        hash = bytes32(_packed(100, 32));
        batcherHash = bytes32(_packed(132, 32));
    }

    function _setOperatorFee() private {
        operatorFeeScalar = uint32(_packed(164, 4));
        operatorFeeConstant = uint64(_packed(168, 8));
    }

    /// @dev Big-endian integer of `size` bytes at `offset` in the calldata.
    function _packed(uint256 offset, uint256 size) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), calldataload(offset))
        }
    }
}
