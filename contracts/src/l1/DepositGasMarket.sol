// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { SystemConfig } from "./SystemConfig.sol";

/// @title DepositGasMarket
/// @notice Limits and prices the L2 gas that one L1 block's deposits can buy; the price is paid by burning L1 gas.
///         Spec: protocol/guaranteed-gas-market.md.
abstract contract DepositGasMarket {
    struct ResourceParams {
        uint128 prevBaseFee;
        uint64 prevBoughtGas;
        uint64 prevBlockNum;
    }

    error OutOfGas();

    uint256 private constant WAD = 1e18;

    ResourceParams public params;

    /// @dev Charges for `amount` of L2 gas what the enclosed function has not used itself.
    modifier metered(uint64 amount) {
        uint256 initialGas = gasleft();
        _;
        _meter(amount, initialGas);
    }

    function _resourceConfig() internal view virtual returns (SystemConfig.ResourceConfig memory);

    function _startMarket() internal {
        params = ResourceParams({ prevBaseFee: 1 gwei, prevBoughtGas: 0, prevBlockNum: uint64(block.number) });
    }

    function _meter(uint64 amount, uint256 initialGas) private {
        SystemConfig.ResourceConfig memory config = _resourceConfig();
        ResourceParams memory current = params;
        uint256 blocks = block.number - current.prevBlockNum;
        if (blocks > 0) {
            current.prevBaseFee = _nextBaseFee(config, current.prevBaseFee, current.prevBoughtGas, blocks - 1);
            current.prevBoughtGas = 0;
            current.prevBlockNum = uint64(block.number);
        }
        current.prevBoughtGas += amount;
        if (current.prevBoughtGas > config.maxResourceLimit) revert OutOfGas();
        params = current;

        uint256 cost = uint256(amount) * current.prevBaseFee;
        // Below one gwei of L1 base fee the burn would grow without bound.
        uint256 gasToBurn = cost / (block.basefee > 1 gwei ? block.basefee : 1 gwei);
        uint256 used = initialGas - gasleft();
        if (gasToBurn > used) _burn(gasToBurn - used);
    }

    function _nextBaseFee(
        SystemConfig.ResourceConfig memory config,
        uint256 baseFee,
        uint256 boughtGas,
        uint256 emptyBlocks
    ) private pure returns (uint128) {
        int256 target = int256(uint256(config.maxResourceLimit) / config.elasticityMultiplier);
        int256 change = int256(baseFee) * (int256(boughtGas) - target) / target
            / int256(uint256(config.baseFeeMaxChangeDenominator));
        uint256 next = _clamp(config, int256(baseFee) + change);
        if (emptyBlocks > 0) {
            uint256 factor = WAD - WAD / config.baseFeeMaxChangeDenominator;
            next = _clamp(config, int256(next * _power(factor, emptyBlocks) / WAD));
        }
        return uint128(next);
    }

    function _clamp(SystemConfig.ResourceConfig memory config, int256 value) private pure returns (uint256) {
        if (value < int256(uint256(config.minimumBaseFee))) return config.minimumBaseFee;
        if (value > int256(uint256(config.maximumBaseFee))) return config.maximumBaseFee;
        return uint256(value);
    }

    /// @dev `base` to the `exponent` in 18-decimal fixed point, by squaring.
    function _power(uint256 base, uint256 exponent) private pure returns (uint256 result) {
        result = WAD;
        while (exponent > 0) {
            if (exponent & 1 == 1) result = result * base / WAD;
            base = base * base / WAD;
            exponent >>= 1;
        }
    }

    function _burn(uint256 amount) private view {
        uint256 start = gasleft();
        uint256 i = 0;
        while (start - gasleft() < amount) {
            unchecked {
                i++;
            }
        }
    }
}
