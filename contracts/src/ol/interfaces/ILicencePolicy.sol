// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ILicencePolicy
/// @notice What the other contracts ask of the LicencePolicy, 0x4f4c…000f. Terms: 1 non-commercial, 2 attribution, 4
///         share-alike, 8 no derivatives.
interface ILicencePolicy {
    /// @notice What a licence clashed with, in the words of the LicenceLattice.
    enum Clash {
        None,
        NonCommercialPrice,
        NoDerivatives,
        NonCommercialDropped,
        ShareAlikeDropped,
        ShareAlikeChanged,
        NoDerivativesDropped
    }

    /// @notice Whose licence it is.
    enum Work { Datanet, Model }

    /// @notice What is asked for clashes with the licence of a work that it uses.
    error LicenceClash(Clash clash, Work work, uint64 id);
    /// @notice Neither on the list nor defined with explicit terms.
    error UnknownLicence(bytes32 licenceId);

    /// @notice Reverts where the licence is not known.
    function termsOf(bytes32 licenceId) external view returns (uint8);
    /// @notice Reverts where a Datanet may not be used at a price.
    function requirePriceable(uint64 datanet) external view;
    /// @notice Checks a new model's licence against its parents' and its Datanets', and records what it inherits. Only the
    ///         ModelRegistry.
    function licenseModel(uint64 model, bytes32 licenceId, uint64[] calldata parents, uint64[] calldata datanets)
        external;
    /// @notice Checks a model's licence against those of the Datanets whose indexes a version of it names, and has it inherit
    ///         them too. Only the ModelRegistry.
    /// @param hasParents the model was made from others
    function licenseVersion(uint64 model, bool hasParents, uint64[] calldata datanets) external;
    /// @notice Reverts where a model was made from what may not be used at a price.
    function requireModelPriceable(uint64 model) external view;
}
