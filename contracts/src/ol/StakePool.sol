// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Interest } from "../lib/Interest.sol";
import { POOL_KIND_STAKERS } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";

/// @notice The part of the RoyaltyVault that knows who shares the stakers' part of the fees.
interface IStakersPool {
    function setUnits(uint8 kind, uint64 id, address member, uint128 units) external;
}

/// @title StakePool
/// @notice OPEN locked for 30, 90, 180 or 365 days, or flexibly with seven days of unbonding, for interest and for a part of all
///         fees. Predeploy 0x4f4c…0008.
///
/// Interest comes from a reserve that somebody funded, never from other stakers: a locked stake sets its whole term's interest aside
/// when it begins, or is refused; a flexible one that of its next 30 days, and where the reserve lacks that it earns none until it
/// is renewed. `balance = freeReserve + reserved + staked + owed`. The rate of a stake is that of the day it began or was renewed.
///
/// Fees: each wei that was put in is one unit of the RoyaltyVault's stakers' pool until the stake is asked back.
/// Nobody can slash what lies here: workers, checkers and validators have stakes of their own.
contract StakePool is Initializable {
    struct StakeConfig {
        /// @dev Continuous interest a year, in 1e-18.
        uint64 interestRate;
        /// @dev Seconds; 0: flexible.
        uint32 stakeDuration;
        /// @dev Seconds between asking for a stake and getting it.
        uint32 cooldownDuration;
        bool isActive;
        /// @dev Wei that one account may have put in under this config, least and most.
        uint128 minStake;
        uint128 maxStake;
    }

    struct Stake {
        address recipient;
        uint8 configId;
        uint64 interestRate;
        /// @dev When it began or was renewed.
        uint64 startTime;
        /// @dev No interest is earned from then on.
        uint64 accruesUntil;
        /// @dev Wei at `startTime`, interest up to then included.
        uint128 amount;
        /// @dev Wei that were put in.
        uint128 principal;
        /// @dev Interest from `startTime` to `accruesUntil`.
        uint128 reserved;
    }

    struct UnstakeRequest {
        address recipient;
        uint64 availableAt;
        uint128 amount;
    }

    event ConfigSet(
        uint256 indexed configId, uint64 interestRate, uint128 minStake, uint128 maxStake, bool isActive
    );
    event ReserveFunded(address indexed from, uint256 amount);
    event Staked(uint256 indexed stakingId, address indexed recipient, uint256 indexed configId, uint256 amount);
    event ToppedUp(uint256 indexed stakingId, address indexed recipient, uint256 amount);
    event InterestReserved(
        uint256 indexed stakingId, uint128 amount, uint64 interestRate, uint64 accruesUntil, uint128 reserved
    );
    event RequestUnstake(
        uint256 indexed stakingId, address indexed recipient, uint128 amount, uint64 availableAt
    );
    event Unstaked(uint256 indexed stakingId, address indexed recipient, uint256 amount);

    error NotTimelock(address caller);
    error UnknownConfig(uint256 configId);
    error RateTooHigh(uint256 interestRate, uint256 max);
    error MinStakeTooHigh(uint256 minStake, uint256 max);
    error InactiveConfig(uint256 configId);
    error ZeroAmount();
    error ZeroAddress();
    error StakeNotFound(uint256 stakingId);
    error MismatchedRecipient(uint256 stakingId, address recipient, address caller);
    error StakeAmountTooSmall(uint256 staked, uint256 min);
    error StakeAmountExceeded(uint256 staked, uint256 max);
    error ReserveTooLow(uint256 needed, uint256 free);
    error StakeEnded(uint256 stakingId);
    error StakeNotEnded(uint256 stakingId, uint256 endsAt);
    error NotFlexible(uint256 stakingId);
    error UnstakeRequestNotFound(uint256 stakingId);
    error CooldownNotPassed(uint256 stakingId, uint256 availableAt);
    error TransferFailed(address recipient, uint256 amount);

    uint256 public constant CONFIGS = 5;
    /// @notice Highest rate that the Timelock can set: 50 % a year.
    uint256 public constant RATE_MAX = 0.5e18;
    uint256 public constant MIN_STAKE_MAX = 1_000 ether;
    /// @notice For how long a flexible stake sets interest aside at once.
    uint64 public constant FLEXI_WINDOW = 30 days;
    uint32 public constant FLEXI_COOLDOWN = 7 days;

    /// @notice Wei of interest that no stake has set aside.
    uint256 public freeReserve;
    /// @notice Wei of interest that stakes have set aside.
    uint256 public reserved;
    /// @notice Wei of all stakes at their start or last renewal.
    uint256 public staked;
    /// @notice Wei that were asked back and not paid yet.
    uint256 public owed;
    uint256 public nextStakeId;
    mapping(uint256 stakingId => Stake) public stakes;
    mapping(uint256 stakingId => UnstakeRequest) public unstakeRequests;
    mapping(uint256 configId => StakeConfig) public configs;
    mapping(uint256 configId => mapping(address recipient => uint256)) public stakedAmounts;
    /// @notice Wei that an account put in under all configs: its units of the fees.
    mapping(address recipient => uint128) public units;

    constructor() {
        _disableInitializers();
    }

    /// @notice Config 0 is flexible at 2 %, 1 to 4 lock for 30, 90, 180 and 365 days at 3, 5, 8 and 12 % a year; at least 1 OPEN.
    function initialize() external initializer {
        _create(0, 0.02e18, 0);
        _create(1, 0.03e18, 30 days);
        _create(2, 0.05e18, 90 days);
        _create(3, 0.08e18, 180 days);
        _create(4, 0.12e18, 365 days);
    }

    // --- What the Timelock and funders do ---

    /// @notice Sets what stakes get that begin or are renewed from now on; those that run keep what they were promised.
    function setConfig(uint256 configId, uint64 interestRate, uint128 minStake, uint128 maxStake, bool isActive)
        external
    {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        if (configId >= CONFIGS) revert UnknownConfig(configId);
        _set(configId, interestRate, minStake, maxStake, isActive);
    }

    /// @notice Adds the value to the reserve for interest. It goes to stakers and to nobody else.
    function fundReserve() external payable {
        if (msg.value == 0) revert ZeroAmount();
        freeReserve += msg.value;
        emit ReserveFunded(msg.sender, msg.value);
    }

    // --- Stakes ---

    /// @notice Stakes the value; principal, interest and fees are `onBehalfOf`'s.
    function stake(uint256 configId, address onBehalfOf) external payable returns (uint256 stakingId) {
        if (configId >= CONFIGS) revert UnknownConfig(configId);
        if (onBehalfOf == address(0)) revert ZeroAddress();
        if (!configs[configId].isActive) revert InactiveConfig(configId);
        stakingId = nextStakeId++;
        Stake storage its = stakes[stakingId];
        (its.recipient, its.configId) = (onBehalfOf, uint8(configId));
        emit Staked(stakingId, onBehalfOf, configId, msg.value);
        _putIn(stakingId, its);
    }

    /// @notice Adds the value to a stake and begins it anew: a locked one waits its whole term again, at the rate of now.
    function topUpStake(uint256 stakingId) external payable {
        Stake storage its = _own(stakingId);
        uint256 duration = configs[its.configId].stakeDuration;
        if (duration != 0 && block.timestamp >= its.startTime + duration) revert StakeEnded(stakingId);
        emit ToppedUp(stakingId, msg.sender, msg.value);
        _putIn(stakingId, its);
    }

    /// @notice Sets the next 30 days' interest of a flexible stake aside, at the rate of now. Its recipient may at any time, anyone
    ///         once it has stopped earning.
    function renew(uint256 stakingId) external {
        Stake storage its = stakes[stakingId];
        if (its.amount == 0) revert StakeNotFound(stakingId);
        if (configs[its.configId].stakeDuration != 0) revert NotFlexible(stakingId);
        if (msg.sender != its.recipient && block.timestamp < its.accruesUntil) {
            revert MismatchedRecipient(stakingId, its.recipient, msg.sender);
        }
        _begin(stakingId, its, 0);
    }

    /// @notice Asks for a stake and its interest: at once where its term is over, seven days later where it is flexible. A locked
    ///         stake cannot be had before its term is over.
    function requestUnstake(uint256 stakingId) external {
        Stake memory its = _own(stakingId);
        StakeConfig memory config = configs[its.configId];
        uint256 endsAt = uint256(its.startTime) + config.stakeDuration;
        if (block.timestamp < endsAt) revert StakeNotEnded(stakingId, endsAt);
        uint128 total = uint128(_value(its));
        (reserved, staked) = (reserved - its.reserved, staked - its.amount);
        (freeReserve, owed) = (freeReserve + its.amount + its.reserved - total, owed + total);
        stakedAmounts[its.configId][msg.sender] -= its.principal;
        delete stakes[stakingId];
        uint64 availableAt = uint64(block.timestamp) + config.cooldownDuration;
        unstakeRequests[stakingId] = UnstakeRequest(msg.sender, availableAt, total);
        emit RequestUnstake(stakingId, msg.sender, total, availableAt);
        _setUnits(msg.sender, units[msg.sender] - its.principal);
        if (config.cooldownDuration == 0) _pay(stakingId);
    }

    /// @notice Pays what was asked for once its cooldown is over.
    function unstake(uint256 stakingId) external {
        UnstakeRequest memory request = unstakeRequests[stakingId];
        if (request.recipient == address(0)) revert UnstakeRequestNotFound(stakingId);
        if (msg.sender != request.recipient) revert MismatchedRecipient(stakingId, request.recipient, msg.sender);
        if (block.timestamp < request.availableAt) revert CooldownNotPassed(stakingId, request.availableAt);
        _pay(stakingId);
    }

    // --- Views ---

    /// @notice Wei of a stake with its interest up to now; 0 for one that is not there.
    function calculateAmount(uint256 stakingId) external view returns (uint256) {
        return _value(stakes[stakingId]);
    }

    /// @notice Interest that a stake of `amount` would set aside now: its term's, or a flexible one's of 30 days.
    function interestOf(uint256 configId, uint256 amount) public view returns (uint256) {
        return Interest.compound(amount, configs[configId].interestRate, _span(configId)) - amount;
    }

    // --- Inside ---

    function _putIn(uint256 stakingId, Stake storage its) private {
        if (msg.value == 0) revert ZeroAmount();
        (address recipient, StakeConfig memory config) = (its.recipient, configs[its.configId]);
        uint256 total = stakedAmounts[its.configId][recipient] + msg.value;
        if (total < config.minStake) revert StakeAmountTooSmall(total, config.minStake);
        if (total > config.maxStake) revert StakeAmountExceeded(total, config.maxStake);
        stakedAmounts[its.configId][recipient] = total;
        its.principal += uint128(msg.value);
        _begin(stakingId, its, msg.value);
        _setUnits(recipient, units[recipient] + uint128(msg.value));
    }

    /// @dev Adds the interest so far and `added` to a stake, and sets aside what it earns from now on.
    function _begin(uint256 stakingId, Stake storage its, uint256 added) private {
        uint256 configId = its.configId;
        uint256 grown = _value(its);
        uint256 free = freeReserve + its.amount + its.reserved - grown;
        uint256 interest = interestOf(configId, grown + added);
        uint64 span = _span(configId);
        if (interest > free) {
            if (configs[configId].stakeDuration != 0) revert ReserveTooLow(interest, free);
            (interest, span) = (0, 0);
        }
        staked = staked - its.amount + grown + added;
        reserved = reserved - its.reserved + interest;
        freeReserve = free - interest;
        its.amount = uint128(grown + added);
        its.reserved = uint128(interest);
        its.interestRate = configs[configId].interestRate;
        its.startTime = uint64(block.timestamp);
        its.accruesUntil = uint64(block.timestamp) + span;
        emit InterestReserved(stakingId, its.amount, its.interestRate, its.accruesUntil, its.reserved);
    }

    function _value(Stake memory its) private view returns (uint256) {
        uint256 until = block.timestamp < its.accruesUntil ? block.timestamp : its.accruesUntil;
        return Interest.compound(its.amount, its.interestRate, until - its.startTime);
    }

    function _span(uint256 configId) private view returns (uint64) {
        uint32 duration = configs[configId].stakeDuration;
        return duration == 0 ? FLEXI_WINDOW : duration;
    }

    function _own(uint256 stakingId) private view returns (Stake storage its) {
        its = stakes[stakingId];
        if (its.amount == 0) revert StakeNotFound(stakingId);
        if (its.recipient != msg.sender) revert MismatchedRecipient(stakingId, its.recipient, msg.sender);
    }

    function _setUnits(address recipient, uint128 to) private {
        units[recipient] = to;
        IStakersPool(Predeploys.ROYALTY_VAULT).setUnits(POOL_KIND_STAKERS, 0, recipient, to);
    }

    function _pay(uint256 stakingId) private {
        UnstakeRequest memory request = unstakeRequests[stakingId];
        delete unstakeRequests[stakingId];
        owed -= request.amount;
        emit Unstaked(stakingId, request.recipient, request.amount);
        (bool ok,) = request.recipient.call{ value: request.amount }("");
        if (!ok) revert TransferFailed(request.recipient, request.amount);
    }

    function _create(uint256 configId, uint64 interestRate, uint32 duration) private {
        StakeConfig storage config = configs[configId];
        config.stakeDuration = duration;
        config.cooldownDuration = duration == 0 ? FLEXI_COOLDOWN : 0;
        _set(configId, interestRate, 1 ether, type(uint128).max, true);
    }

    function _set(uint256 configId, uint64 interestRate, uint128 minStake, uint128 maxStake, bool isActive) private {
        if (interestRate > RATE_MAX) revert RateTooHigh(interestRate, RATE_MAX);
        if (minStake > MIN_STAKE_MAX) revert MinStakeTooHigh(minStake, MIN_STAKE_MAX);
        StakeConfig storage config = configs[configId];
        (config.interestRate, config.minStake, config.maxStake, config.isActive) =
            (interestRate, minStake, maxStake, isActive);
        emit ConfigSet(configId, interestRate, minStake, maxStake, isActive);
    }
}
