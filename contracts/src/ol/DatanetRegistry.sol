// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { DatanetVersions } from "./DatanetVersions.sol";

/// @title DatanetRegistry
/// @notice Datanets, their contributions and versions. Only hashes stand on chain; content lives in content-addressed
///         stores. Predeploy 0x4f4c…0001. docs/DATANETS.md.
///
/// Ids: Datanets and contributions count from 1. A contribution made alone takes one id, a batch of `count` items takes
/// `count` consecutive ids whose records are the leaves under its root.
///
/// States and parameters are in DatanetStates, daily limits in DatanetLimits, what is contributed in DatanetContributions,
/// decisions and bonds in DatanetDecisions, payees in DatanetPayouts, versions in DatanetVersions.
contract DatanetRegistry is DatanetVersions { }
