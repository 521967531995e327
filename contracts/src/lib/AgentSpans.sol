// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { SumTrees } from "./SumTrees.sol";

/// @dev What an agent did: used a tool, read data, asked a model, sent a transaction.
uint8 constant SPAN_TOOL = 0;
uint8 constant SPAN_DATA = 1;
uint8 constant SPAN_MODEL = 2;
uint8 constant SPAN_TX = 3;

/// @dev One action. `parent` is the index of the action that it was part of; the first one is its own. `at` in Unix seconds, hashes
///      of what stands in the trail's file, `ref` what paid it: the request of a model's answer, else the reference of a payment.
struct Span {
    uint32 index;
    uint32 parent;
    uint8 kind;
    uint64 at;
    bytes32 nameHash;
    bytes32 inputHash;
    bytes32 outputHash;
    bytes32 ref;
    uint128 fee;
}

/// @dev A span as leaf of the `n` under a trail's root, whose sums are the fees.
struct OpenedSpan {
    Span span;
    bytes siblings;
}

/// @title AgentSpans
/// @notice How the actions of a trail are hashed: a sum tree of docs/MONEY.md §4 over `keccak(0x40 ‖ fields)` and the fee.
library AgentSpans {
    function leaf(Span calldata span) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                uint8(0x40),
                span.index,
                span.parent,
                span.kind,
                span.at,
                span.nameHash,
                span.inputHash,
                span.outputHash,
                span.ref,
                span.fee
            )
        );
    }

    /// @notice Reverts where the span is no leaf of the `n` under `root`.
    function requireIn(bytes32 root, uint32 n, OpenedSpan calldata opened) internal pure {
        bytes memory row = SumTrees.rowOf(leaf(opened.span), opened.span.fee);
        SumTrees.open(root, n, opened.span.index, row, opened.siblings);
    }
}
