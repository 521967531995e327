// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { Predeploys } from "./Predeploys.sol";
import {
    Answer,
    AttributionEntry,
    BatchHeader,
    Cancel,
    Credit,
    EpochHeader,
    INDEXES_MAX,
    Payout,
    POOL_KIND_ESCROW,
    POOL_KIND_STAKERS,
    POOL_KIND_TREASURY,
    POOL_KIND_UNITS,
    Receipt,
    Request,
    RoyaltyRow,
    ROYALTY_ADDRESS,
    ROYALTY_ROWS_MAX,
    BPS,
    Segment,
    Signature,
    Voucher
} from "./MoneyTypes.sol";

/// @title MoneyHashes
/// @notice How every object of docs/MONEY.md is hashed: EIP-712 digests (§2), leaves and names (§4), headers (§5, §6).
library MoneyHashes {
    /// @notice A royalty vector has 1 to 32 rows.
    error BadRoyaltyCount(uint256 rows);
    /// @notice A royalty row is of no known kind, holds nothing, or does not stand behind the one before it.
    error BadRoyaltyRow(uint256 row);
    /// @notice The rows of a royalty vector do not add up to 10,000.
    error BadRoyaltySum(uint256 bps);

    /// @notice A model version has at most 8 indexes.
    error TooManyIndexes(uint256 indexes);
    /// @notice An index has no id, or does not stand behind the one before it.
    error BadIndexOrder(uint256 index);

    /// @dev "OLpool" and five zeros: what the accounts of pools begin with.
    uint256 private constant POOL_PREFIX = 0x4f4c706f6f6c0000000000;
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("OpenLedger");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant ADAPTER_TYPEHASH = keccak256("Adapter(bytes32 root,uint16 weight)");
    bytes32 private constant SAMPLING_TYPEHASH =
        keccak256("Sampling(uint32 tempQ16,uint16 topK,uint32 topPQ16,uint32 maxTokens,bytes32 stopHash)");
    bytes32 internal constant REQUEST_TYPEHASH = keccak256(
        "Request(uint256 chainId,address payer,uint64 nonce,bytes32 modelVersion,Adapter[] adapters,bytes32 templateHash,bytes32 promptRoot,Sampling sampling,uint8 class,uint32 priceVersion,uint128 maxFee,bytes32 appCode,uint64 deadline)Adapter(bytes32 root,uint16 weight)Sampling(uint32 tempQ16,uint16 topK,uint32 topPQ16,uint32 maxTokens,bytes32 stopHash)"
    );
    bytes32 private constant VOUCHER_TYPEHASH = keccak256(
        "Voucher(bytes32 channel,bytes32 requestId,address worker,uint128 maxFee,uint128 cumulativeCap,uint64 deadline)"
    );
    bytes32 private constant ANSWER_TYPEHASH = keccak256("Answer(bytes32 requestId,bytes32 outputRoot,bool final)");
    bytes32 private constant CANCEL_TYPEHASH = keccak256("Cancel(bytes32 requestId,uint32 tout,bytes32 outputRoot)");
    bytes32 private constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 requestId,address worker,uint32 tin,uint32 tout,uint128 fee,bytes32 outputRoot,bytes32 traceRoot,uint8 class,bytes32 proofHash,bytes32 indexSetHash,bytes32 algoHash,bytes32 attrRoot,uint32 attrEntries,bytes32 royaltyHash)"
    );

    /// @notice Domain of everything that is signed: the InferenceMarket on this chain.
    function domainSeparator() internal view returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, Predeploys.INFERENCE_MARKET)
        );
    }

    /// @notice What is signed for an object of this struct hash.
    function digest(bytes32 structHash_) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash_));
    }

    /// @notice Who signed an object; zero where nobody can have.
    function signerOf(bytes32 structHash_, bytes32 r, bytes32 vs) internal view returns (address signer) {
        (signer,,) = ECDSA.tryRecover(digest(structHash_), r, vs);
    }

    /// @notice A request's id is its digest.
    function requestId(Request memory request) internal view returns (bytes32) {
        return digest(structHash(request));
    }

    function structHash(Request memory request) internal pure returns (bytes32) {
        bytes32[] memory adapters = new bytes32[](request.adapters.length);
        for (uint256 i = 0; i < adapters.length; i++) {
            adapters[i] = keccak256(abi.encode(ADAPTER_TYPEHASH, request.adapters[i]));
        }
        bytes memory head = abi.encode(
            REQUEST_TYPEHASH,
            request.chainId,
            request.payer,
            request.nonce,
            request.modelVersion,
            keccak256(abi.encodePacked(adapters)),
            request.templateHash
        );
        bytes memory tail = abi.encode(
            request.promptRoot,
            keccak256(abi.encode(SAMPLING_TYPEHASH, request.sampling)),
            request.class,
            request.priceVersion,
            request.maxFee,
            request.appCode,
            request.deadline
        );
        return keccak256(bytes.concat(head, tail));
    }

    function structHash(Voucher memory voucher) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPEHASH, voucher));
    }

    function structHash(Answer memory answer) internal pure returns (bytes32) {
        return keccak256(abi.encode(ANSWER_TYPEHASH, answer));
    }

    function structHash(Cancel memory cancel) internal pure returns (bytes32) {
        return keccak256(abi.encode(CANCEL_TYPEHASH, cancel));
    }

    function structHash(Receipt memory receipt) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, receipt));
    }

    /// @notice The deposit of one payer for one worker.
    function channelOf(address payer, address worker) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(payer, worker));
    }

    /// @notice What pays a receipt: a signed voucher. A request opened on chain has zero here.
    function paymentHash(Voucher memory voucher, Signature memory signature) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x07), structHash(voucher), signature.r, signature.vs));
    }

    /// @notice As above, of a stream that the payer cut.
    function paymentHash(
        Voucher memory voucher,
        Signature memory signature,
        Cancel memory cancel,
        Signature memory cancelSignature
    ) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                uint8(0x07),
                structHash(voucher),
                signature.r,
                signature.vs,
                structHash(cancel),
                cancelSignature.r,
                cancelSignature.vs
            )
        );
    }

    function receiptLeaf(Receipt memory receipt, bytes32 paymentHash_) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x02), structHash(receipt), paymentHash_));
    }

    function entryLeaf(AttributionEntry memory entry) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                uint8(0x03), entry.index, entry.payee, entry.id, entry.class, entry.evidenceHash, entry.weight
            )
        );
    }

    function creditLeaf(Credit memory credit) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(uint8(0x05), credit.index, credit.payee, credit.receipt, credit.entry, credit.amount)
        );
    }

    function payoutLeaf(Payout memory payout) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(0x06), payout.index, payout.payee, payout.cumulative));
    }

    /// @notice The account under which a pool stands among payees; nobody holds its key.
    function poolPayee(uint8 kind, uint64 id) internal pure returns (address) {
        return address(uint160(POOL_PREFIX << 72 | uint256(kind) << 64 | id));
    }

    /// @notice Whether an account is one of `poolPayee`.
    function isPool(address payee) internal pure returns (bool) {
        uint256 value = uint160(payee);
        if (value >> 72 != POOL_PREFIX) return false;
        uint8 kind = uint8(value >> 64);
        return isPoolId(kind, uint64(value));
    }

    /// @notice Whether there is such a pool: one of the stakers and one of the treasury, of the other kinds any number.
    function isPoolId(uint8 kind, uint64 id) internal pure returns (bool) {
        return kind <= POOL_KIND_ESCROW && (id == 0 || (kind != POOL_KIND_STAKERS && kind != POOL_KIND_TREASURY));
    }

    /// @notice Whether an account is that of a Datanet's unit holders.
    function isUnitsPool(address payee) internal pure returns (bool) {
        return uint160(payee) >> 64 == POOL_PREFIX << 8 | POOL_KIND_UNITS;
    }

    /// @notice Hash of a royalty vector; reverts where it is none (§4).
    function royaltyHash(RoyaltyRow[] memory rows) internal pure returns (bytes32) {
        if (rows.length == 0 || rows.length > ROYALTY_ROWS_MAX) revert BadRoyaltyCount(rows.length);
        bytes memory packed = abi.encodePacked(uint8(0x08), uint8(rows.length));
        uint256 before;
        uint256 sum;
        for (uint256 i = 0; i < rows.length; i++) {
            RoyaltyRow memory row = rows[i];
            uint256 key = (uint256(row.kind) << 160) | uint160(row.id);
            bool nobody = row.kind == 0 && uint160(row.id) > type(uint64).max || row.id == address(0);
            if (row.kind > ROYALTY_ADDRESS || nobody || row.bps == 0 || key <= before) revert BadRoyaltyRow(i);
            before = key;
            sum += row.bps;
            packed = abi.encodePacked(packed, row.kind, row.id, row.bps);
        }
        if (sum != BPS) revert BadRoyaltySum(sum);
        return keccak256(packed);
    }

    /// @notice Hash of the indexes that a model version pins, their ids strictly ascending; zero of none.
    function indexSetHash(bytes32[] memory ids) internal pure returns (bytes32) {
        if (ids.length > INDEXES_MAX) revert TooManyIndexes(ids.length);
        bytes32 before;
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] <= before) revert BadIndexOrder(i);
            before = ids[i];
        }
        return ids.length == 0 ? before : keccak256(abi.encodePacked(uint8(0x0b), uint8(ids.length), ids));
    }

    function segmentsHash(Segment[] memory segments) internal pure returns (bytes32) {
        return keccak256(abi.encode(segments));
    }

    function batchHash(BatchHeader memory header) internal pure returns (bytes32) {
        return keccak256(abi.encode(header));
    }

    function epochHash(EpochHeader memory header) internal pure returns (bytes32) {
        return keccak256(abi.encode(header));
    }
}
