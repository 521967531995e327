// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What a seat did. The hash binds it to its case and member, so that nobody can copy another's.
enum Vote { None, Committed, Right, Wrong }

/// @dev How a case ended; `Open` until then.
enum Outcome { None, Open, Void, Upheld, Undecided }

struct Seat {
    address member;
    Vote vote;
    bytes32 commitment;
}

/// @title Ballots
/// @notice How votes are hidden and counted. docs/COMMITTEE.md
library Ballots {
    /// @notice Seats of a case.
    uint256 internal constant SEATS = 5;
    /// @notice Votes that decide.
    uint256 internal constant QUORUM = 4;

    /// @notice What a member sends before the votes are shown.
    function commitmentOf(bytes32 id, address member, bool isWrong, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(abi.encode(id, member, isWrong, salt));
    }

    function outcomeOf(uint256 right, uint256 wrong) internal pure returns (Outcome) {
        if (wrong >= QUORUM) return Outcome.Void;
        return right >= QUORUM ? Outcome.Upheld : Outcome.Undecided;
    }

    /// @notice Whether a seat voted as the case ended; where it was not decided, whether it voted.
    function isRewarded(Vote vote, Outcome outcome) internal pure returns (bool) {
        if (outcome == Outcome.Void) return vote == Vote.Wrong;
        if (outcome == Outcome.Upheld) return vote == Vote.Right;
        return vote >= Vote.Right;
    }
}
