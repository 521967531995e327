// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Parts of a receipt's evidence under algoHash v2, by their places in its head.
uint256 constant PART_SPANS = 0;
uint256 constant PART_GROUPS = 1;
uint256 constant PART_QUERY = 2;
uint256 constant PART_SCORES = 3;
uint256 constant PART_CITATIONS = 4;

/// @title EvidenceParts
/// @notice Evidence of algoHash v2: a head `02 ‖ keccak of each part`, zero of one that has no bytes, of which an entry's
///         evidenceHash is made, so that a challenge shows the parts alone that it is about. docs/ATTRIBUTION.md §7.
library EvidenceParts {
    /// @notice The head is not what the entry commits to.
    error WrongEvidence(bytes32 evidenceHash);
    /// @notice These are not the bytes of that part.
    error WrongPart(uint256 part);

    /// @notice ATTRIBUTION §7.
    bytes32 internal constant ALGO_V2 = 0x90f0d75676d94d5540f78328be0eb23f42d73200151bbbe4a013e4ab6e063a4f;

    uint256 private constant PARTS = 5;
    uint256 private constant HEAD_BYTES = 1 + 32 * PARTS;

    /// @notice What an entry's evidenceHash is.
    function hashOf(bytes calldata head) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x0c), head));
    }

    /// @dev Of an entry that commits to nothing it is the head of no parts.
    function requireHead(bytes32 evidenceHash, bytes calldata head) internal pure {
        if (head.length != HEAD_BYTES || head[0] != 0x02) revert WrongEvidence(evidenceHash);
        if (evidenceHash == bytes32(0)) {
            for (uint256 part = 0; part < PARTS; part++) {
                if (partHash(head, part) != bytes32(0)) revert WrongEvidence(evidenceHash);
            }
        } else if (hashOf(head) != evidenceHash) {
            revert WrongEvidence(evidenceHash);
        }
    }

    function requirePart(bytes calldata head, uint256 part, bytes calldata raw) internal pure {
        bytes32 expected = raw.length == 0 ? bytes32(0) : keccak256(raw);
        if (partHash(head, part) != expected) revert WrongPart(part);
    }

    function partHash(bytes calldata head, uint256 part) internal pure returns (bytes32) {
        return bytes32(head[1 + 32 * part:33 + 32 * part]);
    }

    /// @notice The spans behind their head.
    function spansOf(bytes32 evidenceHash, bytes calldata headAndSpans) internal pure returns (bytes calldata raw) {
        if (headAndSpans.length < HEAD_BYTES) revert WrongEvidence(evidenceHash);
        bytes calldata head = headAndSpans[:HEAD_BYTES];
        requireHead(evidenceHash, head);
        raw = headAndSpans[HEAD_BYTES:];
        requirePart(head, PART_SPANS, raw);
    }

    /// @notice The evidenceHash of evidence shown whole: its head, the length of each part u32, and the parts.
    function wholeHash(bytes calldata evidence) internal pure returns (bytes32) {
        uint256 at = HEAD_BYTES + 4 * PARTS;
        if (evidence.length < at || evidence[0] != 0x02) revert WrongPart(0);
        bytes calldata head = evidence[:HEAD_BYTES];
        for (uint256 part = 0; part < PARTS; part++) {
            uint256 length = uint32(bytes4(evidence[HEAD_BYTES + 4 * part:HEAD_BYTES + 4 * part + 4]));
            if (at + length > evidence.length) revert WrongPart(part);
            requirePart(head, part, evidence[at:at + length]);
            at += length;
        }
        if (at != evidence.length) revert WrongPart(PARTS);
        return hashOf(head);
    }
}
