// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Elements } from "../lib/Elements.sol";
import { FixedPoint } from "../lib/FixedPoint.sol";
import { InputScale, Tile, TileShape, UnitRules } from "../lib/UnitRules.sol";

/// @title UnitHarness
/// @notice Lets tests reach the arithmetic of one-step judges; deployed nowhere.
contract UnitHarness {
    function expTable(uint256 from, uint256 to) external pure returns (uint256[] memory entries) {
        entries = new uint256[](to - from);
        for (uint256 i = from; i < to; i++) entries[i - from] = FixedPoint.expAt(i);
    }

    function sigmoidTable(uint256 from, uint256 to) external pure returns (uint256[] memory entries) {
        entries = new uint256[](to - from);
        for (uint256 i = from; i < to; i++) entries[i - from] = FixedPoint.sigmoidAt(i);
    }

    function rdiv(int256 a, int256 b) external pure returns (int256) {
        return FixedPoint.rdiv(a, b);
    }

    function rsh(int256 a, uint256 s) external pure returns (int256) {
        return FixedPoint.rsh(a, s);
    }

    function sat(int256 a, int256 max) external pure returns (int256) {
        return FixedPoint.sat(a, max);
    }

    function bits(uint256 a) external pure returns (uint256) {
        return FixedPoint.bits(a);
    }

    function isqrt(uint256 a) external pure returns (uint256) {
        return FixedPoint.isqrt(a);
    }

    function exp2n(uint256 z, uint256 s) external pure returns (uint256) {
        return FixedPoint.exp2n(z, s);
    }

    function sigmoid(int256 x) external pure returns (uint256) {
        return FixedPoint.sigmoid(x);
    }

    /// @notice Every width at the same place.
    function elements(bytes calldata data, uint256 i)
        external
        pure
        returns (int256 int8_, int256 int16_, uint256 uint32_, int256 int32_, int256 int64_)
    {
        int8_ = Elements.int8At(data, i);
        int16_ = Elements.int16At(data, i);
        uint32_ = Elements.uint32At(data, i);
        int32_ = Elements.int32At(data, i);
        int64_ = Elements.int64At(data, i);
    }

    function int16s(bytes calldata data, uint256 n) external pure returns (int256[] memory) {
        return Elements.int16s(data, n);
    }

    function dot(bytes calldata a, bytes calldata b, uint256 n) external pure returns (int256) {
        return Elements.dotInt8(a, b, n);
    }

    function dotWide(bytes calldata a, bytes calldata b, uint256 n) external pure returns (int256) {
        return Elements.dotInt8Int16(a, b, n);
    }

    function norm(bytes calldata x, bytes calldata weights, uint256 n, uint256 epsilon)
        external
        pure
        returns (int256[] memory)
    {
        return UnitRules.norm(x, weights, n, epsilon);
    }

    /// @notice The scale of int32 and all of them under it, up to `inputMax`.
    function quantise(bytes calldata x, uint256 n, uint256 inputMax)
        external
        pure
        returns (InputScale memory scale, int256[] memory values)
    {
        values = Elements.int32s(x, n);
        scale = UnitRules.scaleOf(Elements.maxMagnitude(values));
        for (uint256 i = 0; i < n; i++) values[i] = UnitRules.quantised(values[i], scale, inputMax);
    }

    function dequantised(int256 acc, uint256 rowScale, bytes calldata scale) external pure returns (int256) {
        return UnitRules.dequantised(acc, rowScale, UnitRules.readScale(scale));
    }

    function embedded(int256 weight, uint256 rowScale) external pure returns (int256) {
        return UnitRules.embedded(weight, rowScale);
    }

    function rotated(int256 x, int256 partner, int256 cos, int256 sin, bool isSecond) external pure returns (int256) {
        return UnitRules.rotated(x, partner, cos, sin, isSecond);
    }

    function narrowed(int256 value) external pure returns (int256) {
        return UnitRules.narrowed(value);
    }

    function tile(
        bytes calldata query,
        bytes calldata keys,
        bytes calldata values,
        uint256[5] calldata shape
    ) external pure returns (Tile memory) {
        return UnitRules.tile(query, keys, values, TileShape(shape[0], shape[1], shape[2], shape[3], shape[4]));
    }

    function joined(int256[] memory maxima, int256[] memory sums, int256[] memory mixes)
        external
        pure
        returns (int256)
    {
        return UnitRules.joined(maxima, sums, mixes);
    }

    function activated(int256 gate, int256 up) external pure returns (int256) {
        return UnitRules.activated(gate, up);
    }

    function added(int256 x, int256 y) external pure returns (int256) {
        return UnitRules.added(x, y);
    }

    function adapted(int256 y, int256 d, uint256 weight) external pure returns (int256) {
        return UnitRules.adapted(y, d, weight);
    }
}
