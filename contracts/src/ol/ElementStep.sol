// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "../lib/Elements.sol";
import { Fault } from "../lib/Faults.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { Steps } from "../lib/Steps.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";
import { UnitRules } from "../lib/UnitRules.sol";

/// @title ElementStep
/// @notice Whether an element that follows from a few others is wrong: embedding, rotatedQuery, cachedKey, cachedValue, the
///         residuals, activation. Predeploy 0x4f4c…002e. docs/canonical-inference.md §5.3, §5.4, §5.7 to §5.9.
contract ElementStep is IStepJudge {
    /// @notice The element is right.
    error NoFault();

    /// @inheritdoc IStepJudge
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault) {
        Shape memory shape = Steps.open(context, step);
        int256 claimed = Steps.claimed(step, shape);
        if (_right(context, step, shape) == claimed) revert NoFault();
        return Fault.WrongStep;
    }

    function _right(StepContext calldata context, Step calldata step, Shape memory shape)
        private
        view
        returns (int256)
    {
        (uint8 op, uint256 i) = (step.op, step.element);
        if (op == TracePlaces.EMBEDDING) return _embedded(context, step, shape);
        if (op == TracePlaces.ROTATED_QUERY) return _rotated(context, step, shape, Shapes.QUERY);
        if (op == TracePlaces.CACHED_KEY) return _rotated(context, step, shape, Shapes.KEY);
        if (op == TracePlaces.CACHED_VALUE) {
            return UnitRules.narrowed(Steps.output(step, shape, context, Shapes.VALUE, i));
        }
        if (op == TracePlaces.ATTENTION_RESIDUAL) {
            int256 before = Elements.int32At(Steps.residual(step, shape, step.layer, i, 1), 0);
            return UnitRules.added(before, Steps.output(step, shape, context, Shapes.OUTPUT, i));
        }
        if (op == TracePlaces.FFN_RESIDUAL) {
            int256 middle = Steps.element(step, shape, TracePlaces.ATTENTION_RESIDUAL, 0, i);
            return UnitRules.added(middle, Steps.output(step, shape, context, Shapes.DOWN, i));
        }
        if (op == TracePlaces.ACTIVATION) {
            int256 gate = Steps.output(step, shape, context, Shapes.GATE, i);
            return UnitRules.activated(gate, Steps.output(step, shape, context, Shapes.UP, i));
        }
        revert Steps.WrongOp(op);
    }

    function _embedded(StepContext calldata context, Step calldata step, Shape memory shape)
        private
        view
        returns (int256)
    {
        uint256 token = Steps.tokenAt(context, step, step.position);
        uint256 place = shape.dim * token + step.element;
        int256 weight = Elements.int8At(Steps.section(step, 0, Shapes.EMBEDDING, place, 1), 0);
        bytes calldata scale = Steps.section(step, 0, Shapes.EMBEDDING_SCALES, 4 * token, 4);
        return UnitRules.embedded(weight, Elements.uint32At(scale, 0));
    }

    function _rotated(StepContext calldata context, Step calldata step, Shape memory shape, uint256 target)
        private
        pure
        returns (int256)
    {
        uint256 half = shape.headDim / 2;
        uint256 i = step.element;
        bool isSecond = i % shape.headDim >= half;
        int256 x = Steps.output(step, shape, context, target, i);
        int256 partner = Steps.output(step, shape, context, target, isSecond ? i - half : i + half);
        uint256 angle = 2 * (half * step.position + i % half);
        int256 cos = Elements.int16At(Steps.section(step, 0, Shapes.COS, angle, 2), 0);
        int256 sin = Elements.int16At(Steps.section(step, 0, Shapes.SIN, angle, 2), 0);
        return UnitRules.rotated(x, partner, cos, sin, isSecond);
    }
}
