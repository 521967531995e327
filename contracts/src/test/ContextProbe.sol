// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { AttributionLedger } from "../ol/AttributionLedger.sol";
import { AttributionContext } from "../precompiles/AttributionContext.sol";

/// @title ContextProbe
/// @notice A callee that looks at its attribution before, within and after calls that it makes under other payloads.
contract ContextProbe {
    error Failed(bytes seen);

    address public lastCaller;

    function current() public view returns (bytes memory) {
        return AttributionContext(Predeploys.ATTRIBUTION_CONTEXT).current();
    }

    function look() external payable returns (bytes memory) {
        lastCaller = msg.sender;
        return current();
    }

    function fail() external view {
        revert Failed(current());
    }

    /// @return seen before, within a call under `inner`, after it, and after one under `inner` that failed
    function nest(bytes calldata inner) external returns (bytes[4] memory seen) {
        AttributionLedger ledger = AttributionLedger(Predeploys.ATTRIBUTION_LEDGER);
        seen[0] = current();
        seen[1] = abi.decode(ledger.withAttribution(inner, address(this), abi.encodeCall(this.look, ())), (bytes));
        seen[2] = current();
        try ledger.withAttribution(inner, address(this), abi.encodeCall(this.fail, ())) {
            revert Failed("");
        } catch {
            seen[3] = current();
        }
    }

    /// @notice Goes down `depth` contexts.
    function dig(uint256 depth, bytes calldata payload) external {
        if (depth == 0) return;
        bytes memory deeper = abi.encodeCall(this.dig, (depth - 1, payload));
        AttributionLedger(Predeploys.ATTRIBUTION_LEDGER).withAttribution(payload, address(this), deeper);
    }
}
