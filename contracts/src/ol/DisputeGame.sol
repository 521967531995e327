// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Run } from "../lib/Chunks.sol";
import { EpochRecord, EpochRecords } from "../lib/EpochRecords.sol";
import { Fault } from "../lib/Faults.sol";
import { OpenedConfig } from "../lib/ModelSections.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    Answer, BatchHeader, FEE, Request, RoyaltyRow, Segment, Signature
} from "../lib/MoneyTypes.sol";
import {
    OpenedCredit,
    OpenedEntry,
    OpenedPayout,
    OpenedReceipt,
    OpenedRequest,
    Openings,
    Payment,
    ReceiptRow,
    TokenCount
} from "../lib/Openings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { OmittedSpan, SpanClaim, SpanDocument, SpanText, TokenScore } from "../lib/SpanTypes.sol";
import { Step } from "../lib/StepTypes.sol";
import { TextIndex } from "../lib/TextIndexes.sol";
import { ShownPlace, TraceHead } from "../lib/Traces.sol";
import { CreditCut, EpochFault, PayoutCut } from "./EpochJudge.sol";
import { EvidenceRewards } from "./EvidenceRewards.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { ICheckerCommittee } from "./interfaces/ICheckerCommittee.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
import { IWorkerRegistry } from "./interfaces/IWorkerRegistry.sol";
import { ShareClaim, SignaturePair, UnitClaim } from "./ShareJudge.sol";
import {
    CitationClaim,
    CitedDocument,
    CitedPlace,
    CitedText,
    CommonCitation,
    OmittedCitation,
    SketchClaim,
    SketchRow
} from "./SketchJudge.sol";
import { ShownText } from "./StopJudge.sol";

