// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "./Predeploys.sol";
import { TracePlaces } from "./TracePlaces.sol";

/// @title StepJudges
/// @notice Who judges which unit. docs/canonical-inference.md §7.
library StepJudges {
    /// @notice Nobody: the op puts out nothing that is committed.
    error NoJudge(uint8 op);

    /// @dev Units of each judge, bit by op.
    uint256 private constant LINEAR = 1 << TracePlaces.QUERY | 1 << TracePlaces.KEY | 1 << TracePlaces.VALUE
        | 1 << TracePlaces.OUTPUT | 1 << TracePlaces.GATE | 1 << TracePlaces.UP | 1 << TracePlaces.DOWN
        | 1 << TracePlaces.HEAD | 1 << TracePlaces.LORA_DOWN | 1 << TracePlaces.LORA_UP;
    uint256 private constant QUANTISE = 3 << TracePlaces.ATTENTION_SCALE | 3 << TracePlaces.OUTPUT_SCALE
        | 3 << TracePlaces.FFN_SCALE | 3 << TracePlaces.DOWN_SCALE | 3 << TracePlaces.HEAD_SCALE
        | 3 << TracePlaces.LORA_SCALE;
    uint256 private constant ELEMENT = 1 << TracePlaces.EMBEDDING | 1 << TracePlaces.ROTATED_QUERY
        | 1 << TracePlaces.CACHED_KEY | 1 << TracePlaces.CACHED_VALUE | 1 << TracePlaces.ATTENTION_RESIDUAL
        | 1 << TracePlaces.ACTIVATION | 1 << TracePlaces.FFN_RESIDUAL;
    uint256 private constant ATTENTION = 1 << TracePlaces.ATTENTION_TILE | 1 << TracePlaces.ATTENTION_MIX;
    uint256 private constant CHOICE = 1 << TracePlaces.CHOICE | 1 << TracePlaces.CHOICE_TILE;

    function of_(uint8 op) internal pure returns (address) {
        uint256 bit = 1 << op;
        if (LINEAR & bit != 0) return Predeploys.LINEAR_STEP;
        if (QUANTISE & bit != 0) return Predeploys.QUANTISE_STEP;
        if (ELEMENT & bit != 0) return Predeploys.ELEMENT_STEP;
        if (ATTENTION & bit != 0) return Predeploys.ATTENTION_STEP;
        if (CHOICE & bit != 0) return Predeploys.CHOICE_STEP;
        revert NoJudge(op);
    }
}
