// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title AddressAlias
/// @notice How the L2 sees a contract of L1. Spec: protocol/deposits.md, "Address Aliasing".
library AddressAlias {
    uint160 private constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    function aliasOf(address l1Contract) internal pure returns (address) {
        unchecked {
            return address(uint160(l1Contract) + OFFSET);
        }
    }
}
