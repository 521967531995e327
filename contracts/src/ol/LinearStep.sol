// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "../lib/Elements.sol";
import { Fault } from "../lib/Faults.sol";
import { Shape, Shapes } from "../lib/Shapes.sol";
import { IStepJudge, Step, StepContext } from "../lib/StepTypes.sol";
import { Steps } from "../lib/Steps.sol";
import { TracePlaces } from "../lib/TracePlaces.sol";

/// @dev A linear: the section of its weights, how long their rows are, and the unit of its input.
struct Product {
    uint256 file;
    uint256 weights;
    uint256 columns;
    uint8 inputOp;
    uint256 inputPart;
}

/// @title LinearStep
/// @notice Whether an accumulator is not the product of its row of weights and the input: query, key, value, output, gate, up,
///         down, head, loraDown, loraUp. Predeploy 0x4f4c…002c. docs/canonical-inference.md §5.3.
contract LinearStep is IStepJudge {
    /// @notice The element is right.
    error NoFault();

    /// @inheritdoc IStepJudge
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault) {
        Shape memory shape = Steps.open(context, step);
        int256 claimed = Steps.claimed(step, shape);
        if (_multiplied(step, shape, _productOf(step, shape)) == claimed) revert NoFault();
        return Fault.WrongStep;
    }

    function _multiplied(Step calldata step, Shape memory shape, Product memory product)
        private
        pure
        returns (int256)
    {
        uint256 columns = product.columns;
        (bytes calldata input, uint256 size) =
            Steps.elements(step, shape, product.inputOp, step.position, product.inputPart, 0, columns);
        bytes calldata row = Steps.section(step, product.file, product.weights, columns * step.element, columns);
        return size == 1 ? Elements.dotInt8(row, input, columns) : Elements.dotInt8Int16(row, input, columns);
    }

    function _productOf(Step calldata step, Shape memory shape) private pure returns (Product memory product) {
        bool isUp = step.op == TracePlaces.LORA_UP;
        if (isUp || step.op == TracePlaces.LORA_DOWN) return _adapterProduct(step, shape, isUp);
        for (uint256 target = 0; target <= Shapes.HEAD; target++) {
            if (step.op != TracePlaces.linearOpOf(target)) continue;
            (product.weights,) = Shapes.matrixOf(shape, step.layer, target);
            product.columns = Shapes.columnsOf(shape, target);
            product.inputOp = TracePlaces.scaleOpOf(target) + 1;
            return product;
        }
        revert Steps.WrongOp(step.op);
    }

    function _adapterProduct(Step calldata step, Shape memory shape, bool isUp)
        private
        pure
        returns (Product memory product)
    {
        (uint256 slot, uint256 target) = (step.part / Shapes.TARGETS, step.part % Shapes.TARGETS);
        product.file = 1 + slot;
        product.weights = Shapes.adapterSectionOf(shape, slot, step.layer, target) + (isUp ? 2 : 0);
        if (isUp) {
            (product.columns, product.inputPart) = (shape.ranks[slot], step.part);
            product.inputOp = TracePlaces.LORA_INPUT;
        } else {
            product.columns = Shapes.columnsOf(shape, target);
            product.inputOp = TracePlaces.scaleOpOf(target) + 1;
        }
    }
}
