// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { Fault } from "../lib/Faults.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Receipt, Request, Segment } from "../lib/MoneyTypes.sol";
import { ModelSections, OpenedConfig } from "../lib/ModelSections.sol";
import { OpenedReceipt, Payment } from "../lib/Openings.sol";
import { TokenBytes } from "../lib/TokenBytes.sol";
import { TracedAnswers } from "../lib/TracedAnswers.sol";

/// @dev Output tokens from `first` on with the chunks of the tokenizer that their bytes are made of: its first, and those of the
///      merges. `stops` is what the request's stopHash commits to. Where the request has none, no tokenizer is shown.
struct ShownText {
    uint32 first;
    uint32 count;
    Run output;
    bytes32 tokenizerRoot;
    uint64 tokenizerBytes;
    bytes32[] tokenizerSiblings;
    Run[] tokenizer;
    bytes[] stops;
}

/// @title StopJudge
/// @notice Whether an answer does not end where the stop rule ends it, or has tokens that the model has not. Predeploy
///         0x4f4c…0032; asked as ReceiptJudge is. docs/canonical-inference.md §11.
///
/// An answer ends with the first output that is eos, or behind which its bytes hold a stop string, or that is number
/// maxTokens, or that fills the context; but for a stream that the payer cut, nowhere else.
contract StopJudge {
    /// @notice The arguments open, and show nothing wrong.
    error NoFault();
    /// @notice The stop strings are not those of the request.
    error WrongStops(bytes32 stopHash);
    /// @notice The output has no such token.
    error NoSuchOutput(uint256 place, uint32 tout);
    /// @notice A stop string could begin before the bytes that are shown.
    error TextTooShort(uint256 bytes_);
    error WrongPayment(bytes32 paymentHash);

    /// @dev Bytes of the longest stop string.
    uint256 private constant STOP_BYTES_MAX = 32;
    /// @dev Bytes of text that a proof shows at most: those of two tokens and what a stop string may reach before them.
    uint256 private constant TEXT_BYTES_MAX = 4_096;

    /// @notice The answer has no prompt, or more outputs than the request or the context allows.
    function ranOverLimit(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        OpenedConfig calldata config
    ) external view returns (Fault) {
        _requireConfig(opened, request, config);
        Receipt calldata receipt = opened.receipt;
        uint256 room = ModelSections.word(config, ModelSections.CONTEXT);
        bool isOver = uint256(receipt.tin) + receipt.tout > room || receipt.tout > request.sampling.maxTokens;
        if (receipt.tin > 0 && !isOver) revert NoFault();
        return Fault.WrongStep;
    }

    /// @notice Output `place`, not the last, is eos.
    function ranOverEnd(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        OpenedConfig calldata config,
        Run calldata output,
        uint32 place
    ) external view returns (Fault) {
        _requireConfig(opened, request, config);
        Receipt calldata receipt = opened.receipt;
        if (uint256(place) + 1 >= receipt.tout) revert NoSuchOutput(place, receipt.tout);
        Chunks.openTokens(receipt.outputRoot, receipt.tout, output);
        if (Chunks.word(output, place) != ModelSections.word(config, ModelSections.EOS)) revert NoFault();
        return Fault.WrongStep;
    }

    /// @notice The bytes of some outputs, the last not among them, hold a stop string.
    function ranOverStop(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        ShownText calldata shown
    ) external view returns (Fault) {
        bytes32 modelRoot = TracedAnswers.requireAnswer(opened, request);
        uint256 end = uint256(shown.first) + shown.count;
        if (end >= opened.receipt.tout) revert NoSuchOutput(end, opened.receipt.tout);
        (bytes memory text,) = _textOf(opened.receipt, request, modelRoot, shown);
        if (!_holdsStop(text, shown.stops, 0)) revert NoFault();
        return Fault.WrongStep;
    }

    /// @notice The answer ends although nothing ends it. The text shown ends with the last output; of another stop string before
    ///         that the answer ran over it.
    function stoppedEarly(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        OpenedConfig calldata config,
        ShownText calldata shown,
        Payment calldata payment
    ) external view returns (Fault) {
        bytes32 modelRoot = _requireConfig(opened, request, config);
        Receipt calldata receipt = opened.receipt;
        if (_isCut(opened.paymentHash, payment)) revert NoFault();
        uint256 room = ModelSections.word(config, ModelSections.CONTEXT);
        bool isFull = uint256(receipt.tin) + receipt.tout >= room || receipt.tout >= request.sampling.maxTokens;
        if (isFull) revert NoFault();
        if (receipt.tout == 0) return Fault.WrongStep;
        uint256 end = uint256(shown.first) + shown.count;
        if (shown.count == 0 || end != receipt.tout) revert NoSuchOutput(end, receipt.tout);
        (bytes memory text, uint256 last) = _textOf(receipt, request, modelRoot, shown);
        uint256 eos = ModelSections.word(config, ModelSections.EOS);
        if (Chunks.word(shown.output, end - 1) == eos) revert NoFault();
        if (request.sampling.stopHash == bytes32(0)) return Fault.WrongStep;
        if (shown.first > 0 && last + 1 < STOP_BYTES_MAX) revert TextTooShort(last);
        if (_holdsStop(text, shown.stops, last)) revert NoFault();
        return Fault.WrongStep;
    }

    /// @notice The token of a position is not one of the model's.
    function noSuchToken(
        OpenedReceipt calldata opened,
        Segment[] calldata,
        Request calldata request,
        OpenedConfig calldata config,
        Run calldata tokens,
        uint32 position
    ) external view returns (Fault) {
        _requireConfig(opened, request, config);
        Receipt calldata receipt = opened.receipt;
        bool isPrompt = position < receipt.tin;
        (bytes32 root, uint32 count) =
            isPrompt ? (request.promptRoot, receipt.tin) : (receipt.outputRoot, receipt.tout);
        Chunks.openTokens(root, count, tokens);
        uint32 token = Chunks.word(tokens, isPrompt ? position : position - receipt.tin);
        if (token < ModelSections.word(config, ModelSections.VOCAB)) revert NoFault();
        return Fault.WrongStep;
    }

    function _requireConfig(OpenedReceipt calldata opened, Request calldata request, OpenedConfig calldata config)
        private
        view
        returns (bytes32 modelRoot)
    {
        modelRoot = TracedAnswers.requireAnswer(opened, request);
        ModelSections.openConfig(modelRoot, config);
    }

    /// @return text bytes of the outputs shown; none where the request has no stop strings
    /// @return last where those of the last output begin
    function _textOf(Receipt calldata receipt, Request calldata request, bytes32 modelRoot, ShownText calldata shown)
        private
        view
        returns (bytes memory text, uint256 last)
    {
        bytes32 stopHash = request.sampling.stopHash;
        Chunks.openTokens(receipt.outputRoot, receipt.tout, shown.output);
        if (stopHash == bytes32(0)) return (text, last);
        if (_hashOf(shown.stops) != stopHash) revert WrongStops(stopHash);
        ModelSections.openTokenizer(modelRoot, shown.tokenizerRoot, shown.tokenizerBytes, shown.tokenizerSiblings);
        TokenBytes.open(shown.tokenizerRoot, shown.tokenizerBytes, shown.tokenizer);
        bytes calldata tokens = Chunks.words(shown.output, shown.first, shown.count);
        return TokenBytes.decode(shown.tokenizer, tokens, TEXT_BYTES_MAX);
    }

    /// @dev `SHA-256(0x05 ‖ count u8 ‖ each: length u8 ‖ bytes)`.
    function _hashOf(bytes[] calldata stops) private pure returns (bytes32) {
        bytes memory packed = abi.encodePacked(uint8(0x05), uint8(stops.length));
        for (uint256 i = 0; i < stops.length; i++) packed = abi.encodePacked(packed, uint8(stops[i].length), stops[i]);
        return sha256(packed);
    }

    /// @dev Whether one of the strings ends in the text behind byte `from`.
    function _holdsStop(bytes memory text, bytes[] calldata stops, uint256 from) private pure returns (bool) {
        for (uint256 i = 0; i < stops.length; i++) {
            bytes memory stop = stops[i];
            for (uint256 end = from + 1 > stop.length ? from + 1 : stop.length; end <= text.length; end++) {
                if (_endsWith(text, end, stop)) return true;
            }
        }
        return false;
    }

    function _endsWith(bytes memory text, uint256 end, bytes memory stop) private pure returns (bool) {
        for (uint256 i = 0; i < stop.length; i++) {
            if (text[end - stop.length + i] != stop[i]) return false;
        }
        return true;
    }

    function _isCut(bytes32 paymentHash, Payment calldata payment) private pure returns (bool) {
        if (paymentHash == bytes32(0)) return false;
        bytes32 shown = payment.cut
            ? MoneyHashes.paymentHash(payment.voucher, payment.signature, payment.cancel, payment.cancelSignature)
            : MoneyHashes.paymentHash(payment.voucher, payment.signature);
        if (shown != paymentHash) revert WrongPayment(paymentHash);
        return payment.cut;
    }
}
