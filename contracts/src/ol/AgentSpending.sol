// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Create2 } from "@openzeppelin/contracts/utils/Create2.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Request } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { AgentPurse } from "./AgentPurse.sol";
import { IAgentMarket } from "./interfaces/IAgentMarket.sol";
import { IAgentRegistry } from "./interfaces/IAgentRegistry.sol";
import { IAgentSpending } from "./interfaces/IAgentSpending.sol";
import { IWorkerRegistry } from "./interfaces/IWorkerRegistry.sol";

/// @title AgentSpending
/// @notice What an agent's keys may spend of its purse, enforced where the money moves. Predeploy 0x4f4c…0041.
///
/// A key is granted once, for one agent, under limits that never change: so that a voucher it signed can be held against them
/// later (AgentTrails). To change a limit is to grant another key. A key acts until its time is over, it is revoked, or the agent
/// has another owner. Limits count what is promised, by UTC day: what a request gives back is not added to them again.
contract AgentSpending is IAgentSpending, ReentrancyGuardTransient {
    struct Policy {
        uint128 perRequest;
        uint128 perDay;
        uint64 until;
    }

    struct Spent {
        uint64 day;
        uint128 today;
        uint128 total;
    }

    event PurseOpened(uint256 indexed agentId, address purse);
    event PurseFunded(uint256 indexed agentId, address indexed from, uint256 amount);
    event PurseWithdrawn(uint256 indexed agentId, address indexed to, uint256 amount);
    event RefundCollected(uint256 indexed agentId, uint256 amount);
    event SessionGranted(
        uint256 indexed agentId, address indexed key, Policy policy, uint64[] models, address[] payees
    );
    event SessionRevoked(uint256 indexed agentId, address indexed key);
    event AgentRequestOpened(
        uint256 indexed agentId, address indexed key, bytes32 indexed requestId, uint64 modelId, uint128 maxFee
    );
    event AgentChannelFunded(
        uint256 indexed agentId, address indexed key, address indexed worker, uint128 amount
    );
    event AgentChannelRecalled(uint256 indexed agentId, address indexed key, address indexed worker, uint128 amount);
    event AgentPaid(
        uint256 indexed agentId, address indexed key, address indexed payee, bytes32 ref, uint128 amount
    );

    error NotOwnerOrOperator(uint256 agentId, address caller);
    error NotAgentOwner(uint256 agentId, address caller);
    error ZeroAmount();
    error ZeroAddress();
    error BadPolicy(uint128 perRequest, uint128 perDay, uint64 until);
    error TooManyModels(uint256 models);
    error TooManyPayees(uint256 payees);
    /// @notice A key is granted once, to one agent.
    error KeyUsed(address key, uint256 agentId);
    error NoSession(address key);
    error SessionEnded(address key, uint64 until);
    error SessionRevokedBefore(address key);
    /// @notice The agent has another owner than the one that granted the key.
    error OwnerChanged(uint256 agentId);
    error AboveRequestLimit(address key, uint256 amount, uint256 limit);
    error AboveDailyLimit(address key, uint256 spentToday, uint256 amount, uint256 limit);
    error ModelNotAllowed(address key, uint64 modelId);
    error PayeeNotAllowed(address key, address payee);
    error NotPurse(address payer, address purse);
    error NotBound(address key, address purse);
    error PurseTooPoor(uint256 agentId, uint256 needed, uint256 balance);
    error PurseIsOpen(uint256 agentId);

    uint256 public constant MODELS_MAX = 16;
    uint256 public constant PAYEES_MAX = 16;
    /// @notice The longest life of a key, in seconds.
    uint64 public constant SESSION_LIFE_MAX = 366 days;
    bytes32 private constant PURSE_CODE_HASH = keccak256(type(AgentPurse).creationCode);

    mapping(address key => Session) private _sessions;
    mapping(address key => Spent) private _spent;
    mapping(address key => mapping(uint64 modelId => bool)) private _models;
    mapping(address key => mapping(address payee => bool)) private _payees;
    /// @inheritdoc IAgentSpending
    mapping(uint256 agentId => mapping(bytes32 ref => uint256)) public paidUnder;

    // --- The owner's side ---

    /// @notice Makes an agent's purse; anyone may, once.
    function openPurse(uint256 agentId) external returns (address purse) {
        _registry().ownerOf(agentId);
        if (purseOf(agentId).code.length > 0) revert PurseIsOpen(agentId);
        return _openPurse(agentId);
    }

    /// @notice Puts wei into an agent's purse, for good.
    function fund(uint256 agentId) external payable {
        if (msg.value == 0) revert ZeroAmount();
        _registry().ownerOf(agentId);
        address purse = purseOf(agentId);
        if (purse.code.length == 0) _openPurse(agentId);
        emit PurseFunded(agentId, msg.sender, msg.value);
        (bool ok,) = purse.call{ value: msg.value }("");
        assert(ok);
    }

    /// @notice Takes wei out of the purse; the agent's owner alone.
    function withdraw(uint256 agentId, address to, uint256 amount) external nonReentrant {
        if (_registry().ownerOf(agentId) != msg.sender) revert NotAgentOwner(agentId, msg.sender);
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        emit PurseWithdrawn(agentId, to, amount);
        _execute(agentId, to, amount, "");
    }

    /// @notice Lets a key spend for the agent. No models: any; no payees: registered workers and nobody else.
    function grantSession(
        uint256 agentId,
        address key,
        Policy calldata policy,
        uint64[] calldata models,
        address[] calldata payees
    ) external {
        if (!_registry().isOwnerOrOperator(agentId, msg.sender)) revert NotOwnerOrOperator(agentId, msg.sender);
        if (key == address(0)) revert ZeroAddress();
        uint256 before = _sessions[key].agentId;
        if (before != 0) revert KeyUsed(key, before);
        bool timely = policy.until > block.timestamp && policy.until <= block.timestamp + SESSION_LIFE_MAX;
        if (policy.perRequest == 0 || policy.perRequest > policy.perDay || !timely) {
            revert BadPolicy(policy.perRequest, policy.perDay, policy.until);
        }
        if (models.length > MODELS_MAX) revert TooManyModels(models.length);
        if (payees.length > PAYEES_MAX) revert TooManyPayees(payees.length);
        _sessions[key] = Session({
            agentId: agentId,
            owner: _registry().ownerOf(agentId),
            grantedAt: uint64(block.timestamp),
            until: policy.until,
            perRequest: policy.perRequest,
            perDay: policy.perDay,
            revoked: false,
            anyModel: models.length == 0,
            anyWorker: payees.length == 0
        });
        for (uint256 i = 0; i < models.length; i++) _models[key][models[i]] = true;
        for (uint256 i = 0; i < payees.length; i++) _payees[key][payees[i]] = true;
        emit SessionGranted(agentId, key, policy, models, payees);
    }

    /// @notice Ends a key: the agent's owner or operator, or the key itself.
    function revokeSession(address key) external {
        Session storage session = _sessions[key];
        uint256 agentId = session.agentId;
        if (agentId == 0) revert NoSession(key);
        bool allowed = msg.sender == key || _registry().isOwnerOrOperator(agentId, msg.sender);
        if (!allowed) revert NotOwnerOrOperator(agentId, msg.sender);
        if (session.revoked) revert SessionRevokedBefore(key);
        session.revoked = true;
        emit SessionRevoked(agentId, key);
    }

    /// @notice Asks the market for a key's deposit with a worker; it comes to the purse after the market's delay, by anyone's
    ///         `withdrawHome` there.
    function recallChannel(address key, address worker, uint128 amount) external nonReentrant {
        uint256 agentId = _sessions[key].agentId;
        if (agentId == 0) revert NoSession(key);
        bool allowed = msg.sender == key || _registry().isOwnerOrOperator(agentId, msg.sender);
        if (!allowed) revert NotOwnerOrOperator(agentId, msg.sender);
        emit AgentChannelRecalled(agentId, key, worker, amount);
        bytes memory call = abi.encodeCall(IAgentMarket.recall, (key, worker, amount));
        _execute(agentId, Predeploys.INFERENCE_MARKET, 0, call);
    }

    /// @notice Fetches what the market owes the purse of requests that cost less, or were refunded. Anyone may.
    function collectRefund(uint256 agentId) external nonReentrant {
        bytes memory call = abi.encodeCall(IAgentMarket.claimRefund, (purseOf(agentId)));
        bytes memory result = _execute(agentId, Predeploys.INFERENCE_MARKET, 0, call);
        emit RefundCollected(agentId, abi.decode(result, (uint256)));
    }

    // --- The key's side ---

    /// @notice Opens a request on the market, paid from the purse.
    function openRequest(Request calldata request) external nonReentrant returns (bytes32 requestId) {
        uint64 modelId = uint64(uint256(request.modelVersion) >> 32);
        if (!mayUse(msg.sender, modelId)) {
            _requireLive(msg.sender);
            revert ModelNotAllowed(msg.sender, modelId);
        }
        uint256 agentId = _spend(request.maxFee);
        address purse = purseOf(agentId);
        if (request.payer != purse) revert NotPurse(request.payer, purse);
        bytes memory call = abi.encodeCall(IAgentMarket.open, (request));
        bytes memory result = _execute(agentId, Predeploys.INFERENCE_MARKET, request.maxFee, call);
        requestId = abi.decode(result, (bytes32));
        emit AgentRequestOpened(agentId, msg.sender, requestId, modelId, request.maxFee);
    }

    /// @notice Adds to the caller's channel with a worker. The caller must have bound its channels to the purse, so that what no
    ///         worker earns comes back to it.
    function fundChannel(address worker, uint128 amount) external nonReentrant {
        Session storage session = _requireLive(msg.sender);
        bool allowed = session.anyWorker
            ? IWorkerRegistry(Predeploys.WORKER_REGISTRY).isActive(worker)
            : _payees[msg.sender][worker];
        if (!allowed) revert PayeeNotAllowed(msg.sender, worker);
        address purse = purseOf(session.agentId);
        if (_market().homeOf(msg.sender) != purse) revert NotBound(msg.sender, purse);
        uint256 agentId = _spend(amount);
        emit AgentChannelFunded(agentId, msg.sender, worker, amount);
        bytes memory call = abi.encodeCall(IAgentMarket.depositFor, (msg.sender, worker));
        _execute(agentId, Predeploys.INFERENCE_MARKET, amount, call);
    }

    /// @notice Pays one of the key's payees, a tool provider say.
    /// @param ref what is paid for: legs of trails name it
    function pay(address payee, uint128 amount, bytes32 ref) external nonReentrant {
        _requireLive(msg.sender);
        if (!_payees[msg.sender][payee]) revert PayeeNotAllowed(msg.sender, payee);
        uint256 agentId = _spend(amount);
        paidUnder[agentId][ref] += amount;
        emit AgentPaid(agentId, msg.sender, payee, ref, amount);
        _execute(agentId, payee, amount, "");
    }

    // --- Views ---

    function sessionOf(address key) external view returns (Session memory) {
        return _sessions[key];
    }

    /// @notice What a key may still promise today, in wei.
    function leftToday(address key) external view returns (uint256) {
        Spent storage spent = _spent[key];
        uint128 limit = _sessions[key].perDay;
        return spent.day == block.timestamp / 1 days ? limit - spent.today : limit;
    }

    /// @notice What a key promised so far, in wei.
    function spentBy(address key) external view returns (uint256) {
        return _spent[key].total;
    }

    /// @inheritdoc IAgentSpending
    function mayUse(address key, uint64 modelId) public view returns (bool) {
        return _sessions[key].anyModel || _models[key][modelId];
    }

    function mayPay(address key, address payee) external view returns (bool) {
        return _payees[key][payee];
    }

    /// @inheritdoc IAgentSpending
    function isLive(address key) external view returns (bool) {
        Session storage session = _sessions[key];
        return session.agentId != 0 && !session.revoked && block.timestamp < session.until
            && _registry().ownerOf(session.agentId) == session.owner;
    }

    /// @inheritdoc IAgentSpending
    function purseOf(uint256 agentId) public view returns (address) {
        return Create2.computeAddress(bytes32(agentId), PURSE_CODE_HASH);
    }

    // --- Internals ---

    function _requireLive(address key) private view returns (Session storage session) {
        session = _sessions[key];
        if (session.agentId == 0) revert NoSession(key);
        if (session.revoked) revert SessionRevokedBefore(key);
        if (block.timestamp >= session.until) revert SessionEnded(key, session.until);
        if (_registry().ownerOf(session.agentId) != session.owner) revert OwnerChanged(session.agentId);
    }

    /// @dev Counts `amount` against the caller's limits and sees that the purse has it.
    function _spend(uint128 amount) private returns (uint256 agentId) {
        Session storage session = _requireLive(msg.sender);
        if (amount == 0) revert ZeroAmount();
        if (amount > session.perRequest) revert AboveRequestLimit(msg.sender, amount, session.perRequest);
        Spent memory spent = _spent[msg.sender];
        uint64 day = uint64(block.timestamp / 1 days);
        uint256 today = spent.day == day ? spent.today : 0;
        if (today + amount > session.perDay) revert AboveDailyLimit(msg.sender, today, amount, session.perDay);
        _spent[msg.sender] = Spent(day, uint128(today + amount), spent.total + amount);
        agentId = session.agentId;
        uint256 balance = purseOf(agentId).balance;
        if (amount > balance) revert PurseTooPoor(agentId, amount, balance);
    }

    function _openPurse(uint256 agentId) private returns (address purse) {
        purse = address(new AgentPurse{ salt: bytes32(agentId) }());
        emit PurseOpened(agentId, purse);
    }

    function _execute(uint256 agentId, address to, uint256 value, bytes memory data) private returns (bytes memory) {
        return AgentPurse(payable(purseOf(agentId))).execute(to, value, data);
    }

    function _registry() private pure returns (IAgentRegistry) {
        return IAgentRegistry(Predeploys.AGENT_REGISTRY);
    }

    function _market() private pure returns (IAgentMarket) {
        return IAgentMarket(Predeploys.INFERENCE_MARKET);
    }
}
