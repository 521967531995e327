// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Price } from "../../lib/MoneyTypes.sol";

/// @title IModelRegistry
/// @notice What the other contracts ask of the ModelRegistry, 0x4f4c…0002. `modelVersion` is `modelId u64 ‖ version u32`,
///         right-aligned.
interface IModelRegistry {
    /// @notice All zeros where there is no such price.
    function priceOf(bytes32 modelVersion, uint8 class, uint32 priceVersion) external view returns (Price memory);
    function royaltyHashOf(bytes32 modelVersion) external view returns (bytes32);
    function indexSetHashOf(bytes32 modelVersion) external view returns (bytes32);
    /// @notice Hash of the Datanets that the version's model was trained on (TrainedOn); zero where it names none.
    function trainedOnHashOf(bytes32 modelVersion) external view returns (bytes32);
    /// @notice The version's weightsManifest: of a canonical model the root of its file. Zero where there is no such version.
    function modelRootOf(bytes32 modelVersion) external view returns (bytes32);
    /// @notice A dispute about the version's model is open: it takes no new requests on chain.
    function isFrozen(bytes32 modelVersion) external view returns (bool);
    /// @notice Who is entitled to the model's revenue at a time; zero where it is unknown.
    function payeeAt(uint64 modelId, uint64 time) external view returns (address);
}
