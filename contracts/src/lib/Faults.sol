// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @dev What a worker can be found guilty of.
enum Fault {
    Late,
    DuplicateRequest,
    WrongTokenCount,
    WrongFee,
    WrongShares,
    NoVoucher,
    WrongSegment,
    WrongEntry,
    DataWithheld,
    WrongStep,
    Equivocation,
    OutvotedFingerprint,
    OutvotedSketch
}

/// @title Faults
/// @notice What each fault costs; docs/MONEY.md §7.
library Faults {
    uint256 private constant BPS = 10_000;

    /// @param feeBase the receipt's fee in wei; of withheld data, the batch's fees
    /// @param stake   everything that can be slashed, in wei
    /// @return amount what is taken, at most `stake`
    /// @return jail   seconds without work
    function penalty(Fault fault, uint256 feeBase, uint256 stake) internal pure returns (uint256 amount, uint64 jail) {
        (uint256 fees, uint256 stakeBps, uint64 seconds_) = _rule(fault);
        amount = fees * feeBase + stake * stakeBps / BPS;
        return (amount < stake ? amount : stake, seconds_);
    }

    function _rule(Fault fault) private pure returns (uint256 fees, uint256 stakeBps, uint64 jail) {
        if (fault <= Fault.WrongTokenCount) return (1, 0, 0);
        if (fault <= Fault.WrongEntry) return (3, 500, 1 days);
        if (fault == Fault.DataWithheld) return (1, 1_000, 7 days);
        if (fault == Fault.WrongStep) return (0, 5_000, 30 days);
        if (fault == Fault.Equivocation) return (0, 3_000, 30 days);
        // Found by a vote, not by a proof.
        return (3, 1_000, 7 days);
    }
}
