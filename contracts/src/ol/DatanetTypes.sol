// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Admission, DatanetStatus } from "./interfaces/IDatanets.sol";

/// @dev A Datanet: what each contribution reads and writes stands in the first two words.
struct DatanetState {
    address owner;
    uint8 mediaType;
    uint8 visibility;
    DatanetStatus status;
    uint32 version;
    Admission admission;
    bool governed;
    bool live;
    /// @dev Number of the bond in force: a contribution keeps the number and so its bond.
    uint16 terms;
    /// @dev Bytes contributed on a day (UTC).
    uint32 day;
    uint40 dayBytes;
    uint40 dailyBytes;
    uint24 vetoWindow;
    /// @dev Whether DatanetAccess is asked of who contributes.
    bool gated;
    uint16 nearDuplicateBps;
    uint96 bond;
    bytes32 licenceId;
    bytes32 policy;
    bytes32 metaHash;
}

/// @dev A contribution made alone. Its hashes stand in the word that finds equal content.
struct ItemState {
    address author;
    uint32 datanet;
    uint32 submittedAt;
    uint16 terms;
    /// @dev Consent in the lower 12 bits, decision in the upper 4.
    uint16 marks;
}

/// @dev What was contributed under a content hash or a batch's root. `record` is what the rest hashes to, shortened: two records
///      that collide cost 2^96 hashes.
struct Filed {
    uint64 contribId;
    bytes24 record;
}

/// @dev Consecutive contributions under one root. `open` counts the items that still follow the batch's decision.
struct BatchState {
    address author;
    uint32 datanet;
    uint32 submittedAt;
    uint16 terms;
    uint8 decision;
    bytes32 root;
    uint32 count;
    uint32 open;
    uint32 holds;
}

/// @dev `leftAt`: when a contribution was withdrawn or slashed.
struct Standing {
    uint64 leftAt;
    uint32 holds;
    bool released;
}

struct Parent {
    uint64 id;
    uint8 kind;
}

/// @dev Roots of a version, frozen with it.
struct VersionRoots {
    bytes32 itemsRoot;
    bytes32 tokenRoot;
    bytes32 suffixRoot;
    uint64 tokenCount;
    bytes32 tokenizerHash;
    bytes32 croissantHash;
    /// @dev Of the signed in-toto statement.
    bytes32 statementHash;
    uint256 unitsTotal;
    /// @dev How the units are allotted; zero: all are the owner's.
    bytes32 unitsRoot;
}

/// @dev How a version comes from the one before it: `items = previous − removed + added`, each list ascending by contribution.
struct VersionDiff {
    bytes32 previousRoot;
    bytes32 addedRoot;
    bytes32 removedRoot;
    uint32 itemCount;
    uint32 added;
    uint32 removed;
    uint64 addedBytes;
}

/// @dev What is kept of a diff.
struct VersionFacts {
    bytes32 addedRoot;
    bytes32 removedRoot;
    uint32 itemCount;
    uint32 added;
    uint32 removed;
    uint64 addedBytes;
    uint64 publishedAt;
}
