// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { SeatWeights } from "../lib/SeatWeights.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title StakedMembers
/// @notice Accounts with a stake that answers for what they judge, and draws of seats among them.
///
/// A member weighs its whole OPEN of stake: none in jail or below `memberStakeMin()`, and nothing of what is being unbonded,
/// which can be slashed until it is paid. Weights are known as of any past second, so that who judges a question is settled
/// before anybody can act on it. Of what is slashed half is burned and half is owed to whom it helps; what is owed is fetched.
///
/// `balance = membersStake + membersUnbonding + owed + what the contract holds besides`, and `slashed = burned + rewarded`.
abstract contract StakedMembers {
    using SeatWeights for SeatWeights.Tree;

    struct Member {
        uint128 stake;
        uint128 unbonding;
        uint64 unbondsAt;
        /// @dev Until when in jail; stays in it until `unjail`.
        uint64 jailedUntil;
        bool jailed;
        /// @dev Its slot and 1; 0 where it has none.
        uint16 seat;
    }

    struct Vacancy {
        uint16 slot;
        uint64 since;
    }

    event MemberStaked(address indexed member, uint256 amount, uint256 stake);
    event MemberUnbonding(address indexed member, uint256 amount, uint64 availableAt);
    event MemberWithdrawn(address indexed member, address to, uint256 amount);
    event MemberSlashed(address indexed member, uint256 amount, uint256 burned, address beneficiary, bytes32 reason);
    event MemberJailed(address indexed member, uint64 until);
    event MemberUnjailed(address indexed member);
    /// @notice A member's weight from this second on, in whole OPEN.
    event MemberWeight(address indexed member, uint16 indexed slot, uint32 weight);
    event OwedClaimed(address indexed account, address to, uint256 amount);

    error UnderStaked(uint256 required, uint256 stake);
    error AboveStake(uint256 amount, uint256 stake);
    error ZeroAmount();
    error ZeroAddress();
    error NothingUnbonding(address member);
    error StillBonded(uint64 availableAt);
    error NotInJail(address member);
    error StillInJail(uint64 until);
    error NothingOwed(address account);
    error TransferFailed(address to, uint256 amount);
    error NoFreeSeat();
    /// @notice Weights older than a stake takes to leave are not drawn by: their members may be gone.
    error SnapshotTooOld(uint256 time);

    /// @notice Most members at a time.
    uint256 public constant MEMBERS_MAX = SeatWeights.SLOTS;

    /// @notice Seconds between asking for stake back and getting it; above every dispute that a member answers for.
    uint64 public unbondingDelay;
    /// @notice Slots ever used.
    uint16 public slotCount;
    uint128 public membersStake;
    uint128 public membersUnbonding;
    /// @notice Wei that accounts may fetch with `claimOwed`.
    uint256 public owed;
    uint256 public slashed;
    uint256 public burned;
    uint256 public rewarded;
    mapping(address account => uint256) public owedTo;
    mapping(uint256 slot => address) public memberAt;
    mapping(address account => Member) private _members;
    SeatWeights.Tree private _weights;
    /// @dev Slots whose members left, in that order, from `_vacanciesUsed` on.
    Vacancy[] private _vacancies;
    uint256 private _vacanciesUsed;

    // --- Members ---

    /// @notice Adds the value to the caller's stake, which must then be enough.
    function addStake() external payable {
        if (msg.value == 0) revert ZeroAmount();
        Member storage member = _members[msg.sender];
        member.stake += uint128(msg.value);
        membersStake += uint128(msg.value);
        if (member.stake < memberStakeMin()) revert UnderStaked(memberStakeMin(), member.stake);
        emit MemberStaked(msg.sender, msg.value, member.stake);
        _weigh(msg.sender);
    }

    /// @notice Asks for `amount` more of the stake; all that is asked for waits anew. What stays must be enough, or nothing.
    function requestUnbond(uint128 amount) external {
        Member storage member = _members[msg.sender];
        if (amount == 0) revert ZeroAmount();
        if (amount > member.stake) revert AboveStake(amount, member.stake);
        uint128 left = member.stake - amount;
        if (left > 0 && left < memberStakeMin()) revert UnderStaked(memberStakeMin(), left);
        (member.stake, member.unbonding) = (left, member.unbonding + amount);
        membersStake -= amount;
        membersUnbonding += amount;
        member.unbondsAt = uint64(block.timestamp) + unbondingDelay;
        emit MemberUnbonding(msg.sender, amount, member.unbondsAt);
        _weigh(msg.sender);
    }

    /// @notice Pays what was asked for long enough ago.
    function withdrawStake(address to) external returns (uint128 amount) {
        if (to == address(0)) revert ZeroAddress();
        Member storage member = _members[msg.sender];
        amount = member.unbonding;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < member.unbondsAt) revert StillBonded(member.unbondsAt);
        (member.unbonding, member.unbondsAt) = (0, 0);
        membersUnbonding -= amount;
        _vacate(member);
        emit MemberWithdrawn(msg.sender, to, amount);
        _send(to, amount);
    }

    /// @notice Ends the caller's time in jail, once it is over.
    function unjail() external {
        Member storage member = _members[msg.sender];
        if (!member.jailed) revert NotInJail(msg.sender);
        if (block.timestamp < member.jailedUntil) revert StillInJail(member.jailedUntil);
        member.jailed = false;
        emit MemberUnjailed(msg.sender);
        _weigh(msg.sender);
    }

    /// @notice Sends all that is owed to the caller to `to`.
    function claimOwed(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = owedTo[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owedTo[msg.sender] = 0;
        owed -= amount;
        emit OwedClaimed(msg.sender, to, amount);
        _send(to, amount);
    }

    // --- Views ---

    /// @notice Least stake of a member, in wei.
    function memberStakeMin() public view virtual returns (uint128);

    function memberOf(address account) external view returns (Member memory) {
        return _members[account];
    }

    /// @notice All that can be slashed, in wei: stake, and what is being unbonded.
    function stakeOf(address account) public view returns (uint256) {
        Member storage member = _members[account];
        return uint256(member.stake) + member.unbonding;
    }

    /// @notice A member's whole OPEN as of the end of a past second; zero for whoever is none now.
    function weightAt(address account, uint256 time) public view returns (uint256) {
        uint16 seat = _members[account].seat;
        _requireRecent(time);
        return seat == 0 ? 0 : _weights.weightAt(seat - 1, time);
    }

    /// @notice All members' whole OPEN as of the end of a past second.
    function totalWeightAt(uint256 time) public view returns (uint256) {
        _requireRecent(time);
        return _weights.totalAt(time);
    }

    // --- For the contracts that judge ---

    function _initMembers(uint64 unbondingDelay_) internal {
        unbondingDelay = unbondingDelay_;
    }

    /// @dev Takes up to `amount`, from the stake first, then from what is being unbonded: half, rounded down, is owed to the
    ///      beneficiary, the rest is burned.
    function _slash(address account, uint256 amount, address beneficiary, bytes32 reason)
        internal
        returns (uint256 taken)
    {
        Member storage member = _members[account];
        uint256 all = stakeOf(account);
        taken = amount < all ? amount : all;
        if (taken == 0) return 0;
        uint128 ofStake = taken < member.stake ? uint128(taken) : member.stake;
        uint128 ofUnbonding = uint128(taken) - ofStake;
        member.stake -= ofStake;
        member.unbonding -= ofUnbonding;
        membersStake -= ofStake;
        membersUnbonding -= ofUnbonding;
        _weigh(account);
        _vacate(member);
        uint256 half = _forfeit(taken, beneficiary);
        emit MemberSlashed(account, taken, taken - half, beneficiary, reason);
    }

    /// @dev Splits wei that the contract holds and that somebody lost: half, rounded down, is owed to the beneficiary and the
    ///      rest is burned.
    function _forfeit(uint256 amount, address beneficiary) internal returns (uint256 half) {
        half = amount / 2;
        slashed += amount;
        rewarded += half;
        burned += amount - half;
        _owe(beneficiary, half);
        if (amount > half) OpenBurner(Predeploys.OPEN_BURNER).burn{ value: amount - half }();
    }

    /// @dev A longer time in jail is never cut short.
    function _jail(address account, uint64 until) internal {
        Member storage member = _members[account];
        member.jailed = true;
        if (until > member.jailedUntil) member.jailedUntil = until;
        emit MemberJailed(account, member.jailedUntil);
        _weigh(account);
    }

    function _owe(address account, uint256 amount) internal {
        owedTo[account] += amount;
        owed += amount;
    }

    /// @dev Draws `n` seats by weight without replacement, as of the end of a past second; fewer where there are fewer
    ///      members with weight. Draw k looks at point `keccak(beacon ‖ k u256) mod (weights not yet drawn)`.
    ///      Who is barred, such as a party, gets no seat.
    function drawSeats(bytes32 beacon, uint256 n, uint256 time, address[] memory barred)
        internal
        view
        returns (address[] memory seats)
    {
        uint256 left = totalWeightAt(time);
        seats = new address[](n);
        uint256[] memory taken = new uint256[](n + barred.length);
        uint256 given;
        for (uint256 k = 0; given < n && left > 0; k++) {
            uint256 point = uint256(keccak256(abi.encode(beacon, k))) % left;
            (uint256 slot, uint256 weight) = _weights.at(point, time, taken, k);
            taken[k] = (slot << 32) | weight;
            left -= weight;
            address member = memberAt[slot];
            if (!_isIn(member, barred)) seats[given++] = member;
        }
        assembly ("memory-safe") {
            mstore(seats, given)
        }
    }

    // --- Internals ---

    /// @dev Books a member's weight where it changed, and finds it a slot when it first has one.
    function _weigh(address account) private {
        Member storage member = _members[account];
        bool counts = !member.jailed && member.stake >= memberStakeMin();
        uint32 weight = counts ? uint32(member.stake / 1 ether) : 0;
        if (member.seat == 0) {
            if (weight == 0) return;
            member.seat = _freeSlot() + 1;
            memberAt[member.seat - 1] = account;
        }
        _weights.set(member.seat - 1, weight);
        emit MemberWeight(account, member.seat - 1, weight);
    }

    /// @dev Gives up the slot of a member that has nothing left.
    function _vacate(Member storage member) private {
        if (member.seat == 0 || member.stake + member.unbonding > 0) return;
        _vacancies.push(Vacancy(member.seat - 1, uint64(block.timestamp)));
        member.seat = 0;
    }

    /// @dev A slot is given again once no draw looks at the time of its last member.
    function _freeSlot() private returns (uint16 slot) {
        if (_vacanciesUsed < _vacancies.length) {
            Vacancy memory oldest = _vacancies[_vacanciesUsed];
            if (oldest.since + unbondingDelay < block.timestamp) {
                _vacanciesUsed++;
                return oldest.slot;
            }
        }
        slot = slotCount;
        if (slot >= MEMBERS_MAX) revert NoFreeSeat();
        slotCount = slot + 1;
    }

    function _requireRecent(uint256 time) private view {
        if (time + unbondingDelay < block.timestamp) revert SnapshotTooOld(time);
    }

    function _isIn(address account, address[] memory list) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; i++) if (list[i] == account) return true;
        return false;
    }

    function _send(address to, uint256 amount) private {
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }
}
