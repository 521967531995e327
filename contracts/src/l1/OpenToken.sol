// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title OpenToken
/// @notice OPEN on a development L1: a fixed supply of 1e27 wei, split at deployment between the bridge, which backs what
///         the L2's genesis has in circulation, and one holder.
contract OpenToken is ERC20 {
    uint256 public constant SUPPLY = 1_000_000_000 ether;

    constructor(address bridge, uint256 lockedAtGenesis, address holder) ERC20("OpenLedger", "OPEN") {
        _mint(bridge, lockedAtGenesis);
        _mint(holder, SUPPLY - lockedAtGenesis);
    }
}
