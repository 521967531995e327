// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Run } from "./Chunks.sol";
import { OpenedEntry } from "./Openings.sol";
import { SpanBounds, TextIndex } from "./TextIndexes.sol";

/// @dev An S or U entry of a receipt, and the evidence under its evidenceHash.
struct SpanClaim {
    OpenedEntry entry;
    bytes evidence;
}

/// @dev Index `number` of the receipt's set, the set's ids with it.
struct SetIndex {
    bytes32[] ids;
    uint8 number;
    TextIndex index;
}

/// @dev A span of the evidence beside the text at a position of an index.
struct SpanText {
    uint8 span;
    SetIndex at;
    uint32 position;
    Run text;
    Run output;
}

/// @dev A position at which a span stands, and the row of the document that holds it; the run shows the row behind it too.
struct SpanDocument {
    uint8 span;
    SetIndex at;
    uint32 position;
    uint32 document;
    Run documents;
}

/// @dev A token of the answer, and of each index of the set the chunk of unigrams that counts it.
struct TokenScore {
    TextIndex[] set;
    uint16 token;
    Run output;
    Run[] unigrams;
}

/// @dev A span that the evidence lacks: it stands at a position of index `number`, and its part `anchor` from `anchorStart`
///      tokens on stands as often in each index as `counts` show. Where the anchor is all of it, no text is needed.
struct OmittedSpan {
    TextIndex[] set;
    uint16 start;
    uint16 length;
    uint16 anchorStart;
    uint8 anchorLength;
    uint8 number;
    uint32 position;
    Run text;
    Run output;
    SpanBounds[] counts;
}
