// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ToplocCheck
/// @notice How far a worker's committed activations are from recomputed ones, as TOPLOC compares them (arXiv 2501.16007):
///         the commitment is a polynomial through (index mod modulus, bf16 bits). Precompile 0x4f4c…0014.
contract ToplocCheck {
    error BadModulus();
    error BadShape(uint256 coeffBytes, uint256 pointBytes);

    struct Thresholds {
        /// @dev Exponents that must agree, at least.
        uint16 expHitsMin;
        /// @dev Mean and median mantissa error, at most; thousandths of a unit of the 7-bit mantissa.
        uint32 meanMax;
        uint32 medianMax;
    }

    /// @notice The field of TOPLOC's polynomials: the largest prime below 2^16 that its authors chose.
    uint256 private constant FIELD = 65_497;
    uint256 private constant COEFFS_MAX = 1_024;
    uint256 private constant POINTS_MAX = 1_024;
    /// @notice What mean and median are where no exponent agrees.
    uint32 private constant NO_HIT = type(uint32).max;

    /// @param modulus indices are taken modulo this
    /// @param coeffs  u16 each, the constant first; at least 1
    /// @param points  (index u32 ‖ bf16 bits u16) each, as recomputed; at least 1
    /// @return expHits    points whose exponent the commitment has too
    /// @return meanMilli  ⌊1000 · mean⌋ of |mantissa difference| over those points
    /// @return medianMilli 1000 · median of the same, the mean of the middle two where their number is even
    /// @return pass       all three thresholds hold
    function check(uint16 modulus, bytes calldata coeffs, bytes calldata points, Thresholds calldata limits)
        external
        pure
        returns (uint16 expHits, uint32 meanMilli, uint32 medianMilli, bool pass)
    {
        if (modulus == 0) revert BadModulus();
        bool shaped = coeffs.length % 2 == 0 && points.length % 6 == 0 && coeffs.length > 0 && points.length > 0;
        if (!shaped || coeffs.length > 2 * COEFFS_MAX || points.length > 6 * POINTS_MAX) {
            revert BadShape(coeffs.length, points.length);
        }
        uint256[128] memory errors;
        expHits = uint16(_count(modulus, coeffs, points, errors));
        (meanMilli, medianMilli) = _mean(expHits, errors);
        pass = expHits >= limits.expHitsMin && meanMilli <= limits.meanMax && medianMilli <= limits.medianMax;
    }

    /// @dev Fills the histogram of mantissa errors and counts what is in it.
    function _count(uint256 modulus, bytes calldata coeffs, bytes calldata points, uint256[128] memory errors)
        private
        pure
        returns (uint256 hits)
    {
        for (uint256 at = 0; at < points.length; at += 6) {
            uint256 x = uint32(bytes4(points[at:at + 4])) % modulus;
            uint256 actual = uint16(bytes2(points[at + 4:at + 6]));
            uint256 committed = _evaluate(coeffs, x);
            if ((committed >> 7) & 0xff != (actual >> 7) & 0xff) continue;
            uint256 a = committed & 0x7f;
            uint256 b = actual & 0x7f;
            errors[a > b ? a - b : b - a]++;
            hits++;
        }
    }

    /// @dev Horner's rule over FIELD.
    function _evaluate(bytes calldata coeffs, uint256 x) private pure returns (uint256 y) {
        assembly ("memory-safe") {
            for { let at := coeffs.length } at { } {
                at := sub(at, 2)
                y := addmod(mul(y, x), shr(240, calldataload(add(coeffs.offset, at))), FIELD)
            }
        }
    }

    function _mean(uint256 hits, uint256[128] memory errors) private pure returns (uint32, uint32) {
        if (hits == 0) return (NO_HIT, NO_HIT);
        uint256 sum;
        uint256 middles;
        uint256 seen;
        // The middle of an odd number counts twice.
        uint256 lower = (hits - 1) / 2;
        uint256 upper = hits / 2;
        for (uint256 e = 0; e < 128; e++) {
            uint256 next = seen + errors[e];
            sum += e * errors[e];
            if (seen <= lower && lower < next) middles += e;
            if (seen <= upper && upper < next) middles += e;
            seen = next;
        }
        return (uint32((1_000 * sum) / hits), uint32(500 * middles));
    }
}
