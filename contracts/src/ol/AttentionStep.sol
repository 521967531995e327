// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Fault } from "../lib/Faults.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { Steps } from "../lib/Steps.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";
import { Tile, TileShape, UnitRules } from "../lib/UnitRules.sol";

/// @title AttentionStep
/// @notice Whether an attention tile's maximum, sum or an element of its mix is wrong, or an element of the tiles' join.
///         Predeploy 0x4f4c…002f. docs/canonical-inference.md §5.5, §5.6.
contract AttentionStep is IStepJudge {
    /// @notice The element is right.
    error NoFault();

    /// @inheritdoc IStepJudge
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault) {
        Shape memory shape = Steps.open(context, step);
        int256 claimed = Steps.claimed(step, shape);
        int256 right;
        if (step.op == TracePlaces.ATTENTION_TILE) right = _tileElement(step, shape);
        else if (step.op == TracePlaces.ATTENTION_MIX) right = _joined(step, shape);
        else revert Steps.WrongOp(step.op);
        if (right == claimed) revert NoFault();
        return Fault.WrongStep;
    }

    function _tileElement(Step calldata step, Shape memory shape) private pure returns (int256) {
        uint256 size = Shapes.tilePositions(shape);
        uint256 first = size * (step.part % TracePlaces.tilesAt(shape, step.position));
        uint256 count = step.position + 1 - first;
        TileShape memory numbers;
        (numbers.headDim, numbers.count) = (shape.headDim, count < size ? count : size);
        (numbers.multiplier, numbers.shift) = (shape.scoreMultiplier, shape.scoreShift);
        if (step.element > 2) numbers.element = step.element - 2;
        (bytes calldata keys, bytes calldata values) = _cached(step, shape, first, numbers.count);
        Tile memory tile = UnitRules.tile(_query(step, shape), keys, values, numbers);
        return step.element == 0 ? tile.max : step.element == 1 ? tile.sum : tile.mix;
    }

    function _query(Step calldata step, Shape memory shape) private pure returns (bytes calldata query) {
        (query,) = Steps.elements(
            step,
            shape,
            TracePlaces.ROTATED_QUERY,
            step.position,
            0,
            shape.headDim * _headOf(step, shape),
            shape.headDim
        );
    }

    /// @dev Keys and values of the head at `count` positions.
    function _cached(Step calldata step, Shape memory shape, uint256 first, uint256 count)
        private
        pure
        returns (bytes calldata keys, bytes calldata values)
    {
        uint256 i = shape.headDim * (_headOf(step, shape) / (shape.heads / shape.kvHeads));
        uint256 n = shape.headDim * count;
        (keys,) = Steps.elements(step, shape, TracePlaces.CACHED_KEY, first, 0, i, n);
        (values,) = Steps.elements(step, shape, TracePlaces.CACHED_VALUE, first, 0, i, n);
    }

    function _headOf(Step calldata step, Shape memory shape) private pure returns (uint256) {
        return step.part / TracePlaces.tilesAt(shape, step.position);
    }

    function _joined(Step calldata step, Shape memory shape) private pure returns (int256) {
        (uint256 head, uint256 i) = (step.element / shape.headDim, step.element % shape.headDim);
        return UnitRules.joined(
            _ofAllTiles(step, shape, head, 0), _ofAllTiles(step, shape, head, 1), _ofAllTiles(step, shape, head, 2 + i)
        );
    }

    /// @dev One element of every tile of a head.
    function _ofAllTiles(Step calldata step, Shape memory shape, uint256 head, uint256 i)
        private
        pure
        returns (int256[] memory values)
    {
        uint256 tiles = TracePlaces.tilesAt(shape, step.position);
        (bytes calldata data, uint256 size) =
            Steps.elements(step, shape, TracePlaces.ATTENTION_TILE, step.position, head * tiles, i, tiles);
        values = new int256[](tiles);
        for (uint256 t = 0; t < tiles; t++) values[t] = Steps.at(data, size, t);
    }
}
