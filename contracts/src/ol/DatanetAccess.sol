// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { POOL_KIND_UNITS } from "../lib/MoneyTypes.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { ContributorGates } from "./ContributorGates.sol";
import { IDatanetAccess, Purpose } from "./interfaces/IDatanetAccess.sol";
import { IDatanets } from "./interfaces/IDatanets.sol";
import { ILicencePolicy } from "./interfaces/ILicencePolicy.sol";
import { IRoyaltyVault } from "./interfaces/IRoyaltyVault.sol";

/// @title DatanetAccess
/// @notice Who may use a permissioned Datanet, for what, which versions, until when, and for how much. Predeploy 0x4f4c…0035.
///
/// Access is asked for and granted by the Datanet's owner, or bought from a standing offer without asking. What it costs goes to
/// the Datanet's unit holders. Content of such a Datanet is encrypted; a grantee names a public key, and the owner delivers the
/// key of each version encrypted to it. What was paid for stands until it expires: only a free grant can be revoked.
///
/// `balance = Σ prices of pending requests + Σ owed`, unless someone forces wei in.
contract DatanetAccess is IDatanetAccess, ContributorGates {
    enum RequestState { None, Pending, Granted, Denied, Withdrawn }

    struct Request {
        address requester;
        uint64 datanet;
        Purpose purpose;
        RequestState state;
        uint32 fromVersion;
        uint32 toVersion;
        /// @dev Seconds that a grant of it lasts.
        uint32 duration;
        uint48 requestedAt;
        uint128 price;
    }

    struct Grant {
        address grantee;
        uint64 datanet;
        Purpose purpose;
        bool paid;
        bool revoked;
        uint32 fromVersion;
        uint32 toVersion;
        /// @dev The first second at which it is over.
        uint48 expiry;
    }

    struct Offer {
        uint128 price;
        uint32 duration;
        bool open;
    }

    event OfferSet(uint64 indexed datanet, Purpose indexed purpose, uint128 price, uint32 duration, bool open);
    event AccessRequested(
        uint64 indexed requestId,
        uint64 indexed datanet,
        address indexed who,
        Request asked,
        bytes publicKey,
        bytes32 statement
    );
    event AccessDenied(uint64 indexed requestId, bytes32 reason);
    event AccessWithdrawn(uint64 indexed requestId);
    /// @dev `requestId` is zero where it was bought.
    event AccessGranted(
        uint64 indexed grantId,
        uint64 indexed datanet,
        address indexed who,
        uint64 requestId,
        Grant granted,
        uint128 price,
        bytes publicKey
    );
    event AccessRevoked(uint64 indexed grantId, uint64 indexed datanet, address indexed who, bytes32 reason);
    /// @dev `wrapped` is the version's content key, encrypted to the grantee's public key.
    event KeyDelivered(uint64 indexed grantId, uint32 indexed version, bytes wrapped);
    event AccessRefunded(address indexed who, address indexed to, uint256 amount);

    error NotDatanetOwner(uint64 datanet, address caller);
    error NotAllowed(address caller);
    error NotPermissioned(uint64 datanet);
    error UnknownKey(uint8 key);
    error BadOffer(uint256 value);
    error BadScope(uint32 fromVersion, uint32 toVersion);
    error BadDuration(uint256 duration);
    error BadPublicKey(uint256 length);
    error NoOffer(uint64 datanet, Purpose purpose);
    error WrongPrice(uint256 expected, uint256 actual);
    error PriceTooHigh(uint256 price);
    error WrongRequestState(uint64 requestId, RequestState state);
    error RequestLapsed(uint64 requestId, uint256 at);
    error NotRequester(uint64 requestId, address caller);
    error TooManyGrants(uint64 datanet, address who);
    error WrongKeySize(uint256 length);
    error PaidFor(uint64 grantId);
    error NoGrant(uint64 datanet, address who, Purpose purpose);
    error GrantRevoked(uint64 grantId);
    error GrantExpired(uint64 grantId, uint256 expiry);
    error OutOfScope(uint64 grantId, uint32 version);
    error NothingOwed(address who);
    error ZeroAddress();
    error TransferFailed(address to, uint256 amount);

    /// @dev Parameter `KEY_OFFER + purpose`: price u128, from bit 128 duration u32, bit 160 whether the offer stands.
    uint8 public constant KEY_OFFER = 0x50;
    uint8 private constant PURPOSES = 4;
    uint32 public constant DURATION_MIN = 1 minutes;
    uint32 public constant DURATION_MAX = 3_650 days;
    /// @notice A request is granted or denied within this, or only withdrawn.
    uint256 public constant REQUEST_LIFE = 14 days;
    /// @notice Grants that stand at a time, of one reader for one purpose.
    uint256 public constant GRANTS_MAX = 16;
    /// @notice Compressed secp256k1.
    uint256 public constant PUBLIC_KEY_BYTES = 33;
    /// @notice Ephemeral public key, encrypted key of 32 bytes and its tag.
    uint256 public constant WRAPPED_KEY_BYTES = 81;

    uint64 public requestCount;
    uint64 public grantCount;
    uint256 public pricesHeld;
    uint256 public totalOwed;
    mapping(uint64 datanet => mapping(Purpose => Offer)) public offers;
    mapping(uint64 requestId => Request) public requests;
    mapping(uint64 requestId => bytes) private _publicKeys;
    mapping(uint64 grantId => Grant) public grants;
    mapping(address who => uint256) public owedTo;
    mapping(uint64 datanet => mapping(address who => mapping(Purpose => uint64[]))) private _grantsOf;

    modifier onlyDatanetOwner(uint64 datanet) {
        if (_datanets().ownerOf(datanet) != msg.sender) revert NotDatanetOwner(datanet, msg.sender);
        _;
    }

    // --- Offers ---

    /// @notice Sets what access for a purpose costs and how long it lasts, or what is asked of contributors: the owner until the
    ///         Datanet is governed, then a vote.
    function setParameter(uint64 datanet, uint8 key, uint256 value) external {
        bool governed = _datanets().governed(datanet);
        address setter = governed ? Predeploys.DATANET_VOTES : _datanets().ownerOf(datanet);
        if (msg.sender != setter) revert NotAllowed(msg.sender);
        if (key >= KEY_CREDENTIAL && key <= KEY_REPUTATION) return _setGate(datanet, key, value);
        if (key < KEY_OFFER || key >= KEY_OFFER + PURPOSES) revert UnknownKey(key);
        if (value >> 161 != 0) revert BadOffer(value);
        Offer memory offer = Offer(uint128(value), uint32(value >> 128), value >> 160 == 1);
        if (offer.open) {
            _requireDuration(offer.duration);
            if (offer.price > 0) _requirePriceable(datanet);
        }
        Purpose purpose = Purpose(key - KEY_OFFER);
        offers[datanet][purpose] = offer;
        emit OfferSet(datanet, purpose, offer.price, offer.duration, offer.open);
    }

    /// @notice Buys access from the standing offer; the value is its price.
    function buy(uint64 datanet, Purpose purpose, uint32 fromVersion, uint32 toVersion, bytes calldata publicKey)
        external
        payable
        returns (uint64 grantId)
    {
        _requireAsked(datanet, fromVersion, toVersion, publicKey);
        Offer memory offer = offers[datanet][purpose];
        if (!offer.open) revert NoOffer(datanet, purpose);
        if (msg.value != offer.price) revert WrongPrice(offer.price, msg.value);
        Grant memory grant_ = Grant({
            grantee: msg.sender,
            datanet: datanet,
            purpose: purpose,
            paid: msg.value > 0,
            revoked: false,
            fromVersion: fromVersion,
            toVersion: toVersion,
            expiry: uint48(block.timestamp) + offer.duration
        });
        grantId = _grant(0, grant_, offer.price, publicKey);
    }

    // --- Requests ---

    /// @notice Asks for access; the value is what the requester would pay, and stands here until the owner decides.
    /// @param duration  seconds from the grant on
    /// @param publicKey to which keys of content are encrypted
    /// @param statement content hash of what it is asked for
    function request(
        uint64 datanet,
        Purpose purpose,
        uint32 fromVersion,
        uint32 toVersion,
        uint32 duration,
        bytes calldata publicKey,
        bytes32 statement
    ) external payable returns (uint64 requestId) {
        _requireAsked(datanet, fromVersion, toVersion, publicKey);
        _requireDuration(duration);
        if (msg.value > type(uint128).max) revert PriceTooHigh(msg.value);
        if (msg.value > 0) _requirePriceable(datanet);
        requestId = ++requestCount;
        requests[requestId] = Request({
            requester: msg.sender,
            datanet: datanet,
            purpose: purpose,
            state: RequestState.Pending,
            fromVersion: fromVersion,
            toVersion: toVersion,
            duration: duration,
            requestedAt: uint48(block.timestamp),
            price: uint128(msg.value)
        });
        _publicKeys[requestId] = publicKey;
        pricesHeld += msg.value;
        emit AccessRequested(requestId, datanet, msg.sender, requests[requestId], publicKey, statement);
    }

    /// @notice Grants what was asked for, from now on.
    function grant(uint64 requestId) external onlyDatanetOwner(requests[requestId].datanet) returns (uint64 grantId) {
        Request memory asked = _close(requestId, RequestState.Granted);
        uint256 lapses = asked.requestedAt + REQUEST_LIFE;
        if (block.timestamp >= lapses) revert RequestLapsed(requestId, lapses);
        bytes memory publicKey = _publicKeys[requestId];
        delete _publicKeys[requestId];
        Grant memory grant_ = Grant({
            grantee: asked.requester,
            datanet: asked.datanet,
            purpose: asked.purpose,
            paid: asked.price > 0,
            revoked: false,
            fromVersion: asked.fromVersion,
            toVersion: asked.toVersion,
            expiry: uint48(block.timestamp) + asked.duration
        });
        grantId = _grant(requestId, grant_, asked.price, publicKey);
    }

    function deny(uint64 requestId, bytes32 reason) external onlyDatanetOwner(requests[requestId].datanet) {
        Request memory asked = _close(requestId, RequestState.Denied);
        _owe(asked.requester, asked.price);
        emit AccessDenied(requestId, reason);
    }

    /// @notice Takes a request back that was not decided.
    function withdrawRequest(uint64 requestId) external {
        if (requests[requestId].requester != msg.sender) revert NotRequester(requestId, msg.sender);
        Request memory asked = _close(requestId, RequestState.Withdrawn);
        _owe(asked.requester, asked.price);
        emit AccessWithdrawn(requestId);
    }

    /// @notice Ends a grant that was not paid for.
    function revoke(uint64 grantId, bytes32 reason) external onlyDatanetOwner(grants[grantId].datanet) {
        Grant storage granted = grants[grantId];
        if (granted.paid) revert PaidFor(grantId);
        if (granted.revoked) revert GrantRevoked(grantId);
        granted.revoked = true;
        emit AccessRevoked(grantId, granted.datanet, granted.grantee, reason);
    }

    /// @notice Gives a grantee the key of a version's content, encrypted to its public key.
    function deliverKey(uint64 grantId, uint32 version, bytes calldata wrapped)
        external
        onlyDatanetOwner(grants[grantId].datanet)
    {
        Grant memory granted = grants[grantId];
        if (wrapped.length != WRAPPED_KEY_BYTES) revert WrongKeySize(wrapped.length);
        if (granted.revoked) revert GrantRevoked(grantId);
        if (block.timestamp >= granted.expiry) revert GrantExpired(grantId, granted.expiry);
        if (version < granted.fromVersion || version > granted.toVersion) revert OutOfScope(grantId, version);
        emit KeyDelivered(grantId, version, wrapped);
    }

    /// @notice Sends all that is owed to the caller to `to`.
    function claimRefund(address payable to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = owedTo[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owedTo[msg.sender] = 0;
        totalOwed -= amount;
        emit AccessRefunded(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    // --- Views ---

    /// @inheritdoc IDatanetAccess
    function allowed(uint64 datanet, uint32 version, address who, Purpose purpose) external view returns (bool) {
        if (_isFree(datanet, who)) return true;
        (uint64 grantId,) = _standing(datanet, version, who, purpose);
        return grantId > 0;
    }

    /// @inheritdoc IDatanetAccess
    function requireAllowed(uint64 datanet, uint32 version, address who, Purpose purpose) external view {
        if (_isFree(datanet, who)) return;
        (uint64 grantId, uint64 refused) = _standing(datanet, version, who, purpose);
        if (grantId > 0) return;
        if (refused == 0) revert NoGrant(datanet, who, purpose);
        Grant memory granted = grants[refused];
        if (granted.revoked) revert GrantRevoked(refused);
        if (block.timestamp >= granted.expiry) revert GrantExpired(refused, granted.expiry);
        revert OutOfScope(refused, version);
    }

    /// @notice Grants of a reader for a purpose, over ones too until others take their place.
    function grantsOf(uint64 datanet, address who, Purpose purpose) external view returns (uint64[] memory) {
        return _grantsOf[datanet][who][purpose];
    }

    // --- Internals ---

    /// @return grantId a grant that stands, zero for none
    /// @return refused the newest of those that do not
    function _standing(uint64 datanet, uint32 version, address who, Purpose purpose)
        private
        view
        returns (uint64 grantId, uint64 refused)
    {
        uint64[] storage ids = _grantsOf[datanet][who][purpose];
        for (uint256 i = ids.length; i > 0; i--) {
            uint64 id = ids[i - 1];
            Grant storage granted = grants[id];
            bool covers = version >= granted.fromVersion && version <= granted.toVersion;
            if (covers && !_isOver(granted)) return (id, 0);
            if (id > refused) refused = id;
        }
    }

    function _grant(uint64 requestId, Grant memory granted, uint128 price, bytes memory publicKey)
        private
        returns (uint64 grantId)
    {
        grantId = ++grantCount;
        grants[grantId] = granted;
        _remember(granted.datanet, granted.grantee, granted.purpose, grantId);
        emit AccessGranted(grantId, granted.datanet, granted.grantee, requestId, granted, price, publicKey);
        if (price > 0) IRoyaltyVault(Predeploys.ROYALTY_VAULT).fund{ value: price }(POOL_KIND_UNITS, granted.datanet);
    }

    /// @dev Takes the place of one that is over, where there is such.
    function _remember(uint64 datanet, address who, Purpose purpose, uint64 grantId) private {
        uint64[] storage ids = _grantsOf[datanet][who][purpose];
        for (uint256 i = 0; i < ids.length; i++) {
            if (_isOver(grants[ids[i]])) {
                ids[i] = grantId;
                return;
            }
        }
        if (ids.length == GRANTS_MAX) revert TooManyGrants(datanet, who);
        ids.push(grantId);
    }

    function _close(uint64 requestId, RequestState state) private returns (Request memory asked) {
        asked = requests[requestId];
        if (asked.state != RequestState.Pending) revert WrongRequestState(requestId, asked.state);
        requests[requestId].state = state;
        pricesHeld -= asked.price;
    }

    function _owe(address who, uint256 amount) private {
        owedTo[who] += amount;
        totalOwed += amount;
    }

    function _requireAsked(uint64 datanet, uint32 fromVersion, uint32 toVersion, bytes calldata publicKey) private view {
        if (!_datanets().isPermissioned(datanet)) revert NotPermissioned(datanet);
        if (fromVersion == 0 || fromVersion > toVersion) revert BadScope(fromVersion, toVersion);
        if (publicKey.length != PUBLIC_KEY_BYTES) revert BadPublicKey(publicKey.length);
    }

    function _requireDuration(uint256 duration) private pure {
        if (duration < DURATION_MIN || duration > DURATION_MAX) revert BadDuration(duration);
    }

    /// @dev What is licensed for non-commercial use alone is not sold.
    function _requirePriceable(uint64 datanet) private view {
        ILicencePolicy(Predeploys.LICENCE_POLICY).requirePriceable(datanet);
    }

    function _isFree(uint64 datanet, address who) private view returns (bool) {
        return !_datanets().isPermissioned(datanet) || _datanets().ownerOf(datanet) == who;
    }

    function _isOver(Grant storage granted) private view returns (bool) {
        return granted.revoked || block.timestamp >= granted.expiry;
    }

    function _datanets() private pure returns (IDatanets) {
        return IDatanets(Predeploys.DATANET_REGISTRY);
    }
}
