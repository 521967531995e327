// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { IDatanets, ItemRecord } from "./interfaces/IDatanets.sol";
import { ISignatureRegistry } from "./interfaces/ISignatureRegistry.sol";

/// @title SignatureRegistry
/// @notice MinHash signatures of contributions, shown: what a contribution's simHash commits to. Predeploy 0x4f4c…003c.
///
/// Under algoHash v2 a text counts as a near-duplicate where both signatures stood here before the batch's day: so everybody computes the
/// same groups, and nobody is judged by a signature that he could not know. Anyone shows one, the author of an original with
/// reason. docs/NEAR-DUPLICATES.md §4.
contract SignatureRegistry is ISignatureRegistry {
    struct Shown {
        bytes32 simHash;
        uint64 at;
    }

    /// @param signature 128 entries of a u32
    event SignatureShown(uint64 indexed contribId, address indexed by, bytes signature);

    error WrongSignature(bytes32 simHash);
    error AlreadyShown(uint64 contribId);

    uint256 private constant SIGNATURE_BYTES = 512;

    mapping(uint64 contribId => Shown) private _shown;

    /// @notice Shows what the simHash of a contribution's record commits to.
    /// @param siblings lead from a batch's item to its root; none for a contribution made alone
    function show(uint64 contribId, bytes calldata signature, ItemRecord calldata record, bytes32[] calldata siblings)
        external
    {
        if (_shown[contribId].at != 0) revert AlreadyShown(contribId);
        IDatanets(Predeploys.DATANET_REGISTRY).requireRecord(contribId, record, siblings);
        bool right = signature.length == SIGNATURE_BYTES
            && keccak256(abi.encodePacked(uint8(0x0e), signature)) == record.simHash;
        if (!right) revert WrongSignature(record.simHash);
        _shown[contribId] = Shown(record.simHash, uint64(block.timestamp));
        emit SignatureShown(contribId, msg.sender, signature);
    }

    /// @inheritdoc ISignatureRegistry
    function shownBefore(uint64 contribId, uint64 time) external view returns (bytes32) {
        Shown storage shown = _shown[contribId];
        return shown.at != 0 && shown.at < time ? shown.simHash : bytes32(0);
    }
}
