// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "../lib/Elements.sol";
import { Fault } from "../lib/Faults.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { Steps } from "../lib/Steps.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";
import { InputScale, UnitRules } from "../lib/UnitRules.sol";

/// @title QuantiseStep
/// @notice Whether a linear's input, or its scale, is not what its vector makes it: the norms' outputs, which are not committed
///         themselves, the attention's mix, the activation, and what an adapter's D puts out. Predeploy 0x4f4c…002d.
///         docs/canonical-inference.md §5.1, §5.2.
contract QuantiseStep is IStepJudge {
    /// @notice The element is right.
    error NoFault();

    /// @inheritdoc IStepJudge
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault) {
        Shape memory shape = Steps.open(context, step);
        int256 claimed = Steps.claimed(step, shape);
        (uint8 scaleOp, bool isScale) = _scaleOf(step.op);
        int256[] memory vector = _vectorOf(step, shape, scaleOp);
        int256 right;
        if (isScale) {
            InputScale memory scale = UnitRules.scaleOf(Elements.maxMagnitude(vector));
            right = step.element == 0 ? scale.mantissa : int256(scale.exponent);
        } else {
            InputScale memory scale = Steps.scale(step, shape, scaleOp, step.part);
            right = UnitRules.quantised(vector[step.element], scale, shape.inputMax);
        }
        if (right == claimed) revert NoFault();
        return Fault.WrongStep;
    }

    /// @dev Every input's op is the one behind its scale's.
    function _scaleOf(uint8 op) private pure returns (uint8 scaleOp, bool isScale) {
        uint8[6] memory ops = [
            TracePlaces.ATTENTION_SCALE,
            TracePlaces.OUTPUT_SCALE,
            TracePlaces.FFN_SCALE,
            TracePlaces.DOWN_SCALE,
            TracePlaces.HEAD_SCALE,
            TracePlaces.LORA_SCALE
        ];
        for (uint256 i = 0; i < ops.length; i++) {
            if (op == ops[i] || op == ops[i] + 1) return (ops[i], op == ops[i]);
        }
        revert Steps.WrongOp(op);
    }

    function _vectorOf(Step calldata step, Shape memory shape, uint8 scaleOp) private pure returns (int256[] memory) {
        if (scaleOp == TracePlaces.OUTPUT_SCALE) {
            return _unit(step, shape, TracePlaces.ATTENTION_MIX, shape.heads * shape.headDim);
        }
        if (scaleOp == TracePlaces.DOWN_SCALE) return _unit(step, shape, TracePlaces.ACTIVATION, shape.ffnDim);
        if (scaleOp == TracePlaces.LORA_SCALE) return _adapterVector(step, shape);
        (uint256 dim, uint256 weights) = (shape.dim, Shapes.finalNormOf(shape));
        if (scaleOp == TracePlaces.HEAD_SCALE) {
            return _norm(step, shape, Steps.residual(step, shape, shape.layers, 0, dim), weights);
        }
        if (scaleOp == TracePlaces.ATTENTION_SCALE) {
            weights = Shapes.sectionOf(step.layer, Shapes.ATTENTION_NORM);
            return _norm(step, shape, Steps.residual(step, shape, step.layer, 0, dim), weights);
        }
        (bytes calldata x,) =
            Steps.elements(step, shape, TracePlaces.ATTENTION_RESIDUAL, step.position, 0, 0, dim);
        return _norm(step, shape, x, Shapes.sectionOf(step.layer, Shapes.FFN_NORM));
    }

    function _unit(Step calldata step, Shape memory shape, uint8 op, uint256 count)
        private
        pure
        returns (int256[] memory)
    {
        (bytes calldata data,) = Steps.elements(step, shape, op, step.position, 0, 0, count);
        return Elements.int32s(data, count);
    }

    function _norm(Step calldata step, Shape memory shape, bytes calldata x, uint256 weights)
        private
        pure
        returns (int256[] memory)
    {
        bytes calldata gains = Steps.section(step, 0, weights, 0, 4 * shape.dim);
        return UnitRules.norm(x, gains, shape.dim, shape.epsilon);
    }

    /// @dev D's output in Q16.
    function _adapterVector(Step calldata step, Shape memory shape) private pure returns (int256[] memory vector) {
        (uint256 slot, uint256 target) = (step.part / Shapes.TARGETS, step.part % Shapes.TARGETS);
        uint256 rank = shape.ranks[slot];
        uint256 scales = Shapes.adapterSectionOf(shape, slot, step.layer, target) + 1;
        InputScale memory scale = Steps.scale(step, shape, TracePlaces.scaleOpOf(target), 0);
        (bytes calldata data, uint256 size) =
            Steps.elements(step, shape, TracePlaces.LORA_DOWN, step.position, step.part, 0, rank);
        bytes calldata rows = Steps.section(step, 1 + slot, scales, 0, 4 * rank);
        vector = new int256[](rank);
        for (uint256 i = 0; i < rank; i++) {
            vector[i] = UnitRules.dequantised(Steps.at(data, size, i), Elements.uint32At(rows, i), scale);
        }
    }
}
