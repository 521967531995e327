// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AttributionEntry, Receipt, Request } from "./MoneyTypes.sol";
import { Payment } from "./Openings.sol";
import { SumTrees } from "./SumTrees.sol";

/// @dev Kinds of leaves that can be demanded: of a batch the first four, of an epoch the others.
enum DataKind {
    Receipt,
    Entry,
    Prompt,
    Output,
    Credit,
    Payout
}

/// @notice One leaf: number `index` under `root`, which the batch or epoch of the hash `subject` committed to. `count` is
///         that of the tree's leaves, of a token list that of its tokens.
struct Demand {
    DataKind kind;
    bytes32 subject;
    bytes32 root;
    uint32 count;
    uint32 index;
}

/// @notice A receipt with all that it stands on. `onChain`: its request was opened on chain and has no payment.
struct ServedReceipt {
    Receipt receipt;
    Request request;
    bool onChain;
    Payment payment;
    uint128[10] sums;
    bytes siblings;
}

struct ServedEntry {
    AttributionEntry entry;
    uint128[4] sums;
    bytes siblings;
}

/// @title Demands
/// @notice Sizes and costs of what is demanded.
library Demands {
    /// @dev Tokens of one leaf of a token list.
    uint256 internal constant TOKENS_PER_LEAF = 32;
    /// @dev Gas of an answer without siblings: a receipt comes with its request and payment.
    uint256 private constant RECEIPT_GAS = 170_000;
    uint256 private constant LEAF_GAS = 125_000;
    /// @dev Gas of an answer for each byte of its siblings: calldata, event and hashing.
    uint256 private constant SIBLING_BYTE_GAS = 30;
    /// @dev Bytes of an answer's transaction without siblings.
    uint256 private constant RECEIPT_BYTES = 2_600;
    uint256 private constant LEAF_BYTES = 800;

    function leaves(Demand memory demand) internal pure returns (uint256) {
        bool tokens = demand.kind == DataKind.Prompt || demand.kind == DataKind.Output;
        return tokens ? (demand.count + TOKENS_PER_LEAF - 1) / TOKENS_PER_LEAF : demand.count;
    }

    /// @return gas_   gas of the answer's transaction
    /// @return bytes_ bytes of the answer's transaction
    function answerCost(Demand memory demand) internal pure returns (uint256 gas_, uint256 bytes_) {
        bool receipt = demand.kind == DataKind.Receipt;
        uint256 siblings = _rowBytes(demand.kind) * SumTrees.depth(leaves(demand));
        gas_ = (receipt ? RECEIPT_GAS : LEAF_GAS) + siblings * SIBLING_BYTE_GAS;
        bytes_ = (receipt ? RECEIPT_BYTES : LEAF_BYTES) + siblings;
    }

    function _rowBytes(DataKind kind) private pure returns (uint256) {
        if (kind == DataKind.Receipt) return 192;
        if (kind == DataKind.Entry) return 96;
        return kind < DataKind.Credit ? 32 : 48;
    }
}
