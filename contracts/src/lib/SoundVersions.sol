// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "./Predeploys.sol";

interface IVersionJudge {
    /// @notice Why a version is void; zero where it is not.
    function voidFor(uint64 id, uint32 version) external view returns (bytes32);
}

/// @title SoundVersions
/// @notice No index or model is made of a Datanet version that the DatanetJudge found void. docs/DATANETS.md §9.
library SoundVersions {
    /// @param fault which one, in ASCII, left-aligned
    error VoidVersion(uint64 datanet, uint32 version, bytes32 fault);

    function requireSound(uint64 datanet, uint32 version) internal view {
        bytes32 fault = IVersionJudge(Predeploys.DATANET_JUDGE).voidFor(datanet, version);
        if (fault != bytes32(0)) revert VoidVersion(datanet, version, fault);
    }
}
