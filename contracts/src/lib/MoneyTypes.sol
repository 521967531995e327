// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Objects of docs/MONEY.md, field by field. Amounts are wei, times Unix seconds.

/// @dev Places of a receipt row's sums.
uint256 constant FEE = 0;
uint256 constant TIN = 1;
uint256 constant TOUT = 2;
uint256 constant ENTRIES = 3;
uint256 constant PLATFORM = 4;
uint256 constant MODEL = 5;
uint256 constant STAKERS = 6;
uint256 constant WORKER = 7;
uint256 constant BUILDER = 8;
uint256 constant CONTRIBUTORS = 9;

/// @dev Places of an entry row's sums: the weight stands in the one of the pool that the entry is paid from.
uint256 constant POOL_MODEL = 0;
uint256 constant POOL_WORKER = 1;
uint256 constant POOL_BUILDER = 2;
uint256 constant POOL_CONTRIBUTORS = 3;

/// @dev Proof classes whose answers come with a trace: all of it checked, or the layers that the beacon draws.
uint8 constant PROOF_EXACT = 1;
uint8 constant PROOF_SAMPLED = 2;
uint8 constant PROOF_FINGERPRINT = 3;

/// @dev What the weights of a pool add up to.
uint64 constant WEIGHT_TOTAL = 1_000_000;
uint256 constant BPS = 10_000;

/// @dev Classes of entries.
uint8 constant CLASS_M = 0;
uint8 constant CLASS_W = 1;
uint8 constant CLASS_A = 2;
uint8 constant CLASS_S = 3;
uint8 constant CLASS_G = 4;
uint8 constant CLASS_R = 5;
uint8 constant CLASS_U = 6;

/// @dev Kinds of pools that stand as a payee.
uint8 constant POOL_KIND_STAKERS = 0;
uint8 constant POOL_KIND_UNITS = 1;
uint8 constant POOL_KIND_TREASURY = 2;
/// @dev Of a contribution with its labels, by its id; and of what a dispute holds back, by the dispute's.
uint8 constant POOL_KIND_ITEM = 3;
uint8 constant POOL_KIND_ESCROW = 4;

/// @dev Kinds of royalty rows.
uint8 constant ROYALTY_MODEL = 0;
uint8 constant ROYALTY_ADDRESS = 1;
uint256 constant ROYALTY_ROWS_MAX = 32;

/// @dev Indexes that a model version pins.
uint256 constant INDEXES_MAX = 8;

struct Adapter {
    bytes32 root;
    uint16 weight;
}

struct Sampling {
    uint32 tempQ16;
    uint16 topK;
    uint32 topPQ16;
    uint32 maxTokens;
    bytes32 stopHash;
}

struct Request {
    uint256 chainId;
    address payer;
    uint64 nonce;
    bytes32 modelVersion;
    Adapter[] adapters;
    bytes32 templateHash;
    bytes32 promptRoot;
    Sampling sampling;
    uint8 class;
    uint32 priceVersion;
    uint128 maxFee;
    bytes32 appCode;
    uint64 deadline;
}

struct Voucher {
    bytes32 channel;
    bytes32 requestId;
    address worker;
    uint128 maxFee;
    uint128 cumulativeCap;
    uint64 deadline;
}

struct Answer {
    bytes32 requestId;
    bytes32 outputRoot;
    bool isFinal;
}

struct Cancel {
    bytes32 requestId;
    uint32 tout;
    bytes32 outputRoot;
}

struct Receipt {
    bytes32 requestId;
    address worker;
    uint32 tin;
    uint32 tout;
    uint128 fee;
    bytes32 outputRoot;
    bytes32 traceRoot;
    uint8 class;
    bytes32 proofHash;
    bytes32 indexSetHash;
    bytes32 algoHash;
    bytes32 attrRoot;
    uint32 attrEntries;
    bytes32 royaltyHash;
}

/// @dev `r ‖ vs` of EIP-2098.
struct Signature {
    bytes32 r;
    bytes32 vs;
}

struct Price {
    uint128 rin;
    uint128 rout;
    uint64 validUntil;
    uint32 sharesVersion;
    uint64 setAt;
}

struct Shares {
    uint128 platformFee;
    uint16 betaBps;
    uint16 gammaBps;
    uint16 omegaBps;
    uint16 rhoBps;
}

/// @dev A commit behind `notAfter` is refused: a transaction that was held back makes no honest worker late.
struct BatchInput {
    bytes32 topHash;
    uint32 count;
    uint128[10] sums;
    uint8 class;
    bytes32 dataHash;
    uint64 notAfter;
}

struct Segment {
    bytes32 channel;
    uint32 count;
    uint128 fee;
    bytes32 requestId;
    uint128 maxFee;
    uint128 cumulativeCap;
    uint64 deadline;
    bytes32 r;
    bytes32 vs;
}

struct BatchHeader {
    uint64 batchId;
    address worker;
    uint64 committedAt;
    uint64 l2Block;
    bytes32 receiptRoot;
    uint32 count;
    uint128[10] sums;
    uint8 class;
    bytes32 dataHash;
    bytes32 segmentsHash;
}

/// @dev Running totals of all matured batches. `receipts` counts void ones of live batches too (an epoch numbers them), all
///      else is of live receipts. `payable_` = model + worker + builder + contributors.
struct Totals {
    uint64 receipts;
    uint64 entries;
    uint128 payable_;
    uint128 platform;
    uint128 stakers;
}

struct AttributionEntry {
    uint32 index;
    address payee;
    uint64 id;
    uint8 class;
    bytes32 evidenceHash;
    uint64 weight;
}

struct RoyaltyRow {
    uint8 kind;
    address id;
    uint16 bps;
}

struct Credit {
    uint32 index;
    address payee;
    uint32 receipt;
    uint32 entry;
    uint128 amount;
}

struct Payout {
    uint32 index;
    address payee;
    uint128 cumulative;
}

struct EpochHeader {
    uint64 epoch;
    bytes32 parentRoot;
    uint64 firstBatch;
    uint64 lastBatch;
    bytes32 creditsRoot;
    uint128 creditsSum;
    uint32 creditsCount;
    bytes32 payoutRoot;
    uint128 payoutSum;
    uint32 payoutCount;
    bytes32 dataHash;
    bytes32 algoHash;
}
