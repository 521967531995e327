// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "./MoneyHashes.sol";
import { PROOF_EXACT, PROOF_SAMPLED, Request } from "./MoneyTypes.sol";
import { OpenedReceipt, Openings } from "./Openings.sol";
import { Predeploys } from "./Predeploys.sol";
import { IModelRegistry } from "../ol/interfaces/IModelRegistry.sol";

/// @title TracedAnswers
/// @notice Receipts of answers by the canonical model, whose every step can be judged.
library TracedAnswers {
    /// @notice Receipts of this class are not of the canonical model.
    error NotCanonical(uint8 class);

    /// @notice Reverts where the receipt is no leaf of a committed batch, or of another class or request.
    /// @return modelRoot root of the model version's file
    function requireAnswer(OpenedReceipt calldata opened, Request calldata request)
        internal
        view
        returns (bytes32 modelRoot)
    {
        Openings.requireReceipt(opened);
        uint8 class = opened.receipt.class;
        if (class != PROOF_EXACT && class != PROOF_SAMPLED) revert NotCanonical(class);
        bytes32 requestId = opened.receipt.requestId;
        if (MoneyHashes.requestId(request) != requestId) revert Openings.WrongRequest(requestId);
        return IModelRegistry(Predeploys.MODEL_REGISTRY).modelRootOf(request.modelVersion);
    }
}
