// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @notice What an `ol` payload says that an event shows; zeros for what it leaves out.
struct OlFields {
    uint8 kind;
    uint64 modelId;
    uint64 datanetId;
    bytes16 requestId;
}

/// @title OlPayload
/// @notice Reads the payload of ERC-8021 suffixes, version 1, big-endian:
///         version u8 = 1 ‖ kind u8 ‖ flags u8 ‖ the fields that the flags name, in the order of their bits.
library OlPayload {
    uint8 internal constant VERSION = 1;
    uint8 internal constant KIND_MAX = 6;
    uint256 private constant HEAD_BYTES = 3;
    uint256 private constant WEIGHTS_MAX = 16;
    uint256 private constant WEIGHT_BYTES = 10;
    uint256 private constant BPS = 10_000;

    /// @return fields all zero where the payload is of another version or malformed
    function read(bytes calldata payload) internal pure returns (OlFields memory fields) {
        if (payload.length < HEAD_BYTES || uint8(payload[0]) != VERSION) return fields;
        uint8 kind = uint8(payload[1]);
        uint8 flags = uint8(payload[2]);
        if (kind == 0 || kind > KIND_MAX || flags & 0x80 != 0) return fields;
        uint256 at = HEAD_BYTES;
        OlFields memory found;
        found.kind = kind;
        if (flags & 0x01 != 0) {
            if (payload.length < at + 8) return fields;
            found.modelId = uint64(bytes8(payload[at:at + 8]));
            at += 8;
        }
        if (flags & 0x02 != 0) {
            if (payload.length < at + 12) return fields;
            found.datanetId = uint64(bytes8(payload[at:at + 8]));
            at += 12;
        }
        if (flags & 0x04 != 0) {
            if (payload.length < at + 16) return fields;
            found.requestId = bytes16(payload[at:at + 16]);
            at += 16;
        }
        // Root and parent transaction.
        if (flags & 0x08 != 0) at += 32;
        if (flags & 0x10 != 0) at += 32;
        if (flags & 0x20 != 0) {
            (bool ok, uint256 end) = _weightsEnd(payload, at);
            if (!ok) return fields;
            at = end;
        }
        // Bit 6 says that the ids are blinded; it names no field.
        if (at == payload.length) fields = found;
    }

    function _weightsEnd(bytes calldata payload, uint256 at) private pure returns (bool ok, uint256 end) {
        if (payload.length < at + 1) return (false, at);
        uint256 count = uint8(payload[at++]);
        end = at + count * WEIGHT_BYTES;
        if (count > WEIGHTS_MAX || payload.length < end) return (false, at);
        uint256 sum;
        for (; at < end; at += WEIGHT_BYTES) sum += uint16(bytes2(payload[at + 8:at + 10]));
        ok = sum == BPS;
    }
}
