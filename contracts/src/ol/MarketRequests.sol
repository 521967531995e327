// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Price, Request, Segment } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";

import { OpenRequest } from "./interfaces/IInferenceMarket.sol";
import { IModelRegistry } from "./interfaces/IModelRegistry.sol";
import { MarketChannels } from "./MarketChannels.sol";

/// @title MarketRequests
/// @notice Requests opened on the InferenceMarket with their greatest fee in escrow. The first batch that settles one is paid;
///         one that nobody settled by its deadline is refunded.
abstract contract MarketRequests is MarketChannels {
    event RequestOpened(
        bytes32 indexed requestId, address indexed payer, uint64 indexed modelId, uint128 maxFee, Request request
    );
    event RequestSettled(bytes32 indexed requestId, address indexed worker, uint64 indexed batchId, uint128 fee);
    event RequestReleased(bytes32 indexed requestId, uint128 amount);
    event RequestRefunded(bytes32 indexed requestId, address indexed payer, uint256 amount);

    error WrongChain(uint256 chainId);
    error NotPayer(address payer);
    error WrongValue(uint256 expected, uint256 actual);
    error BadDeadline(uint64 deadline, uint256 latest);
    error TooManyAdapters(uint256 adapters);
    /// @notice There is no such price, or it ends before the request's deadline.
    error PriceNotValid(bytes32 modelVersion, uint8 class, uint32 priceVersion);
    error ModelFrozen(bytes32 modelVersion);
    error AlreadyOpened(bytes32 requestId);
    error RequestNotOpen(bytes32 requestId);
    error RequestExpired(bytes32 requestId, uint64 deadline);
    error RequestNotExpired(bytes32 requestId, uint64 deadline);
    error AboveMaxFee(bytes32 requestId, uint128 fee, uint128 maxFee);
    /// @notice A request opened on chain is one receipt and has no voucher.
    error BadRequestSegment(bytes32 requestId);

    /// @notice The longest that a request may wait, in seconds.
    uint64 public constant REQUEST_LIFE_MAX = 7 days;
    uint256 public constant ADAPTERS_MAX = 8;
    /// @notice What `settledBy` says of a request that was refunded.
    uint64 public constant REFUNDED = type(uint64).max;
    /// @notice What `settledBy` says of a request whose receipt is void: `maxFee` is what it is owed.
    uint64 public constant REFUNDABLE = REFUNDED - 1;

    mapping(bytes32 requestId => OpenRequest) internal _requests;

    /// @notice Opens the caller's request; the value is its `maxFee`. An id is used once.
    function open(Request calldata request) external payable returns (bytes32 requestId) {
        if (request.chainId != block.chainid) revert WrongChain(request.chainId);
        if (request.payer != msg.sender) revert NotPayer(request.payer);
        if (request.maxFee == 0) revert ZeroAmount();
        if (msg.value != request.maxFee) revert WrongValue(request.maxFee, msg.value);
        uint256 latest = block.timestamp + REQUEST_LIFE_MAX;
        if (request.deadline <= block.timestamp || request.deadline > latest) {
            revert BadDeadline(request.deadline, latest);
        }
        if (request.adapters.length > ADAPTERS_MAX) revert TooManyAdapters(request.adapters.length);
        _requirePrice(request);
        requestId = MoneyHashes.requestId(request);
        if (_requests[requestId].payer != address(0)) revert AlreadyOpened(requestId);
        _requests[requestId] = OpenRequest({
            payer: msg.sender,
            openedAt: uint64(block.timestamp),
            deadline: request.deadline,
            maxFee: request.maxFee,
            settledBy: 0
        });
        uint64 modelId = uint64(uint256(request.modelVersion) >> 32);
        emit RequestOpened(requestId, msg.sender, modelId, request.maxFee, request);
    }

    /// @notice Gives a request's money back: its escrow once its deadline is over, or its fee where what settled it is void.
    ///         Anyone may ask; its payer fetches it by `claimRefund`.
    function refund(bytes32 requestId) external {
        OpenRequest storage request = _requests[requestId];
        if (request.settledBy != REFUNDABLE) {
            _requireOpen(request, requestId);
            if (block.timestamp <= request.deadline) revert RequestNotExpired(requestId, request.deadline);
        }
        request.settledBy = REFUNDED;
        _refundPayer(requestId, request.maxFee);
    }

    function openRequestOf(bytes32 requestId) external view returns (OpenRequest memory) {
        return _requests[requestId];
    }

    /// @dev Pays a segment's fee out of its request's escrow; what is left of it is the payer's again.
    function _settleRequest(Segment calldata segment, uint64 batchId) internal {
        bytes32 requestId = segment.requestId;
        OpenRequest storage request = _requests[requestId];
        _requireOpen(request, requestId);
        uint256 unused = segment.maxFee | segment.cumulativeCap | segment.deadline;
        if (segment.count != 1 || unused != 0 || segment.r | segment.vs != 0) revert BadRequestSegment(requestId);
        if (block.timestamp > request.deadline) revert RequestExpired(requestId, request.deadline);
        uint128 maxFee = request.maxFee;
        if (segment.fee > maxFee) revert AboveMaxFee(requestId, segment.fee, maxFee);
        request.settledBy = batchId;
        emit RequestSettled(requestId, msg.sender, batchId, segment.fee);
        if (segment.fee < maxFee) _refundPayer(requestId, maxFee - segment.fee);
    }

    /// @dev What a void receipt was paid waits for `refund`: a batch of many requests can so be voided at a small cost.
    function _releaseRequest(bytes32 requestId, uint128 amount) internal {
        OpenRequest storage request = _requests[requestId];
        (request.maxFee, request.settledBy) = (amount, REFUNDABLE);
        emit RequestReleased(requestId, amount);
    }

    function _isRequest(bytes32 id) internal view returns (bool) {
        return _requests[id].payer != address(0);
    }

    function _refundPayer(bytes32 requestId, uint128 amount) private {
        address payer = _requests[requestId].payer;
        refundOf[payer] += amount;
        emit RequestRefunded(requestId, payer, amount);
    }

    function _requireOpen(OpenRequest storage request, bytes32 requestId) private view {
        if (request.payer == address(0) || request.settledBy != 0) revert RequestNotOpen(requestId);
    }

    function _requirePrice(Request calldata request) private view {
        IModelRegistry models = IModelRegistry(Predeploys.MODEL_REGISTRY);
        if (models.isFrozen(request.modelVersion)) revert ModelFrozen(request.modelVersion);
        Price memory price = models.priceOf(request.modelVersion, request.class, request.priceVersion);
        // Whoever settles the request by its deadline does so under a valid price.
        bool valid = price.setAt != 0 && price.setAt <= block.timestamp && price.validUntil >= request.deadline;
        if (!valid) revert PriceNotValid(request.modelVersion, request.class, request.priceVersion);
    }
}
