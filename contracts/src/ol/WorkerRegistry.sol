// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Fault, Faults } from "../lib/Faults.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SafeSend } from "../lib/SafeSend.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";
import { IInferenceMarket } from "./interfaces/IInferenceMarket.sol";
import { IWorkerRegistry } from "./interfaces/IWorkerRegistry.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title WorkerRegistry
/// @notice Workers, their stake per compute unit, and what they lose for a fault. Predeploy 0x4f4c…0004.
///
/// Stake that is being unbonded covers no new fees and can be slashed until it is paid, which is later than any challenge of
/// what it covered. The market is told of every change of the stake that covers fees: none in jail, or below the minimum.
///
/// `balance = Σ stake + Σ unbonding`, with equality unless someone forces wei in.
contract WorkerRegistry is IWorkerRegistry, Initializable {
    struct Worker {
        uint128 stake;
        uint128 unbonding;
        uint64 unbondsAt;
        uint64 jailedUntil;
        uint64 registeredAt;
        uint32 units;
        /// @dev Bit c: proof class c is offered.
        uint8 classes;
        bool jailed;
    }

    event WorkerRegistered(address indexed worker, uint32 units, uint8 classes);
    event PeerBound(address indexed worker, bytes peerId);
    event StakeAdded(address indexed worker, uint256 amount, uint256 stake);
    event UnbondRequested(address indexed worker, uint256 amount, uint64 availableAt);
    event UnbondCancelled(address indexed worker, uint256 amount);
    event StakeWithdrawn(address indexed worker, address to, uint256 amount);
    event WorkerSlashed(address indexed worker, Fault fault, uint256 amount, uint256 burned, address beneficiary);
    event WorkerJailed(address indexed worker, uint64 until);
    event WorkerUnjailed(address indexed worker);
    event HeartbeatRoot(uint64 indexed epoch, bytes32 root, uint32 workers);

    error UnknownWorker(address worker);
    error BadPeerId(uint256 bytes_);
    error BadUnits(uint32 units);
    error BadClasses(uint8 classes);
    error UnderStaked(uint256 required, uint256 stake);
    error AboveStake(uint256 amount, uint256 stake);
    error ZeroAmount();
    error ZeroAddress();
    error NothingUnbonding(address worker);
    error StillBonded(uint64 availableAt);
    error NotInJail(address worker);
    error StillInJail(uint64 until);
    error NotAllowed(address caller);
    error NotAttributor(address caller);
    error HeartbeatsNotNext(uint64 epoch, uint64 last);
    error TransferFailed(address to, uint256 amount);

    /// @notice Least stake of a compute unit, in wei.
    uint128 public constant STAKE_PER_UNIT = 100 ether;
    uint32 public constant UNITS_MAX = 1_000_000;
    /// @notice A peer id is a multihash of a key.
    uint256 public constant PEER_ID_BYTES_MAX = 64;
    /// @notice Proof classes 0 to 5.
    uint8 public constant CLASSES_MASK = 0x3f;

    /// @notice Seconds between asking for stake back and getting it.
    uint64 public unbondingDelay;
    /// @notice The newest epoch whose heartbeats were committed.
    uint64 public heartbeatEpoch;
    mapping(address worker => Worker) private _workers;

    modifier onlyRegistered() {
        if (_workers[msg.sender].registeredAt == 0) revert UnknownWorker(msg.sender);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @param unbonding seconds; above every challenge window
    function initialize(uint64 unbonding) external initializer {
        unbondingDelay = unbonding;
    }

    /// @notice Registers the caller with the value as stake, or changes what it registered and adds to its stake.
    /// @param peerId  multihash of the node's key; whoever talks to the node checks that it holds it
    /// @param units   compute units offered
    /// @param classes bit c for each proof class c offered
    function register(bytes calldata peerId, uint32 units, uint8 classes) external payable {
        if (peerId.length == 0 || peerId.length > PEER_ID_BYTES_MAX) revert BadPeerId(peerId.length);
        if (units == 0 || units > UNITS_MAX) revert BadUnits(units);
        if (classes == 0 || classes & ~CLASSES_MASK != 0) revert BadClasses(classes);
        Worker storage worker = _workers[msg.sender];
        worker.stake += uint128(msg.value);
        _requireStaked(units, worker.stake);
        if (worker.registeredAt == 0) worker.registeredAt = uint64(block.timestamp);
        (worker.units, worker.classes) = (units, classes);
        emit WorkerRegistered(msg.sender, units, classes);
        emit PeerBound(msg.sender, peerId);
        if (msg.value > 0) emit StakeAdded(msg.sender, msg.value, worker.stake);
        _tellMarket(msg.sender);
    }

    function addStake() external payable onlyRegistered {
        if (msg.value == 0) revert ZeroAmount();
        Worker storage worker = _workers[msg.sender];
        worker.stake += uint128(msg.value);
        emit StakeAdded(msg.sender, msg.value, worker.stake);
        _tellMarket(msg.sender);
    }

    /// @notice Asks for `amount` more of the stake; all that is asked for waits anew. What stays must be enough for the
    ///         units, or nothing.
    function requestUnbond(uint128 amount) external onlyRegistered {
        Worker storage worker = _workers[msg.sender];
        if (amount == 0) revert ZeroAmount();
        if (amount > worker.stake) revert AboveStake(amount, worker.stake);
        uint128 left = worker.stake - amount;
        if (left > 0) _requireStaked(worker.units, left);
        (worker.stake, worker.unbonding) = (left, worker.unbonding + amount);
        worker.unbondsAt = uint64(block.timestamp) + unbondingDelay;
        emit UnbondRequested(msg.sender, amount, worker.unbondsAt);
        _tellMarket(msg.sender);
    }

    /// @notice Makes stake again of what was asked for.
    function cancelUnbond() external {
        Worker storage worker = _workers[msg.sender];
        uint128 amount = _takeUnbonding(worker);
        worker.stake += amount;
        emit UnbondCancelled(msg.sender, amount);
        _tellMarket(msg.sender);
    }

    /// @notice Pays what was asked for long enough ago.
    function withdraw(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        Worker storage worker = _workers[msg.sender];
        if (block.timestamp < worker.unbondsAt) revert StillBonded(worker.unbondsAt);
        amount = _takeUnbonding(worker);
        emit StakeWithdrawn(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    /// @notice Ends the caller's time in jail, once it is over.
    function unjail() external {
        Worker storage worker = _workers[msg.sender];
        if (!worker.jailed) revert NotInJail(msg.sender);
        if (block.timestamp < worker.jailedUntil) revert StillInJail(worker.jailedUntil);
        worker.jailed = false;
        emit WorkerUnjailed(msg.sender);
        _tellMarket(msg.sender);
    }

    /// @notice The attributor commits to the heartbeats that it heard in an epoch: a record of who was there, by which no money
    ///         moves. Each epoch once, in ascending order.
    /// @param root     of the tree of what the workers signed
    /// @param workers_ how many of them there are
    function commitHeartbeats(uint64 epoch, bytes32 root, uint32 workers_) external {
        address attributor = IAttributionLedger(Predeploys.ATTRIBUTION_LEDGER).attributor();
        if (msg.sender != attributor) revert NotAttributor(msg.sender);
        if (epoch <= heartbeatEpoch) revert HeartbeatsNotNext(epoch, heartbeatEpoch);
        heartbeatEpoch = epoch;
        emit HeartbeatRoot(epoch, root, workers_);
    }

    /// @inheritdoc IWorkerRegistry
    function slash(address account, Fault fault, uint256 feeBase, address beneficiary)
        external
        returns (uint256 amount)
    {
        bool allowed = msg.sender == Predeploys.DISPUTE_GAME || msg.sender == Predeploys.ATTRIBUTION_LEDGER;
        if (!allowed) revert NotAllowed(msg.sender);
        Worker storage worker = _workers[account];
        uint64 jail;
        (amount, jail) = Faults.penalty(fault, feeBase, stakeOf(account));
        _take(worker, uint128(amount));
        uint256 reward = amount / 2;
        emit WorkerSlashed(account, fault, amount, amount - reward, beneficiary);
        if (jail > 0) _jail(account, uint64(block.timestamp) + jail);
        _tellMarket(account);
        if (reward > 0) new SafeSend{ value: reward }(payable(beneficiary));
        if (amount > reward) OpenBurner(Predeploys.OPEN_BURNER).burn{ value: amount - reward }();
    }

    // --- Views ---

    /// @notice All that can be slashed, in wei: stake, and what is being unbonded.
    function stakeOf(address account) public view returns (uint256) {
        Worker storage worker = _workers[account];
        return uint256(worker.stake) + worker.unbonding;
    }

    function isActive(address account) public view returns (bool) {
        Worker storage worker = _workers[account];
        return worker.registeredAt != 0 && !worker.jailed && worker.stake >= uint256(worker.units) * STAKE_PER_UNIT;
    }

    function registeredAt(address account) external view returns (uint64) {
        return _workers[account].registeredAt;
    }

    function workers(address account) external view returns (Worker memory) {
        return _workers[account];
    }

    // --- Internals ---

    function _requireStaked(uint32 units, uint128 stake) private pure {
        uint256 required = uint256(units) * STAKE_PER_UNIT;
        if (stake < required) revert UnderStaked(required, stake);
    }

    function _takeUnbonding(Worker storage worker) private returns (uint128 amount) {
        amount = worker.unbonding;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        (worker.unbonding, worker.unbondsAt) = (0, 0);
    }

    /// @dev From the stake first, then from what is being unbonded.
    function _take(Worker storage worker, uint128 amount) private {
        uint128 ofStake = amount < worker.stake ? amount : worker.stake;
        worker.stake -= ofStake;
        worker.unbonding -= amount - ofStake;
    }

    /// @dev A longer time in jail is never cut short.
    function _jail(address account, uint64 until) private {
        Worker storage worker = _workers[account];
        worker.jailed = true;
        if (until > worker.jailedUntil) worker.jailedUntil = until;
        emit WorkerJailed(account, worker.jailedUntil);
    }

    function _tellMarket(address account) private {
        uint128 free = isActive(account) ? _workers[account].stake : 0;
        IInferenceMarket(Predeploys.INFERENCE_MARKET).setStake(account, free);
    }
}
