// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { LiquidityController } from "../l2/LiquidityController.sol";
import { Predeploys } from "../lib/Predeploys.sol";

/// @title OpenBurner
/// @notice Takes what it is sent out of circulation. It is an authorised minter of the LiquidityController, has no
///         owner, no proxy and no way to mint: anyone may burn what is theirs. Predeploy 0x4f4c…0021.
contract OpenBurner {
    event Burned(address indexed from, uint256 amount);

    function burn() external payable {
        LiquidityController(Predeploys.LIQUIDITY_CONTROLLER).burn{ value: msg.value }();
        emit Burned(msg.sender, msg.value);
    }
}
