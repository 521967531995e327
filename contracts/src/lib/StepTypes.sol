// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Run } from "./Chunks.sol";
import { Fault } from "./Faults.sol";
import { Adapter } from "./MoneyTypes.sol";
import { TraceHead } from "./Traces.sol";

/// @dev What is known of an answer: roots of the model, the trace and the token lists, counts, and the request's sampling.
///      `seed` is `SHA-256(requestId ‖ worker)`.
struct StepContext {
    bytes32 modelRoot;
    bytes32 traceRoot;
    bytes32 promptRoot;
    bytes32 outputRoot;
    uint32 tin;
    uint32 tout;
    uint32 tempQ16;
    uint16 topK;
    uint32 topPQ16;
    bytes32 seed;
    Adapter[] adapters;
}

/// @dev Leaves of a section of a model, or of an adapter. `leaf` is the section's in the tree of sections: `name length u8 ‖
///      name ‖ length u64 ‖ leaf size u32 ‖ root`; `file` is 0 for the model, 1 + slot for an adapter.
struct SectionRun {
    uint8 file;
    uint32 section;
    bytes leaf;
    bytes32[] siblings;
    Run run;
}

/// @dev Leaves of a trace's tree.
struct TraceRun {
    uint8 tree;
    Run run;
}

/// @dev The element of a unit that is said to be wrong, and what shows it: `model` has the model's config, its section 0, and
///      those of all adapters.
struct Step {
    uint8 op;
    uint16 layer;
    uint32 position;
    uint32 part;
    uint32 element;
    TraceHead head;
    SectionRun[] model;
    TraceRun[] trace;
    Run[] tokens;
}

/// @title IStepJudge
/// @notice Judges hold nothing and know no receipts: whether a unit's element is wrong follows from the arguments alone.
interface IStepJudge {
    /// @notice WrongStep where the element is not what docs/canonical-inference.md makes of the unit's inputs; else it reverts.
    function judge(StepContext calldata context, Step calldata step) external view returns (Fault);
}
