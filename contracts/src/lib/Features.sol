// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Features
/// @notice Names of customizable features in SystemConfig. Spec: protocol/system-config.md, "Customizable Feature".
library Features {
    bytes32 internal constant CUSTOM_GAS_TOKEN = "CUSTOM_GAS_TOKEN";
}
