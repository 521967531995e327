// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { SafeSend } from "../lib/SafeSend.sol";

/// @title NativeAssetLiquidity
/// @notice Holds every OPEN that is not in circulation on the L2. Predeploy 0x4200…0029.
///         Spec: custom-gas-token/predeploys.md, "Native Asset Liquidity".
contract NativeAssetLiquidity {
    event LiquidityDeposited(address indexed caller, uint256 value);
    event LiquidityWithdrawn(address indexed caller, uint256 value);

    error NotLiquidityController();
    error InsufficientLiquidity(uint256 balance, uint256 amount);

    modifier onlyLiquidityController() {
        if (msg.sender != Predeploys.LIQUIDITY_CONTROLLER) revert NotLiquidityController();
        _;
    }

    function version() external pure returns (string memory) {
        return "1.0.0+openledger";
    }

    function deposit() external payable onlyLiquidityController {
        emit LiquidityDeposited(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external onlyLiquidityController {
        if (amount > address(this).balance) revert InsufficientLiquidity(address(this).balance, amount);
        new SafeSend{ value: amount }(payable(msg.sender));
        emit LiquidityWithdrawn(msg.sender, amount);
    }
}
