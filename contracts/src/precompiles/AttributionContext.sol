// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title AttributionContext
/// @notice The `ol` payload under which a call runs, kept in transient storage so that callees can read it. Only the
///         AttributionLedger opens and closes a context; contexts nest. Precompile 0x4f4c…0010.
/// @dev Transient slots: 0 holds the depth; context d (from 1) has its length at d·2^16 and its words after it.
contract AttributionContext {
    error NotLedger(address caller);
    error NoContext();
    error TooDeep();
    error PayloadTooLong(uint256 length);

    /// @notice The AttributionLedger.
    address private constant LEDGER = 0x4f4c000000000000000000000000000000000005;
    uint256 private constant DEPTH_MAX = 16;
    /// @notice A payload of version 1 with every field and 16 weights has 264 bytes.
    uint256 private constant PAYLOAD_BYTES_MAX = 512;

    /// @notice The innermost payload; empty outside of any context.
    function current() external view returns (bytes memory payload) {
        uint256 depth = _load(0);
        if (depth == 0) return payload;
        uint256 base = depth << 16;
        payload = new bytes(_load(base));
        for (uint256 at = 0; at < payload.length; at += 32) {
            uint256 word = _load(base + 1 + at / 32);
            assembly ("memory-safe") {
                mstore(add(add(payload, 32), at), word)
            }
        }
    }

    function push(bytes calldata payload) external {
        if (msg.sender != LEDGER) revert NotLedger(msg.sender);
        if (payload.length > PAYLOAD_BYTES_MAX) revert PayloadTooLong(payload.length);
        uint256 depth = _load(0) + 1;
        if (depth > DEPTH_MAX) revert TooDeep();
        _store(0, depth);
        uint256 base = depth << 16;
        _store(base, payload.length);
        for (uint256 at = 0; at < payload.length; at += 32) {
            uint256 word;
            assembly ("memory-safe") {
                word := calldataload(add(payload.offset, at))
                // Bytes behind the payload are not part of it.
                let rest := sub(payload.length, at)
                if lt(rest, 32) { word := and(word, not(shr(mul(8, rest), not(0)))) }
            }
            _store(base + 1 + at / 32, word);
        }
    }

    function pop() external {
        if (msg.sender != LEDGER) revert NotLedger(msg.sender);
        uint256 depth = _load(0);
        if (depth == 0) revert NoContext();
        _store(0, depth - 1);
    }

    function _load(uint256 slot) private view returns (uint256 value) {
        assembly ("memory-safe") {
            value := tload(slot)
        }
    }

    function _store(uint256 slot, uint256 value) private {
        assembly ("memory-safe") {
            tstore(slot, value)
        }
    }
}
