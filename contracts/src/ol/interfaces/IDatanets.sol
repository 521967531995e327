// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev Where a Datanet stands: Draft → Published → Open ↔ Closed → Archived. docs/DATANETS.md §1.
enum DatanetStatus { None, Draft, Open, Closed, Archived, Published }

enum Decision { None, Pending, Accepted, Rejected, Withdrawn, Slashed }

/// @dev Who admits contributions: the owner; anyone once the veto window is over; the staked validators of DatanetReview.
enum Admission { Owner, Automatic, Validators }

enum ContributionKind { Item, Label, Curation }

/// @dev What is known of a contribution, made alone or in a batch. `parent` is what a label or curation is of, else zero.
struct Contribution {
    address author;
    uint64 datanet;
    ContributionKind kind;
    Decision decision;
    uint64 parent;
    uint64 submittedAt;
    /// @dev Six purposes of ERC-7517, two bits each; of a batch's item it stands in its record, here zero.
    uint16 consent;
}

/// @dev What a contribution commits to. Made alone: `size` is its bytes, `metaHash` its metadata. In a batch: the leaf
///      `contentHash ‖ simHash ‖ consent u16 ‖ size u32` (70 bytes), where `size` is that of all items up to this one, and
///      `metaHash` is the batch's.
struct ItemRecord {
    bytes32 contentHash;
    bytes32 simHash;
    uint16 consent;
    uint32 size;
    bytes32 metaHash;
}

/// @dev Parameters of a Datanet, by number; docs/DATANETS.md §7. Those from 0x40 on are DatanetVotes' and DatanetAccess'.
library DatanetKeys {
    uint8 internal constant BOND = 1;
    uint8 internal constant ADMISSION = 2;
    /// @dev Seconds.
    uint8 internal constant VETO_WINDOW = 3;
    uint8 internal constant STATUS = 4;
    uint8 internal constant META = 5;
    /// @dev Hash of the document that says how access is granted and priced.
    uint8 internal constant POLICY = 6;
    /// @dev Bytes a day (UTC), at most the chain's limit; zero for that.
    uint8 internal constant DAILY_BYTES = 7;
    /// @dev Similarity from which on a text is a near-duplicate, in basis points; zero for none.
    uint8 internal constant NEAR_DUPLICATE = 8;
    /// @dev Share of an item that its labels earn, in basis points.
    uint8 internal constant LABEL_SHARE = 10;
    /// @dev Makes a draft a live Datanet, for good: versions by the hour, each of which only adds.
    uint8 internal constant LIVE = 11;
}

/// @title IDatanets
/// @notice What DatanetReview, DatanetVotes, DatanetUnits and DatanetAccess ask of the DatanetRegistry, 0x4f4c…0001.
interface IDatanets {
    /// @notice Reverts UnknownDatanet.
    function ownerOf(uint64 id) external view returns (address);
    /// @notice Reverts UnknownDatanet.
    function licenceOf(uint64 id) external view returns (bytes32);
    /// @notice Whether only those may read it whom it was granted to. Reverts UnknownDatanet.
    function isPermissioned(uint64 id) external view returns (bool);
    function versionCount(uint64 id) external view returns (uint32);
    /// @notice A parameter as a word; zero where it was never set. Reverts UnknownDatanet, UnknownKey.
    function parameter(uint64 id, uint8 key) external view returns (uint256);
    /// @notice Whether DatanetVotes alone sets the Datanet's parameters.
    function governed(uint64 id) external view returns (bool);
    /// @notice Reverts UnknownContribution.
    function contribution(uint64 contribId) external view returns (Contribution memory);
    /// @notice Wei that still answer for a contribution.
    function bondOf(uint64 contribId) external view returns (uint256);
    /// @notice Reverts WrongRecord unless the contribution committed to that record. `siblings` lead from a batch's item to its
    ///         root; none for one made alone.
    function requireRecord(uint64 contribId, ItemRecord calldata record, bytes32[] calldata siblings) external view;
    /// @notice Only DatanetReview, of a pending contribution: a round decides by the policy under which it was opened.
    function decideBy(uint64 contribId, bool accept, uint16 score, bytes32 reason) external;
    /// @notice Only DatanetReview. Whoever the contribution pays from `REDIRECT_NOTICE` on; zero: whom its author names.
    function redirectPayout(uint64 contribId, address payee) external;
    /// @notice Only DatanetReview: a held contribution is not admitted automatically and keeps its bond. Holds count.
    function hold(uint64 contribId) external;
    function unhold(uint64 contribId) external;
    /// @notice Only DatanetReview and DatanetJudge, whatever was decided of the contribution before and held or not: half of
    ///         what answers for it is owed to `rewardTo`, the rest is burned, and it is Slashed.
    /// @return amount what answered for it; zero where nothing did
    function slashBond(uint64 contribId, address rewardTo) external returns (uint256 amount);
    /// @notice The owner, or once governed DatanetVotes.
    function setParameter(uint64 id, uint8 key, uint256 value) external;
}
