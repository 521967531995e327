// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "../lib/MoneyHashes.sol";
import {
    POOL_KIND_ESCROW,
    POOL_KIND_ITEM,
    POOL_KIND_STAKERS,
    POOL_KIND_TREASURY,
    POOL_KIND_UNITS
} from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";

/// @title RoyaltyPools
/// @notice Pools of the RoyaltyVault: what comes in is owed to the members by their units at that moment, whatever
///         their number. Kind 0 belongs to the stakers, kind 1 to the unit holders of a Datanet, kind 2 to the treasury,
///         kind 3 to who made a contribution and its labels, kind 4 is what a dispute over a contribution holds back.
///
/// Of kind 1 DatanetUnits keeps the account, and only the wei stand here: what an epoch pays belongs to who held units when the
/// epoch's last batch was committed, what comes otherwise to who held them in the block before.
///
/// All shares are kept in 1/2^64 wei and nothing is rounded away: for every pool
/// `funded · 2^64 = undistributed + Σ (owed + units · (acc − accPaid)) + paid · 2^64`.
abstract contract RoyaltyPools is IRoyaltyVault {
    struct Pool {
        /// @dev What one unit has been owed since the pool began.
        uint256 accQ64;
        /// @dev What came while nobody had units, and the remainder of the last division.
        uint256 undistributedQ64;
        uint128 units;
    }

    struct Member {
        uint256 accPaidQ64;
        uint256 owedQ64;
        uint128 units;
    }

    event PoolFunded(address indexed pool, uint256 amount, uint256 accPerUnit);
    event PoolUnits(address indexed pool, address indexed member, uint128 units);
    event PoolClaimed(address indexed pool, address indexed member, uint256 amount, address recipient);

    error UnknownPool(uint8 kind, uint64 id);
    error NotPoolManager(uint8 kind, uint64 id, address caller);

    mapping(address pool => Pool) public pools;
    mapping(address pool => mapping(address member => Member)) public members;

    /// @notice The payee under which epochs credit a pool. MONEY §4.
    function poolPayee(uint8 kind, uint64 id) public pure returns (address) {
        if (!MoneyHashes.isPoolId(kind, id)) revert UnknownPool(kind, id);
        return MoneyHashes.poolPayee(kind, id);
    }

    /// @inheritdoc IRoyaltyVault
    function fund(uint8 kind, uint64 id) external payable {
        _fund(poolPayee(kind, id), msg.value);
    }

    /// @notice Sets a member's units from now on; what it is owed so far stays. The StakePool decides over the stakers'
    ///         units, the money timelock over the treasury's; a Datanet's are what DatanetUnits' holders hold.
    function setUnits(uint8 kind, uint64 id, address member, uint128 units) external {
        address pool = poolPayee(kind, id);
        if (msg.sender != _managerOf(kind)) revert NotPoolManager(kind, id, msg.sender);
        _setUnits(pool, member, units);
    }

    /// @notice Wei that a member could claim now.
    function claimable(uint8 kind, uint64 id, address member) external view returns (uint256) {
        address pool = poolPayee(kind, id);
        if (kind == POOL_KIND_UNITS) return _units().claimable(id, member);
        Member storage account = members[pool][member];
        return (account.owedQ64 + account.units * (pools[pool].accQ64 - account.accPaidQ64)) >> 64;
    }

    function _fund(address pool, uint256 amount) internal {
        if (MoneyHashes.isUnitsPool(pool)) return _fundUnits(pool, amount, 0, uint64(block.timestamp) - 1);
        Pool storage to = pools[pool];
        to.undistributedQ64 += amount << 64;
        _distribute(to);
        emit PoolFunded(pool, amount, to.accQ64);
    }

    /// @dev Income of who held a Datanet's units at `time`, paid by an epoch, or by others where that is zero.
    function _fundUnits(address pool, uint256 amount, uint64 epoch, uint64 time) internal {
        uint256 acc = _units().credit(uint64(uint160(pool)), amount, epoch, time);
        emit PoolFunded(pool, amount, acc);
    }

    function _setUnits(address pool, address member, uint128 units) internal {
        Pool storage of_ = pools[pool];
        Member storage account = members[pool][member];
        _settle(of_, account);
        of_.units = of_.units - account.units + units;
        account.units = units;
        _distribute(of_);
        emit PoolUnits(pool, member, units);
    }

    /// @dev Takes the whole wei that a member is owed; the fraction stays owed.
    function _take(address pool, address member) internal returns (uint256 amount) {
        if (MoneyHashes.isUnitsPool(pool)) return _units().take(uint64(uint160(pool)), member);
        Member storage account = members[pool][member];
        _settle(pools[pool], account);
        amount = account.owedQ64 >> 64;
        account.owedQ64 -= amount << 64;
    }

    function _settle(Pool storage pool, Member storage account) private {
        account.owedQ64 += account.units * (pool.accQ64 - account.accPaidQ64);
        account.accPaidQ64 = pool.accQ64;
    }

    function _distribute(Pool storage pool) private {
        uint256 units = pool.units;
        if (units == 0) return;
        uint256 total = pool.undistributedQ64;
        pool.accQ64 += total / units;
        pool.undistributedQ64 = total % units;
    }

    function _units() private pure returns (IDatanetUnits) {
        return IDatanetUnits(Predeploys.DATANET_UNITS);
    }

    /// @dev Nobody of a Datanet's pool.
    function _managerOf(uint8 kind) private pure returns (address) {
        if (kind == POOL_KIND_STAKERS) return Predeploys.STAKE_POOL;
        if (kind == POOL_KIND_ITEM || kind == POOL_KIND_ESCROW) return Predeploys.DATANET_REVIEW;
        return kind == POOL_KIND_TREASURY ? Predeploys.MONEY_TIMELOCK : address(0);
    }
}
