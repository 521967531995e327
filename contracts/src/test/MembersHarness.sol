// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { StakedMembers } from "../ol/StakedMembers.sol";

/// @title MembersHarness
/// @notice Lets tests reach what a contract that judges does with its members; deployed nowhere.
contract MembersHarness is StakedMembers {
    constructor(uint64 delay) {
        _initMembers(delay);
    }

    function memberStakeMin() public pure override returns (uint128) {
        return 100 ether;
    }

    function slash(address member, uint256 amount, address beneficiary) external returns (uint256) {
        return _slash(member, amount, beneficiary, "test");
    }

    function jail(address member, uint64 until) external {
        _jail(member, until);
    }

    function draw(bytes32 beacon, uint256 n, uint256 time, address[] calldata barred)
        external
        view
        returns (address[] memory)
    {
        return drawSeats(beacon, n, time, barred);
    }
}
