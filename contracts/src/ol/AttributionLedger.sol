// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { OlFields, OlPayload } from "../lib/OlPayload.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { AttributionContext } from "../precompiles/AttributionContext.sol";
import { AttributionCaller } from "./AttributionCaller.sol";
import { DataRequests } from "./DataRequests.sol";

/// @title AttributionLedger
/// @notice Declarations of attribution, payout epochs and demands for their data. Predeploy 0x4f4c…0005.
///
/// Its balance is the bonds of standing epochs and orphans, and what open data requests prepaid.
contract AttributionLedger is Initializable, DataRequests {
    /// @notice A payload that is malformed or of another version is declared with kind 0: a label is never fatal.
    event AttributionDeclared(
        address indexed sender, uint8 kind, uint64 modelId, uint64 datanetId, bytes16 requestId, bytes payload
    );

    error PayloadTooLong(uint256 length);

    /// @dev What AttributionContext holds at most.
    uint256 private constant PAYLOAD_BYTES_MAX = 512;

    constructor() {
        _disableInitializers();
    }

    /// @param attributor_ who proposes epochs first
    /// @param window_     seconds of a challenge window
    function initialize(address attributor_, uint64 window_) external initializer {
        _setAttributor(attributor_);
        window = window_;
        _setAlgo(ALGO_V1, 0);
        _fillPlaces();
    }

    /// @notice Declares what the transaction is for. Equivalent to an ERC-8021 suffix.
    function attest(bytes calldata payload) external {
        _declare(payload);
    }

    /// @notice Calls `target` while callees read `payload` from `AttributionContext.current()`; the innermost counts. The
    ///         target sees the AttributionCaller as its caller, and a failure of the call is the caller's.
    function withAttribution(bytes calldata payload, address target, bytes calldata data)
        external
        payable
        returns (bytes memory result)
    {
        _declare(payload);
        AttributionContext context = AttributionContext(Predeploys.ATTRIBUTION_CONTEXT);
        context.push(payload);
        result = AttributionCaller(Predeploys.ATTRIBUTION_CALLER).forward{ value: msg.value }(target, data);
        context.pop();
    }

    function _declare(bytes calldata payload) private {
        if (payload.length > PAYLOAD_BYTES_MAX) revert PayloadTooLong(payload.length);
        OlFields memory fields = OlPayload.read(payload);
        emit AttributionDeclared(
            msg.sender, fields.kind, fields.modelId, fields.datanetId, fields.requestId, payload
        );
    }
}
