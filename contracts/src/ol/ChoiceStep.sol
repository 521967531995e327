// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "../lib/Elements.sol";
import { Fault } from "../lib/Faults.sol";
import { FixedPoint } from "../lib/FixedPoint.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { Steps } from "../lib/Steps.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";
import { InputScale, UnitRules } from "../lib/UnitRules.sol";

/// @dev A token of a choice with its logit.
struct Mark {
    int256 logit;
    int256 token;
}

/// @title ChoiceStep
/// @notice Whether the choice of a token is wrong: a tile of logits that is not summed as the choice's marks have it, a maximum
///         or sum that is not the tiles', a mark whose logit is another's or that the rule of sampling does not allow.
///         Predeploy 0x4f4c…0030. docs/canonical-inference.md §8.
contract ChoiceStep is IStepJudge {
    /// @notice The element is right.
    error NoFault();
    /// @notice The choice's maximum is below a logit, or a mark is no token: that is what to dispute.
    error BadMark();

    int256 private constant LOG2_E_Q16 = 94_548;
    int256 private constant DISTANCE_MAX = 2 ** 32 - 1;
    /// @dev Elements of a choice.
    uint256 private constant LAST = 1;
    uint256 private constant KEPT = 3;
    uint256 private constant CHOSEN = 5;
    uint256 private constant POSITIVES = 7;
    uint256 private constant CANDIDATES = 8;
    uint256 private constant CANDIDATE_WEIGHT = 9;
    uint256 private constant KEPT_WEIGHT = 10;
    uint256 private constant WEIGHT_BEFORE = 11;

    /// @inheritdoc IStepJudge
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault) {
        Shape memory shape = Steps.open(context, step);
        int256 claimed = Steps.claimed(step, shape);
        bool isRight;
        if (step.op == TracePlaces.CHOICE_TILE) isRight = _tileElement(context, step, shape) == claimed;
        else if (step.op == TracePlaces.CHOICE) isRight = _isChoiceRight(context, step, shape, claimed);
        else revert Steps.WrongOp(step.op);
        if (isRight) revert NoFault();
        return Fault.WrongStep;
    }

    function _isChoiceRight(StepContext calldata context, Step calldata step, Shape memory shape, int256 claimed)
        private
        view
        returns (bool)
    {
        uint256 i = step.element;
        if (i == 0 || i >= POSITIVES) return _ofTiles(step, shape, i) == claimed;
        int256[] memory choice = _choice(step, shape);
        if (i == LAST || i == KEPT || i == CHOSEN) return _logit(step, shape, choice[i + 1]) == claimed;
        if (claimed < 0 || claimed >= int256(shape.vocab)) return false;
        if (i == LAST + 1) return _isLast(context, choice);
        if (i == KEPT + 1) return _isKept(context, choice);
        return _isChosen(context, step, choice);
    }

    // --- Tiles ---

    function _tileElement(StepContext calldata context, Step calldata step, Shape memory shape)
        private
        pure
        returns (int256)
    {
        int256[] memory logits = _tileLogits(step, shape);
        if (step.element == 0) return _largest(logits);
        int256[] memory choice = _choice(step, shape);
        // Of whom the element counts: all, those not after `last`, those not after `kept`, those before `chosen`.
        Mark memory mark = _mark(choice, step.element < 4 ? LAST : step.element == 4 ? KEPT : CHOSEN);
        return _sum(context, logits, choice[0], mark, TracePlaces.CHOICE_TILE_LOGITS * step.part, step.element);
    }

    function _sum(
        StepContext calldata context,
        int256[] memory logits,
        int256 max,
        Mark memory mark,
        uint256 first,
        uint256 element
    ) private pure returns (int256 sum) {
        unchecked {
            for (uint256 k = 0; k < logits.length; k++) {
                int256 weight = _weight(context, max, logits[k]);
                if (weight == 0) continue;
                if (element > 1) {
                    int256 token = int256(first + k);
                    bool before = logits[k] > mark.logit || (logits[k] == mark.logit && token < mark.token);
                    if (!before && (element == 5 || token != mark.token)) continue;
                }
                sum += element < 3 ? int256(1) : weight;
            }
        }
    }

    function _tileLogits(Step calldata step, Shape memory shape) private pure returns (int256[] memory logits) {
        uint256 first = TracePlaces.CHOICE_TILE_LOGITS * step.part;
        uint256 count = shape.vocab - first;
        if (count > TracePlaces.CHOICE_TILE_LOGITS) count = TracePlaces.CHOICE_TILE_LOGITS;
        InputScale memory scale = Steps.scale(step, shape, TracePlaces.HEAD_SCALE, 0);
        bytes calldata rows = _scales(step, shape, first, count);
        (bytes calldata data, uint256 size) =
            Steps.elements(step, shape, TracePlaces.HEAD, step.position, 0, first, count);
        logits = new int256[](count);
        for (uint256 k = 0; k < count; k++) {
            logits[k] = UnitRules.dequantised(Steps.at(data, size, k), Elements.uint32At(rows, k), scale);
        }
    }

    function _scales(Step calldata step, Shape memory shape, uint256 first, uint256 count)
        private
        pure
        returns (bytes calldata)
    {
        (, uint256 scales) = Shapes.matrixOf(shape, 0, Shapes.HEAD);
        return Steps.section(step, 0, scales, 4 * first, 4 * count);
    }

    // --- Choice ---

    /// @dev What the tiles make of the maximum, or of a sum.
    function _ofTiles(Step calldata step, Shape memory shape, uint256 i) private pure returns (int256 result) {
        uint256 tiles = TracePlaces.choiceTiles(shape);
        uint256 per = TracePlaces.CHOICE_TILE_ELEMENTS;
        (bytes calldata data, uint256 size) =
            Steps.elements(step, shape, TracePlaces.CHOICE_TILE, step.position, 0, 0, tiles * per);
        int256[] memory column = new int256[](tiles);
        for (uint256 t = 0; t < tiles; t++) {
            column[t] = Steps.at(data, size, per * t + (i == 0 ? 0 : i + 1 - POSITIVES));
            result += column[t];
        }
        if (i == 0) return _largest(column);
    }

    function _isLast(StepContext calldata context, int256[] memory choice) private pure returns (bool) {
        int256 topK = context.tempQ16 == 0 ? int256(1) : int256(uint256(context.topK));
        int256 candidates = choice[POSITIVES];
        if (topK != 0 && topK < candidates) candidates = topK;
        return choice[CANDIDATES] == candidates && _weight(context, choice[0], choice[LAST]) > 0;
    }

    function _isKept(StepContext calldata context, int256[] memory choice) private pure returns (bool) {
        Mark memory last = _mark(choice, LAST);
        Mark memory kept = _mark(choice, KEPT);
        if (kept.logit < last.logit || (kept.logit == last.logit && kept.token > last.token)) return false;
        int256 topP = context.tempQ16 == 0 ? int256(65_536) : int256(uint256(context.topPQ16));
        int256 needed = (topP * choice[CANDIDATE_WEIGHT] + 65_535) >> 16;
        int256 weight = _weight(context, choice[0], kept.logit);
        return weight > 0 && choice[KEPT_WEIGHT] >= needed && choice[KEPT_WEIGHT] - weight < needed;
    }

    function _isChosen(StepContext calldata context, Step calldata step, int256[] memory choice)
        private
        view
        returns (bool)
    {
        if (int256(Steps.tokenAt(context, step, uint256(step.position) + 1)) != choice[CHOSEN + 1]) return false;
        uint64 draw = uint64(bytes8(sha256(abi.encodePacked(context.seed, step.position + 1))));
        int256 mark = (int256(uint256(draw)) * choice[KEPT_WEIGHT]) >> 64;
        int256 weight = _weight(context, choice[0], choice[CHOSEN]);
        return choice[WEIGHT_BEFORE] <= mark && mark < choice[WEIGHT_BEFORE] + weight;
    }

    function _choice(Step calldata step, Shape memory shape) private pure returns (int256[] memory choice) {
        uint256 count = TracePlaces.CHOICE_ELEMENTS;
        (bytes calldata data, uint256 size) =
            Steps.elements(step, shape, TracePlaces.CHOICE, step.position, 0, 0, count);
        choice = new int256[](count);
        for (uint256 i = 0; i < count; i++) choice[i] = Steps.at(data, size, i);
    }

    function _mark(int256[] memory choice, uint256 i) private pure returns (Mark memory) {
        return Mark(choice[i], choice[i + 1]);
    }

    function _logit(Step calldata step, Shape memory shape, int256 token) private pure returns (int256) {
        if (token < 0 || token >= int256(shape.vocab)) revert BadMark();
        uint256 row = uint256(token);
        return UnitRules.dequantised(
            Steps.element(step, shape, TracePlaces.HEAD, 0, row),
            Elements.uint32At(_scales(step, shape, row, 1), 0),
            Steps.scale(step, shape, TracePlaces.HEAD_SCALE, 0)
        );
    }

    function _weight(StepContext calldata context, int256 max, int256 logit) private pure returns (int256) {
        if (logit > max) revert BadMark();
        if (context.tempQ16 == 0) return logit == max ? int256(1) : int256(0);
        int256 distance = FixedPoint.rdiv((max - logit) * LOG2_E_Q16, int256(uint256(context.tempQ16)));
        return int256(FixedPoint.exp2n(uint256(distance < DISTANCE_MAX ? distance : DISTANCE_MAX), 0));
    }

    function _largest(int256[] memory values) private pure returns (int256 max) {
        max = values[0];
        for (uint256 i = 1; i < values.length; i++) {
            if (values[i] > max) max = values[i];
        }
    }
}