/// @title DisputeGame
/// @notice Where a wrong receipt, batch, epoch or worker is proven wrong, each by one transaction. Predeploy 0x4f4c…0009.
///
/// Every challenge is put with its own calldata to a judge, a contract without state that finds the fault or reverts
/// (ReceiptJudge, EntryJudge, SpanJudge, ShareJudge, SketchJudge, TraceJudge, StopJudge, EpochJudge, or CheckerCommittee, which says what a vote found);
/// here the consequences follow: the receipt or batch is void and its payers are refunded, the worker is slashed; or the epoch
/// is reverted and its bond lost. The market and the ledger refuse what is void, mature, final or unknown to them.
contract DisputeGame is EvidenceRewards {
    event ReceiptDisputed(
        uint64 indexed batchId, uint32 indexed index, Fault fault, address indexed worker, bytes32 subject, uint256 reward
    );
    event BatchDisputed(
        uint64 indexed batchId, Fault fault, address indexed worker, bytes32 subject, uint256 reward
    );
    event EpochDisputed(uint64 indexed epoch, EpochFault fault, bytes32 subject, uint256 reward);
    event EquivocationProven(address indexed worker, bytes32 indexed requestId, bytes32 subject, uint256 reward);

    error NotTwoAnswers();
    error NotSigned(address worker);
    error AlreadyProven(address worker, bytes32 requestId);

    /// @notice Workers that were found to have given two final answers to a request.
    mapping(address worker => mapping(bytes32 requestId => bool)) public equivocated;

    // --- Receipts; see ReceiptJudge ---

    function badReceipt(OpenedReceipt calldata opened, Segment[] calldata segments) external {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function badTerms(OpenedReceipt calldata opened, Segment[] calldata segments, OpenedRequest calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function badPayment(OpenedReceipt calldata opened, Segment[] calldata segments, Payment calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function badPromptCount(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedRequest calldata,
        TokenCount calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function badOutputCount(OpenedReceipt calldata opened, Segment[] calldata segments, TokenCount calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function duplicateRequest(OpenedReceipt calldata opened, Segment[] calldata segments, OpenedReceipt calldata)
        external
    {
        _voidReceipt(opened, segments, _fault(Predeploys.RECEIPT_JUDGE));
    }

    function badSegment(
        BatchHeader calldata header,
        Segment[] calldata segments,
        uint256 k,
        ReceiptRow calldata,
        ReceiptRow calldata
    ) external {
        Fault fault = _fault(Predeploys.RECEIPT_JUDGE);
        _voidBatch(header, segments, fault, segments[k].fee);
    }

    function badBatchTotal(BatchHeader calldata header, Segment[] calldata segments, ReceiptRow calldata) external {
        _voidBatch(header, segments, _fault(Predeploys.RECEIPT_JUDGE), header.sums[FEE]);
    }

    // --- Entries; see EntryJudge ---

    function badPools(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        uint32,
        uint128[4] calldata,
        bytes32
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    function badEntryTotal(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        uint32,
        bytes32,
        uint128[4] calldata,
        bytes calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    function badEntry(OpenedReceipt calldata opened, Segment[] calldata segments, OpenedEntry calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    function badEntryOrder(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedEntry calldata,
        OpenedEntry calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    function badAppEntry(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedEntry calldata,
        OpenedRequest calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    function badRoyaltyEntry(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedEntry calldata,
        RoyaltyRow[] calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.ENTRY_JUDGE));
    }

    // --- Spans; see SpanJudge ---

    function badSpanEvidence(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedEntry calldata,
        OpenedEntry calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    /// @notice The evidence of an entry was not shown in time; see EvidenceDemands.
    function evidenceMissing(OpenedReceipt calldata opened, Segment[] calldata segments, OpenedEntry calldata)
        external
    {
        _voidReceipt(opened, segments, _fault(Predeploys.EVIDENCE_DEMANDS));
    }

    function badSpanForm(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        bytes32[] calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function badSpanPlace(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        SpanText calldata,
        uint16
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function missedSpanPlace(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        SpanText calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function longerSpan(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        SpanText calldata,
        bool
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function badSpanContribution(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        SpanDocument calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function badSpanScore(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        TokenScore calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function badSpanWeight(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        TextIndex[] calldata,
        uint16
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    function omittedSpan(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SpanClaim calldata,
        OmittedSpan calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SPAN_JUDGE));
    }

    // --- Shares of algoHash v2, and units of models without indexes; see ShareJudge, and SketchJudge for influences and citations ---

    function badShareEvidence(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        OpenedEntry calldata,
        OpenedEntry calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SHARE_JUDGE));
    }

    function badGroups(OpenedReceipt calldata opened, Segment[] calldata segments, ShareClaim calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SHARE_JUDGE));
    }

    function badSpanGroup(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        ShareClaim calldata,
        SignaturePair calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SHARE_JUDGE));
    }

    function badShareWeight(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        ShareClaim calldata,
        TextIndex[] calldata,
        uint16
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SHARE_JUDGE));
    }

    function badUnitWeight(OpenedReceipt calldata opened, Segment[] calldata segments, UnitClaim calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SHARE_JUDGE));
    }

    function badSketchForm(OpenedReceipt calldata opened, Segment[] calldata segments, SketchClaim calldata) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function badSketchScore(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SketchClaim calldata,
        uint8,
        SketchRow calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function omittedScore(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        SketchClaim calldata,
        SketchRow calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function badCitationForm(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        bytes32[] calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function badCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        CitedText calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function badCitationContribution(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        CitedDocument calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function longerCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        CitedPlace calldata,
        bool
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function earlierCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        CitedPlace calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function commonCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        CommonCitation calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    function omittedCitation(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        CitationClaim calldata,
        OmittedCitation calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.SKETCH_JUDGE));
    }

    // --- Inference; see TraceJudge, and StopJudge for where an answer ends ---

    function wrongStep(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        Step calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.TRACE_JUDGE));
    }

    function badTraceHead(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        TraceHead calldata,
        OpenedConfig calldata,
        OpenedConfig[] calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.TRACE_JUDGE));
    }

    function badTracePlace(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        TraceHead calldata,
        OpenedConfig calldata,
        OpenedConfig[] calldata,
        ShownPlace calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.TRACE_JUDGE));
    }

    /// @notice A part of the trace was not shown in time; see TraceDemands.
    function traceMissing(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        uint8,
        uint8,
        uint32
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.TRACE_DEMANDS));
    }

    function ranOverLimit(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        OpenedConfig calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.STOP_JUDGE));
    }

    function ranOverEnd(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        OpenedConfig calldata,
        Run calldata,
        uint32
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.STOP_JUDGE));
    }

    function ranOverStop(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        ShownText calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.STOP_JUDGE));
    }

    function stoppedEarly(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        OpenedConfig calldata,
        ShownText calldata,
        Payment calldata
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.STOP_JUDGE));
    }

    function noSuchToken(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Request calldata,
        OpenedConfig calldata,
        Run calldata,
        uint32
    ) external {
        _voidReceipt(opened, segments, _fault(Predeploys.STOP_JUDGE));
    }

    /// @notice A part of the fingerprint was not shown in time; see FingerprintJudge.
    function fingerprintMissing(OpenedReceipt calldata opened, Segment[] calldata segments, uint32) external {
        _voidReceipt(opened, segments, _fault(Predeploys.FINGERPRINT_JUDGE));
    }

    /// @notice Four of five checkers found the receipt wrong; see CheckerCommittee. The reward is the challenger's.
    function committeeVerdict(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        uint8 kind,
        bytes32 evidence
    ) external {
        ICheckerCommittee committee = ICheckerCommittee(Predeploys.CHECKER_COMMITTEE);
        (address challenger, uint64 since) = committee.challengerOf(opened.header, opened.index, kind, evidence);
        _voidReceipt(opened, segments, _fault(Predeploys.CHECKER_COMMITTEE), challenger, since);
    }

    // --- Epochs; see EpochJudge ---

    function badCreditReceipt(EpochRecord calldata record, OpenedCredit calldata opened) external {
        _revertEpoch(record, Scope.Credit, opened.credit.index);
    }

    function badVoidCredit(EpochRecord calldata record, OpenedCredit calldata opened, uint64) external {
        _revertEpoch(record, Scope.Credit, opened.credit.index);
    }

    function badCreditEntry(EpochRecord calldata record, OpenedCredit calldata opened, OpenedReceipt calldata) external {
        _revertEpoch(record, Scope.Credit, opened.credit.index);
    }

    function badAmount(
        EpochRecord calldata record,
        OpenedCredit calldata opened,
        OpenedReceipt calldata,
        OpenedEntry calldata
    ) external {
        _revertEpoch(record, Scope.Credit, opened.credit.index);
    }

    function creditsUnsorted(EpochRecord calldata record, OpenedCredit calldata at, OpenedCredit calldata) external {
        _revertEpoch(record, Scope.Credit, at.credit.index);
    }

    function payoutUnsorted(EpochRecord calldata record, OpenedPayout calldata at, OpenedPayout calldata) external {
        _revertEpoch(record, Scope.Payout, at.payout.index);
    }

    function badCumulative(
        EpochRecord calldata record,
        OpenedPayout calldata opened,
        PayoutCut calldata,
        CreditCut calldata,
        CreditCut calldata
    ) external {
        _revertEpoch(record, Scope.Payout, opened.payout.index);
    }

    function badCreditsTotal(EpochRecord calldata record, bytes32, uint128, bytes calldata) external {
        _revertEpoch(record, Scope.Credit, record.header.creditsCount);
    }

    function badPayoutsTotal(EpochRecord calldata record, bytes32, uint128, bytes calldata) external {
        _revertEpoch(record, Scope.Payout, record.header.payoutCount);
    }

    // --- Workers ---

    /// @notice A worker signed two final answers with different outputs to one request.
    function equivocation(
        address worker,
        Answer calldata first,
        Signature calldata firstSignature,
        Answer calldata second,
        Signature calldata secondSignature
    ) external {
        bytes32 requestId = first.requestId;
        bool two = second.requestId == requestId && first.isFinal && second.isFinal
            && first.outputRoot != second.outputRoot;
        if (!two) revert NotTwoAnswers();
        _requireSigned(worker, first, firstSignature);
        _requireSigned(worker, second, secondSignature);
        if (equivocated[worker][requestId]) revert AlreadyProven(worker, requestId);
        equivocated[worker][requestId] = true;
        bytes32 subject = subjectOf(Scope.Answer, requestId, uint160(worker));
        uint256 reward = _slash(worker, Fault.Equivocation, 0);
        _award(subject, reward);
        emit EquivocationProven(worker, requestId, subject, reward);
    }

    function _voidReceipt(OpenedReceipt calldata opened, Segment[] calldata segments, Fault fault) private {
        _voidReceipt(opened, segments, fault, msg.sender, uint64(block.number));
    }

    /// @param winner whose the reward is
    /// @param since  the block in which the winner showed that it knows of the fault
    function _voidReceipt(
        OpenedReceipt calldata opened,
        Segment[] calldata segments,
        Fault fault,
        address winner,
        uint64 since
    ) private {
        BatchHeader calldata header = opened.header;
        Segment calldata segment = Openings.segmentOf(header, segments, opened.index);
        IInferenceMarket(Predeploys.INFERENCE_MARKET).voidReceipt(
            header, opened.index, opened.sums, segment.channel, segment.requestId
        );
        bytes32 subject = subjectOf(Scope.Receipt, bytes32(uint256(header.batchId)), opened.index);
        uint256 reward = _slash(header.worker, fault, opened.sums[FEE]);
        _award(subject, reward, winner, since);
        emit ReceiptDisputed(header.batchId, opened.index, fault, header.worker, subject, reward);
    }

    function _voidBatch(BatchHeader calldata header, Segment[] calldata segments, Fault fault, uint256 fees) private {
        IInferenceMarket(Predeploys.INFERENCE_MARKET).voidBatch(header, segments);
        bytes32 subject = subjectOf(Scope.Batch, bytes32(uint256(header.batchId)), 0);
        uint256 reward = _slash(header.worker, fault, fees);
        _award(subject, reward);
        emit BatchDisputed(header.batchId, fault, header.worker, subject, reward);
    }

    function _revertEpoch(EpochRecord calldata record, Scope scope, uint256 index) private {
        EpochFault fault = EpochFault(_ask(Predeploys.EPOCH_JUDGE));
        bytes32 subject = subjectOf(scope, EpochRecords.hash(record), index);
        uint256 reward = IAttributionLedger(Predeploys.ATTRIBUTION_LEDGER).revertEpoch(record, address(this));
        _award(subject, reward);
        emit EpochDisputed(record.header.epoch, fault, subject, reward);
    }

    /// @dev The half of a slash that came in, which needs no code of ours to receive it.
    function _slash(address worker, Fault fault, uint256 feeBase) private returns (uint256) {
        uint256 before = address(this).balance;
        IWorkerRegistry(Predeploys.WORKER_REGISTRY).slash(worker, fault, feeBase, address(this));
        return address(this).balance - before;
    }

    function _fault(address judge) private view returns (Fault) {
        return Fault(_ask(judge));
    }

    /// @dev Puts this call to a judge; its reasons are ours.
    function _ask(address judge) private view returns (uint256) {
        return abi.decode(Address.functionStaticCall(judge, msg.data), (uint256));
    }

    function _requireSigned(address worker, Answer calldata answer, Signature calldata signature) private view {
        address signer = MoneyHashes.signerOf(MoneyHashes.structHash(answer), signature.r, signature.vs);
        if (signer == address(0) || signer != worker) revert NotSigned(worker);
    }
}
