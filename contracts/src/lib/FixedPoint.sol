// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title FixedPoint
/// @notice The arithmetic and the tables of docs/canonical-inference.md §2 and §3. Table entries are computed from roots of 2
///         and e, so that no one has to show them.
library FixedPoint {
    int256 internal constant INT32_MAX = 2 ** 31 - 1;
    int256 internal constant INT16_MAX = 2 ** 15 - 1;

    /// @dev What 1 is in the table of powers: 32767·2^9.
    uint256 private constant EXP_ONE = 32_767 << 9;
    uint256 private constant ONE = 1 << 128;

    /// @notice `⌊(2a + b) / 2b⌋`, b > 0.
    function rdiv(int256 a, int256 b) internal pure returns (int256 q) {
        unchecked {
            (int256 n, int256 d) = (2 * a + b, 2 * b);
            q = n / d;
            if (n < 0 && q * d != n) q--;
        }
    }

    /// @notice `⌊(a + 2^(s−1)) / 2^s⌋`, or a where s is 0; s ≤ 255.
    function rsh(int256 a, uint256 s) internal pure returns (int256) {
        unchecked {
            return s == 0 ? a : (a + int256(1 << (s - 1))) >> s;
        }
    }

    function sat(int256 a, int256 max) internal pure returns (int256) {
        unchecked {
            return a > max ? max : a < -max ? -max : a;
        }
    }

    /// @notice Length in binary, 0 of 0; a < 2^64.
    function bits(uint256 a) internal pure returns (uint256 n) {
        unchecked {
            for (uint256 step = 32; step > 0; step >>= 1) {
                if (a >> step == 0) continue;
                a >>= step;
                n += step;
            }
            return n + a;
        }
    }

    /// @notice `⌊√a⌋`.
    function isqrt(uint256 a) internal pure returns (uint256 root) {
        if (a == 0) return 0;
        unchecked {
            root = ONE;
            for (uint256 next = a < ONE ? a : root; next < root;) {
                root = next;
                next = (root + a / root) >> 1;
            }
        }
    }

    /// @notice `2^(−z / 2^16)` in units of 2^s / (32767·2^9), 0 ≤ z < 2^32.
    function exp2n(uint256 z, uint256 s) internal pure returns (uint256) {
        unchecked {
            s += z >> 16;
            if (s >= 25) return 0;
            uint256 i = (z & 0xffff) >> 6;
            uint256 high = expAt(i);
            uint256 value = high - (((high - expAt(i + 1)) * (z & 63) + 32) >> 6);
            return uint256(rsh(int256(value), s));
        }
    }

    /// @notice σ in Q16 of x in Q16.
    function sigmoid(int256 x) internal pure returns (uint256) {
        unchecked {
            int256 p = x + 2 ** 20;
            if (p < 0) p = 0;
            if (p > 2 ** 21 - 1) p = 2 ** 21 - 1;
            uint256 place = uint256(p);
            uint256 low = sigmoidAt(place >> 9);
            return low + (((sigmoidAt((place >> 9) + 1) - low) * (place & 511) + 256) >> 9);
        }
    }

    /// @notice Entry i of `EXP`, i ≤ 1024: a product of powers 2^(−2^k/1024), in 2^-128.
    function expAt(uint256 i) internal pure returns (uint256) {
        unchecked {
            uint256 p = ONE;
            if (i & 1 != 0) p = 0xffd3a751c0f7e10bd3b9f8ae012fbe06;
            if (i & 2 != 0) p = p * 0xffa756521c8daed19f3a1b48fb94c589 >> 128;
            if (i & 4 != 0) p = p * 0xff4ecb59511ec8a5301ba217ef18dd7c >> 128;
            if (i & 8 != 0) p = p * 0xfe9e115c7b8f884badd25995e79d2f09 >> 128;
            if (i & 16 != 0) p = p * 0xfd3e0c0cf486c174853f3a5931e0ee03 >> 128;
            if (i & 32 != 0) p = p * 0xfa83b2db722a033a7c25bb14315d7fcc >> 128;
            if (i & 64 != 0) p = p * 0xf5257d152486cc2c7b9d0c7aed980fc3 >> 128;
            if (i & 128 != 0) p = p * 0xeac0c6e7dd24392ed02d75b3706e54fa >> 128;
            if (i & 256 != 0) p = p * 0xd744fccad69d6af439a68bb9902d3fde >> 128;
            if (i & 512 != 0) p = p * 0xb504f333f9de6484597d89b3754abe9f >> 128;
            if (i & 1024 != 0) p >>= 1;
            return (p * EXP_ONE + ONE / 2) >> 128;
        }
    }

    /// @notice Entry i of `SIG`, i ≤ 4096: from e^(−n/128), a product of powers e^(−2^k/128), in 2^-128; n = |i − 2048|.
    function sigmoidAt(uint256 i) internal pure returns (uint256) {
        unchecked {
            uint256 n = i < 2048 ? 2048 - i : i - 2048;
            uint256 p = ONE;
            if (n & 1 != 0) p = 0xfe01feab551127cbfe5f89994c44216f;
            if (n & 2 != 0) p = p * 0xfc07f55ff77d2493e885eeaa756ad523 >> 128;
            if (n & 4 != 0) p = p * 0xf81fab5445aebc8a58055fcbbb139ae8 >> 128;
            if (n & 8 != 0) p = p * 0xf07d5fde38151e72f18ff03049ac5d7e >> 128;
            if (n & 16 != 0) p = p * 0xe1eb51276c110c3c3eb1269f2f5d4afa >> 128;
            if (n & 32 != 0) p = p * 0xc75f7cf564105743415cbc9d6368f3b9 >> 128;
            if (n & 64 != 0) p = p * 0x9b4597e37cb04ff3d675a35530cdd767 >> 128;
            if (n & 128 != 0) p = p * 0x5e2d58d8b3bcdf1abadec7829054f90d >> 128;
            if (n & 256 != 0) p = p * 0x22a555477f03973fb6edd5c25a052ae3 >> 128;
            if (n & 512 != 0) p = p * 0x04b0556e084f3d1dfa2bc04cb0ab88f5 >> 128;
            if (n & 1024 != 0) p = p * 0x0015fc21041027acbbfcd46780fee71e >> 128;
            if (n & 2048 != 0) p = p * 0x000001e355bbaee85cada65f73f32e88 >> 128;
            uint256 sum = ONE + p;
            return ((i < 2048 ? p << 17 : ONE << 17) + sum) / (2 * sum);
        }
    }
}
