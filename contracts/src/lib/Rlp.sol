// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Rlp
/// @notice Strict reader of RLP items inside a byte string. Non-canonical lengths are refused.
library Rlp {
    error RlpMalformed();

    struct Item {
        bool isList;
        /// Offset of the item's first byte, prefix included.
        uint256 start;
        /// Offset of its payload.
        uint256 payload;
        /// Offset one past its end.
        uint256 end;
    }

    /// @notice The item that starts at `at` and must end at or before `limit`.
    function itemAt(bytes memory data, uint256 at, uint256 limit) internal pure returns (Item memory item) {
        if (at >= limit || limit > data.length) revert RlpMalformed();
        uint256 prefix = uint8(data[at]);
        item.start = at;
        if (prefix < 0x80) {
            (item.payload, item.end) = (at, at + 1);
        } else if (prefix < 0xb8) {
            (item.payload, item.end) = (at + 1, at + 1 + prefix - 0x80);
            if (item.end > limit) revert RlpMalformed();
            if (prefix == 0x81 && uint8(data[at + 1]) < 0x80) revert RlpMalformed();
        } else if (prefix < 0xc0) {
            (item.payload, item.end) = _long(data, at, limit, prefix - 0xb7);
        } else if (prefix < 0xf8) {
            item.isList = true;
            (item.payload, item.end) = (at + 1, at + 1 + prefix - 0xc0);
        } else {
            item.isList = true;
            (item.payload, item.end) = _long(data, at, limit, prefix - 0xf7);
        }
        if (item.end > limit) revert RlpMalformed();
    }

    function _long(bytes memory data, uint256 at, uint256 limit, uint256 lengthBytes)
        private
        pure
        returns (uint256 payload, uint256 end)
    {
        payload = at + 1 + lengthBytes;
        if (payload > limit || data[at + 1] == 0) revert RlpMalformed();
        uint256 length = 0;
        for (uint256 i = 0; i < lengthBytes; i++) length = (length << 8) | uint8(data[at + 1 + i]);
        if (length < 56 || length > limit - payload) revert RlpMalformed();
        end = payload + length;
    }
}
