// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";

/// @title AttributionCaller
/// @notice Makes the calls that users ask `AttributionLedger.withAttribution` for, so that no stranger's call is ever made
///         in the ledger's name. It holds nothing, nobody trusts it, and it has no proxy. Predeploy 0x4f4c…0026.
contract AttributionCaller {
    error NotLedger(address caller);

    function forward(address target, bytes calldata data) external payable returns (bytes memory result) {
        if (msg.sender != Predeploys.ATTRIBUTION_LEDGER) revert NotLedger(msg.sender);
        bool ok;
        (ok, result) = target.call{ value: msg.value }(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }
}
