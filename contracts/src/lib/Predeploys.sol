// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Predeploys
/// @notice Addresses that our L2 contracts call. Spec: protocol/predeploys.md, custom-gas-token/predeploys.md.
library Predeploys {
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    address internal constant L2_STANDARD_BRIDGE = 0x4200000000000000000000000000000000000010;
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;
    address internal constant PROXY_ADMIN = 0x4200000000000000000000000000000000000018;
    address internal constant NATIVE_ASSET_LIQUIDITY = 0x4200000000000000000000000000000000000029;
    address internal constant LIQUIDITY_CONTROLLER = 0x420000000000000000000000000000000000002a;
    /// @dev Sends the L1 attributes and upgrade transactions.
    address internal constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    /// @dev Stands for the chain's native ETH where contracts speak of tokens.
    address internal constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
}

/// @notice The part of ProxyAdmin that the predeploys ask.
interface IProxyAdmin {
    function owner() external view returns (address);
}

/// @notice Functions that only the owner of the ProxyAdmin may call.
abstract contract ProxyAdminOwned {
    error NotProxyAdminOwner();

    modifier onlyProxyAdminOwner() {
        if (msg.sender != proxyAdminOwner()) revert NotProxyAdminOwner();
        _;
    }

    function proxyAdmin() public pure returns (address) {
        return Predeploys.PROXY_ADMIN;
    }

    function proxyAdminOwner() public view returns (address) {
        return IProxyAdmin(Predeploys.PROXY_ADMIN).owner();
    }
}
