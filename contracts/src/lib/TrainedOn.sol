// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { BPS } from "./MoneyTypes.sol";
import { SpanShares } from "./SpanShares.sol";

/// @dev A Datanet version that a model was trained on, and its weight in basis points.
struct DatanetRef {
    uint64 id;
    uint32 version;
    uint16 weightBps;
}

/// @title TrainedOn
/// @notice The Datanets that a model was trained on, by which class U of a model without indexes is shared. MONEY §4.
library TrainedOn {
    /// @notice A model names at most 8 Datanets.
    error TooManyDatanets(uint256 datanets);
    /// @notice A Datanet does not stand behind the one before it.
    error BadDatanetOrder(uint64 id);
    /// @notice A Datanet without weight, or weights of more than the whole.
    error BadWeights(uint256 bps);

    uint256 internal constant DATANETS_MAX = 8;

    /// @notice Hash of the list, ids strictly ascending; zero of none. Reverts where it is no such list.
    function hashOf(DatanetRef[] calldata datanets) internal pure returns (bytes32) {
        if (datanets.length > DATANETS_MAX) revert TooManyDatanets(datanets.length);
        bytes memory packed = abi.encodePacked(uint8(0x10), uint8(datanets.length));
        uint64 before;
        uint256 sum;
        for (uint256 i = 0; i < datanets.length; i++) {
            DatanetRef calldata each = datanets[i];
            if (each.id <= before) revert BadDatanetOrder(each.id);
            if (each.weightBps == 0) revert BadWeights(0);
            before = each.id;
            sum += each.weightBps;
            packed = abi.encodePacked(packed, each.id, each.version, each.weightBps);
        }
        if (sum > BPS) revert BadWeights(sum);
        return datanets.length == 0 ? bytes32(0) : keccak256(packed);
    }

    /// @notice What the units of a Datanet have of `total`, by largest remainder, ties to the smaller id; zero where it is not listed.
    function weightOf(DatanetRef[] calldata datanets, uint64 id, uint256 total) internal pure returns (uint256) {
        uint256[] memory parts = new uint256[](datanets.length);
        uint256 place = parts.length;
        for (uint256 i = 0; i < parts.length; i++) {
            parts[i] = datanets[i].weightBps;
            if (datanets[i].id == id) place = i;
        }
        return place == parts.length ? 0 : SpanShares.largestRemainder(parts, place, total);
    }
}
