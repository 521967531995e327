// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { FastLz } from "../lib/FastLz.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { L1Block } from "./L1Block.sol";

/// @title GasPriceOracle
/// @notice Tells clients what a transaction will pay besides its L2 gas. Predeploy 0x4200…000F. The engine itself never
///         asks it. Spec: protocol/exec-engine.md and predeploys.md of Ecotone, Fjord, Isthmus and Jovian.
contract GasPriceOracle {
    uint256 public constant DECIMALS = 6;

    /// @dev Coefficients of Fjord's estimate of a compressed size, scaled by 1e6.
    int256 private constant COST_INTERCEPT = -42_585_600;
    uint256 private constant COST_FASTLZ_COEF = 836_500;
    uint256 private constant MIN_TRANSACTION_SIZE = 100;
    /// @dev Bytes of a signature, which the unsigned transaction lacks.
    uint256 private constant SIGNATURE_BYTES = 68;

    bool public isEcotone;
    bool public isFjord;
    bool public isIsthmus;
    bool public isJovian;

    function version() external pure returns (string memory) {
        return "1.6.0+openledger";
    }

    function setEcotone() external {
        _requireDepositor("GasPriceOracle: only the depositor account can set isEcotone flag");
        require(!isEcotone, "GasPriceOracle: Ecotone already active");
        isEcotone = true;
    }

    function setFjord() external {
        _requireDepositor("GasPriceOracle: only the depositor account can set isFjord flag");
        require(isEcotone, "GasPriceOracle: Fjord can only be activated after Ecotone");
        require(!isFjord, "GasPriceOracle: Fjord already active");
        isFjord = true;
    }

    function setIsthmus() external {
        _requireDepositor("GasPriceOracle: only the depositor account can set isIsthmus flag");
        require(isFjord, "GasPriceOracle: Isthmus can only be activated after Fjord");
        require(!isIsthmus, "GasPriceOracle: Isthmus already active");
        isIsthmus = true;
    }

    function setJovian() external {
        _requireDepositor("GasPriceOracle: only the depositor account can set isJovian flag");
        require(isIsthmus, "GasPriceOracle: Jovian can only be activated after Isthmus");
        require(!isJovian, "GasPriceOracle: Jovian already active");
        isJovian = true;
    }

    /// @notice L1 data fee of an unsigned, RLP-encoded transaction.
    function getL1Fee(bytes memory data) external view returns (uint256) {
        if (isFjord) return _fjordFee(FastLz.compressedLength(data) + SIGNATURE_BYTES);
        uint256 gasUsed = _calldataGas(data);
        if (isEcotone) return gasUsed * _scaledFee() / (16 * 10 ** DECIMALS);
        return (gasUsed + _l1Block().l1FeeOverhead()) * l1BaseFee() * _l1Block().l1FeeScalar() / 10 ** DECIMALS;
    }

    /// @notice Most that an unsigned transaction of that size pays, in more than 99.99 % of cases.
    function getL1FeeUpperBound(uint256 unsignedTxSize) external view returns (uint256) {
        require(isFjord, "GasPriceOracle: getL1FeeUpperBound only supports Fjord");
        uint256 size = unsignedTxSize + SIGNATURE_BYTES;
        return _fjordFee(size + size / 255 + 16);
    }

    /// @notice Operator fee of a transaction that uses `gasUsed`; at most the largest uint256.
    function getOperatorFee(uint256 gasUsed) external view returns (uint256) {
        if (!isIsthmus) return 0;
        uint256 scalar_ = _l1Block().operatorFeeScalar();
        uint256 constant_ = _l1Block().operatorFeeConstant();
        if (isJovian) return _saturatingAdd(_saturatingMul(_saturatingMul(gasUsed, scalar_), 100), constant_);
        return _saturatingAdd(_saturatingMul(gasUsed, scalar_) / 1e6, constant_);
    }

    function gasPrice() external view returns (uint256) {
        return block.basefee;
    }

    function baseFee() external view returns (uint256) {
        return block.basefee;
    }

    function overhead() external view returns (uint256) {
        require(!isEcotone, "GasPriceOracle: overhead() is deprecated");
        return _l1Block().l1FeeOverhead();
    }

    function scalar() external view returns (uint256) {
        require(!isEcotone, "GasPriceOracle: scalar() is deprecated");
        return _l1Block().l1FeeScalar();
    }

    function l1BaseFee() public view returns (uint256) {
        return _l1Block().basefee();
    }

    function blobBaseFee() public view returns (uint256) {
        return _l1Block().blobBaseFee();
    }

    function baseFeeScalar() public view returns (uint32) {
        return _l1Block().baseFeeScalar();
    }

    function blobBaseFeeScalar() public view returns (uint32) {
        return _l1Block().blobBaseFeeScalar();
    }

    function decimals() external pure returns (uint256) {
        return DECIMALS;
    }

    /// @notice Calldata gas that stands for a transaction's share of L1 data. Kept for old clients.
    function getL1GasUsed(bytes memory data) external view returns (uint256) {
        if (isFjord) return _estimatedSize(FastLz.compressedLength(data) + SIGNATURE_BYTES) * 16 / 1e6;
        uint256 gasUsed = _calldataGas(data);
        return isEcotone ? gasUsed : gasUsed + _l1Block().l1FeeOverhead();
    }

    function _fjordFee(uint256 fastLzSize) private view returns (uint256) {
        return _estimatedSize(fastLzSize) * _scaledFee() / 10 ** (DECIMALS * 2);
    }

    /// @dev Price of 16 bytes in units of 1e-6 wei.
    function _scaledFee() private view returns (uint256) {
        return uint256(baseFeeScalar()) * 16 * l1BaseFee() + uint256(blobBaseFeeScalar()) * blobBaseFee();
    }

    function _estimatedSize(uint256 fastLzSize) private pure returns (uint256) {
        int256 estimate = COST_INTERCEPT + int256(COST_FASTLZ_COEF * fastLzSize);
        int256 minimum = int256(MIN_TRANSACTION_SIZE * 1e6);
        return uint256(estimate < minimum ? minimum : estimate);
    }

    function _calldataGas(bytes memory data) private pure returns (uint256 total) {
        for (uint256 i = 0; i < data.length; i++) total += data[i] == 0 ? 4 : 16;
        total += SIGNATURE_BYTES * 16;
    }

    function _saturatingMul(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            if (a == 0) return 0;
            uint256 product = a * b;
            return product / a == b ? product : type(uint256).max;
        }
    }

    function _saturatingAdd(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            uint256 sum = a + b;
            return sum >= a ? sum : type(uint256).max;
        }
    }

    function _requireDepositor(string memory message) private view {
        require(msg.sender == Predeploys.DEPOSITOR_ACCOUNT, message);
    }

    function _l1Block() private pure returns (L1Block) {
        return L1Block(Predeploys.L1_BLOCK);
    }
}
