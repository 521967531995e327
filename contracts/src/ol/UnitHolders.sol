// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IERC6372 } from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import { ERC6909 } from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";
import { BitMaps } from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Payout } from "../lib/MoneyTypes.sol";
import { SumTrees } from "../lib/SumTrees.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";

/// @title UnitHolders
/// @notice Who holds how many units of a Datanet, and held at any time before. Units of all versions rank equal, so that the
///         history of a holder is one for each Datanet.
///
/// A version's units are its owner's, or allotted: then each is its contributor's from the block in which the version was
/// published, claimed or not, and the claim only makes it movable. What was allotted and not claimed stands in this contract's
/// name, and nobody else can send it units.
abstract contract UnitHolders is ERC6909, IERC6372, IDatanetUnits {
    using BitMaps for BitMaps.BitMap;
    using Checkpoints for Checkpoints.Trace208;

    struct Issue {
        uint128 units;
        uint48 issuedAt;
        /// @dev Root over (contributor, units); zero where all went to the owner.
        bytes32 allotment;
    }

    /// @dev Allotted units: their contributor's through [from, until), and part of its balance from then on.
    struct Lot {
        uint128 units;
        uint48 from;
        uint48 until;
        /// @dev Income of that time that its owner was credited.
        uint256 creditedQ64;
    }

    event UnitsIssued(
        uint64 indexed datanet, uint32 indexed version, uint128 units, address owner, bytes32 allotment
    );
    event AllotmentClaimed(
        uint64 indexed datanet, uint32 indexed version, address indexed contributor, uint32 index, uint128 units
    );

    error NotAllotted(uint256 id);
    error WrongAllotmentSum(uint256 id, uint128 issued, uint128 allotted);
    error AllotmentTaken(uint256 id, uint32 index);
    error TooManyUnits(uint64 datanet, uint256 units);
    error TimeNotPast(uint64 time, uint64 now_);

    mapping(uint256 id => Issue) public issues;
    mapping(uint256 id => BitMaps.BitMap) private _taken;
    mapping(uint64 datanet => Checkpoints.Trace208) private _total;
    mapping(uint64 datanet => mapping(address holder => Checkpoints.Trace208)) private _held;
    mapping(uint64 datanet => mapping(address holder => Lot[])) internal _lots;

    /// @notice Moves allotted units to their contributor; anyone may.
    /// @param index,count,siblings the leaf (contributor, units) under the version's allotment, as a payout's
    function claimAllotment(
        uint256 id,
        address contributor,
        uint128 units,
        uint32 index,
        uint32 count,
        bytes calldata siblings
    ) external {
        Issue memory issued = issues[id];
        if (issued.allotment == bytes32(0)) revert NotAllotted(id);
        bytes memory row = SumTrees.rowOf(MoneyHashes.payoutLeaf(Payout(index, contributor, units)), units);
        (, bytes memory totals) = SumTrees.open(issued.allotment, count, index, row, siblings);
        uint128 allotted = SumTrees.at(totals, 0);
        if (allotted != issued.units) revert WrongAllotmentSum(id, issued.units, allotted);
        if (_taken[id].get(index)) revert AllotmentTaken(id, index);
        _taken[id].set(index);
        (uint64 datanet, uint32 version) = _partsOf(id);
        emit AllotmentClaimed(datanet, version, contributor, index, units);
        if (units == 0) return;
        _transfer(address(this), contributor, id, units);
        // In the block of the publication too, where it is of no time: an estimate of gas made then holds for the next block.
        _lots[datanet][contributor].push(Lot(units, issued.issuedAt, clock(), 0));
    }

    function isAllotmentClaimed(uint256 id, uint32 index) external view returns (bool) {
        return _taken[id].get(index);
    }

    /// @inheritdoc IDatanetUnits
    function unitsAt(uint64 datanet, address holder, uint64 time) external view returns (uint256 units) {
        uint48 at = _past(time);
        units = _held[datanet][holder].upperLookupRecent(at);
        Lot[] storage lots = _lots[datanet][holder];
        // Later lots end later.
        for (uint256 i = lots.length; i > 0 && lots[i - 1].until > at; i--) {
            if (lots[i - 1].from <= at) units += lots[i - 1].units;
        }
    }

    /// @inheritdoc IDatanetUnits
    function unitsTotalAt(uint64 datanet, uint64 time) public view returns (uint256) {
        return _total[datanet].upperLookupRecent(_past(time));
    }

    /// @notice Units of all versions that somebody can move now.
    function unitsOf(uint64 datanet, address holder) external view returns (uint256) {
        return _held[datanet][holder].latest();
    }

    /// @notice Claimed allotments of a holder, the earliest first.
    function lotsOf(uint64 datanet, address holder) external view returns (Lot[] memory) {
        return _lots[datanet][holder];
    }

    function clock() public view returns (uint48) {
        return uint48(block.timestamp);
    }

    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    function _issue(uint64 datanet, uint32 version, address owner, uint128 units, bytes32 allotment) internal {
        uint256 total = _total[datanet].latest() + units;
        if (total > type(uint128).max) revert TooManyUnits(datanet, total);
        uint256 id = uint256(datanet) << 32 | version;
        issues[id] = Issue(units, clock(), allotment);
        emit UnitsIssued(datanet, version, units, owner, allotment);
        if (units == 0) return;
        _total[datanet].push(clock(), uint208(total));
        _mint(allotment == bytes32(0) ? owner : address(this), id, units);
    }

    /// @dev A transfer to oneself changes no history, nor does one of nothing.
    function _update(address from, address to, uint256 id, uint256 amount) internal override {
        if (to == address(this) && from != address(0)) revert ERC6909InvalidReceiver(to);
        super._update(from, to, id, amount);
        if (from == to || amount == 0) return;
        (uint64 datanet,) = _partsOf(id);
        if (from != address(0) && from != address(this)) {
            Checkpoints.Trace208 storage held = _held[datanet][from];
            held.push(clock(), held.latest() - uint208(amount));
        }
        if (to != address(this)) {
            Checkpoints.Trace208 storage held = _held[datanet][to];
            held.push(clock(), held.latest() + uint208(amount));
        }
    }

    function _partsOf(uint256 id) internal pure returns (uint64 datanet, uint32 version) {
        return (uint64(id >> 32), uint32(id));
    }

    /// @dev Units at a time and the last second at which they are still as many: at the most `last`.
    function _heldThrough(uint64 datanet, address holder, uint48 time, uint48 last)
        internal
        view
        returns (uint256 units, uint48 through)
    {
        Checkpoints.Trace208 storage held = _held[datanet][holder];
        uint32 length = uint32(held.length());
        uint32 low = 0;
        uint32 high = length;
        while (low < high) {
            uint32 middle = (low + high) / 2;
            if (held.at(middle)._key <= time) low = middle + 1;
            else high = middle;
        }
        if (low > 0) units = held.at(low - 1)._value;
        through = low < length && held.at(low)._key <= last ? held.at(low)._key - 1 : last;
    }

    /// @dev What is asked of a block still being made would not stay true.
    function _past(uint64 time) private view returns (uint48) {
        if (time >= block.timestamp) revert TimeNotPast(time, uint64(block.timestamp));
        return uint48(time);
    }
}
