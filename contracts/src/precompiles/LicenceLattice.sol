// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title LicenceLattice
/// @notice Whether what is made from works may have the terms that it is to have. Precompile 0x4f4c…0019. docs/LICENCES.md
///
/// Terms: 1 non-commercial, 2 attribution, 4 share-alike, 8 no derivatives. Uses: 1 train, 2 fine-tune, 4 price,
/// 8 redistribute.
contract LicenceLattice {
    error BadTerms(uint8 terms);
    error BadUses(uint8 uses);

    uint8 private constant NC = 1;
    uint8 private constant BY = 2;
    uint8 private constant SA = 4;
    uint8 private constant ND = 8;
    uint8 private constant ALL = 15;

    uint8 private constant FINE_TUNE = 2;
    uint8 private constant PRICE = 4;
    /// @dev Train, fine-tune, redistribute: the result has terms of its own, which carry on those of what it is made from.
    uint8 private constant CARRYING = 11;

    /// @param parents terms of the works
    /// @param child   terms of what is made from them
    /// @param uses    what is done with them, one use or several
    /// @return ok     no work's terms clash
    /// @return reason zero where ok; 1 NC at a price, 2 ND in a fine-tune, 3 NC dropped, 4 SA dropped, 5 SA changed, 6 ND
    ///                dropped
    /// @return at     the first work that clashes
    function check(uint8[] calldata parents, uint8 child, uint8 uses)
        external
        pure
        returns (bool ok, uint8 reason, uint256 at)
    {
        if (uses == 0 || uses > ALL) revert BadUses(uses);
        if (child > ALL) revert BadTerms(child);
        for (uint256 i = 0; i < parents.length; i++) {
            reason = _clash(_terms(parents[i]), child, uses);
            if (reason != 0) return (false, reason, i);
        }
        ok = true;
    }

    /// @notice What is owed to all of them together.
    function join(uint8[] calldata terms) external pure returns (uint8 all) {
        for (uint256 i = 0; i < terms.length; i++) all |= _terms(terms[i]);
    }

    function _clash(uint8 parent, uint8 child, uint8 uses) private pure returns (uint8) {
        if (parent & NC != 0 && uses & PRICE != 0) return 1;
        if (parent & ND != 0 && uses & FINE_TUNE != 0) return 2;
        if (uses & CARRYING == 0) return 0;
        if (parent & NC != 0 && child & NC == 0) return 3;
        if (parent & SA != 0) {
            if (child & SA == 0) return 4;
            if ((parent ^ child) & ~BY != 0) return 5;
        }
        if (parent & ND != 0 && child & ND == 0) return 6;
        return 0;
    }

    function _terms(uint8 terms) private pure returns (uint8) {
        if (terms > ALL) revert BadTerms(terms);
        return terms;
    }
}
