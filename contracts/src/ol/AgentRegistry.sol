// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { ERC721 } from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { AgentFault, AgentFaults } from "../lib/AgentFaults.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IAgentRegistry } from "./interfaces/IAgentRegistry.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title AgentRegistry
/// @notice Agents as ERC-721 tokens in the shape of ERC-8004's identity registry, and the stake that answers for each.
///         Predeploy 0x4f4c…000a.
///
/// The stake belongs to the token: whoever owns the agent decides about it, anyone may add to it. What is being unbonded can be
/// slashed until it is paid, and is not paid while a leg of the agent's trails is challenged.
///
/// `balance = Σ stake + Σ unbonding`, with equality unless someone forces wei in.
contract AgentRegistry is IAgentRegistry, ERC721, Initializable {
    struct MetadataEntry {
        string metadataKey;
        bytes metadataValue;
    }

    struct Stake {
        uint128 stake;
        uint128 unbonding;
        uint64 unbondsAt;
        uint32 locks;
    }

    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    event StakeAdded(uint256 indexed agentId, address indexed from, uint256 amount, uint256 stake);
    event UnbondRequested(uint256 indexed agentId, uint256 amount, uint64 availableAt);
    event UnbondCancelled(uint256 indexed agentId, uint256 amount);
    event StakeWithdrawn(uint256 indexed agentId, address to, uint256 amount);
    event AgentSlashed(uint256 indexed agentId, AgentFault fault, uint256 amount, uint256 burned);

    error NotOwnerOrOperator(uint256 agentId, address caller);
    error NotAgentOwner(uint256 agentId, address caller);
    error URITooLong(uint256 bytes_);
    error MetadataTooLong(uint256 keyBytes, uint256 valueBytes);
    error TooMuchMetadata(uint256 entries);
    /// @notice `agentWallet` is set by `setAgentWallet` alone, which proves who holds it.
    error ReservedKey(string metadataKey);
    error WalletProofExpired(uint256 deadline);
    error WalletProofTooLong(uint256 deadline, uint256 latest);
    error NotSignedByWallet(address wallet);
    error ZeroAmount();
    error ZeroAddress();
    error AboveStake(uint256 amount, uint256 stake);
    error NothingUnbonding(uint256 agentId);
    error StillBonded(uint64 availableAt);
    error StakeLocked(uint256 agentId, uint32 challenges);
    error NotAllowed(address caller);
    error TransferFailed(address to, uint256 amount);

    /// @notice A registration file fits as a data URI, or stands elsewhere.
    uint256 public constant URI_BYTES_MAX = 8_192;
    uint256 public constant METADATA_KEY_BYTES_MAX = 64;
    uint256 public constant METADATA_VALUE_BYTES_MAX = 1_024;
    uint256 public constant METADATA_ENTRIES_MAX = 16;
    /// @notice How long ahead a wallet's proof may be made, in seconds.
    uint256 public constant WALLET_PROOF_LIFE_MAX = 1 days;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant WALLET_TYPEHASH =
        keccak256("AgentWalletSet(uint256 agentId,address newWallet,address owner,uint256 deadline)");
    string private constant WALLET_KEY = "agentWallet";

    /// @notice Seconds between asking for stake back and getting it.
    uint64 public unbondingDelay;
    /// @notice Agents so far: the newest one's id.
    uint256 public agents;
    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => mapping(string key => bytes)) private _metadata;
    mapping(uint256 agentId => Stake) private _stakes;

    modifier onlyOwnerOrOperator(uint256 agentId) {
        if (!_isAuthorized(_requireOwned(agentId), msg.sender, agentId)) {
            revert NotOwnerOrOperator(agentId, msg.sender);
        }
        _;
    }

    modifier onlyAgentOwner(uint256 agentId) {
        if (_requireOwned(agentId) != msg.sender) revert NotAgentOwner(agentId, msg.sender);
        _;
    }

    modifier onlyTrails() {
        if (msg.sender != Predeploys.AGENT_TRAILS) revert NotAllowed(msg.sender);
        _;
    }

    /// @dev Names stand in the code: the proxy's storage has none.
    constructor() ERC721("", "") {
        _disableInitializers();
    }

    /// @param unbonding seconds; above the challenges of a trail and their answers
    function initialize(uint64 unbonding) external initializer {
        unbondingDelay = unbonding;
    }

    // --- Identity (ERC-8004) ---

    function register() external returns (uint256) {
        return _register("", new MetadataEntry[](0));
    }

    function register(string calldata agentURI) external returns (uint256) {
        return _register(agentURI, new MetadataEntry[](0));
    }

    function register(string calldata agentURI, MetadataEntry[] calldata metadata) external returns (uint256) {
        return _register(agentURI, metadata);
    }

    function setAgentURI(uint256 agentId, string calldata newURI) external onlyOwnerOrOperator(agentId) {
        _setURI(agentId, newURI);
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    function setMetadata(uint256 agentId, string calldata metadataKey, bytes calldata metadataValue)
        external
        onlyOwnerOrOperator(agentId)
    {
        _setMetadata(agentId, metadataKey, metadataValue);
    }

    /// @notice Names the account where the agent is paid; it signs `AgentWalletSet` itself, or answers for itself by ERC-1271.
    /// @param deadline of the proof, Unix seconds; a day ahead at most
    function setAgentWallet(uint256 agentId, address newWallet, uint256 deadline, bytes calldata signature)
        external
        onlyOwnerOrOperator(agentId)
    {
        if (newWallet == address(0)) revert ZeroAddress();
        if (block.timestamp > deadline) revert WalletProofExpired(deadline);
        uint256 latest = block.timestamp + WALLET_PROOF_LIFE_MAX;
        if (deadline > latest) revert WalletProofTooLong(deadline, latest);
        bytes32 digest = walletDigest(agentId, newWallet, deadline);
        if (!SignatureChecker.isValidSignatureNow(newWallet, digest, signature)) revert NotSignedByWallet(newWallet);
        _storeWallet(agentId, abi.encodePacked(newWallet));
    }

    function unsetAgentWallet(uint256 agentId) external onlyOwnerOrOperator(agentId) {
        _storeWallet(agentId, "");
    }

    function getAgentWallet(uint256 agentId) external view returns (address) {
        _requireOwned(agentId);
        return address(bytes20(_metadata[agentId][WALLET_KEY]));
    }

    function getMetadata(uint256 agentId, string calldata metadataKey) external view returns (bytes memory) {
        _requireOwned(agentId);
        return _metadata[agentId][metadataKey];
    }

    /// @notice What a new wallet signs.
    function walletDigest(uint256 agentId, address newWallet, uint256 deadline) public view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("ERC8004IdentityRegistry"), keccak256("1"), block.chainid, address(this)
            )
        );
        bytes32 structHash = keccak256(
            abi.encode(WALLET_TYPEHASH, agentId, newWallet, _requireOwned(agentId), deadline)
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function name() public pure override returns (string memory) {
        return "OpenLedger Agents";
    }

    function symbol() public pure override returns (string memory) {
        return "AGENT";
    }

    function tokenURI(uint256 agentId) public view override returns (string memory) {
        _requireOwned(agentId);
        return _uris[agentId];
    }

    /// @inheritdoc IAgentRegistry
    function ownerOf(uint256 agentId) public view override(ERC721, IAgentRegistry) returns (address) {
        return super.ownerOf(agentId);
    }

    /// @inheritdoc IAgentRegistry
    function isOwnerOrOperator(uint256 agentId, address account) external view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), account, agentId);
    }

    // --- Stake ---

    /// @notice Adds to an agent's stake; it is the agent's from now on.
    function stake(uint256 agentId) external payable {
        _requireOwned(agentId);
        if (msg.value == 0) revert ZeroAmount();
        Stake storage held = _stakes[agentId];
        held.stake += uint128(msg.value);
        emit StakeAdded(agentId, msg.sender, msg.value, held.stake);
    }

    /// @notice Asks for `amount` more of the stake; all that is asked for waits anew.
    function requestUnbond(uint256 agentId, uint128 amount) external onlyAgentOwner(agentId) {
        Stake storage held = _stakes[agentId];
        if (amount == 0) revert ZeroAmount();
        if (amount > held.stake) revert AboveStake(amount, held.stake);
        (held.stake, held.unbonding) = (held.stake - amount, held.unbonding + amount);
        held.unbondsAt = uint64(block.timestamp) + unbondingDelay;
        emit UnbondRequested(agentId, amount, held.unbondsAt);
    }

    /// @notice Makes stake again of what was asked for.
    function cancelUnbond(uint256 agentId) external onlyAgentOwner(agentId) {
        Stake storage held = _stakes[agentId];
        uint128 amount = _takeUnbonding(agentId, held);
        held.stake += amount;
        emit UnbondCancelled(agentId, amount);
    }

    /// @notice Pays what was asked for long enough ago.
    function withdraw(uint256 agentId, address to) external onlyAgentOwner(agentId) returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        Stake storage held = _stakes[agentId];
        if (block.timestamp < held.unbondsAt) revert StillBonded(held.unbondsAt);
        if (held.locks > 0) revert StakeLocked(agentId, held.locks);
        amount = _takeUnbonding(agentId, held);
        emit StakeWithdrawn(agentId, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    /// @inheritdoc IAgentRegistry
    function slash(uint256 agentId, AgentFault fault) external onlyTrails returns (uint256 amount, uint256 reward) {
        Stake storage held = _stakes[agentId];
        amount = AgentFaults.penalty(fault, stakeOf(agentId));
        uint256 ofStake = amount < held.stake ? amount : held.stake;
        held.stake -= uint128(ofStake);
        held.unbonding -= uint128(amount - ofStake);
        reward = amount / 2;
        emit AgentSlashed(agentId, fault, amount, amount - reward);
        if (amount == 0) return (0, 0);
        OpenBurner(Predeploys.OPEN_BURNER).burn{ value: amount - reward }();
        (bool ok,) = msg.sender.call{ value: reward }("");
        if (!ok) revert TransferFailed(msg.sender, reward);
    }

    /// @inheritdoc IAgentRegistry
    function lock(uint256 agentId) external onlyTrails {
        _stakes[agentId].locks++;
    }

    /// @inheritdoc IAgentRegistry
    function unlock(uint256 agentId) external onlyTrails {
        _stakes[agentId].locks--;
    }

    /// @notice All that can be slashed, in wei: stake, and what is being unbonded.
    function stakeOf(uint256 agentId) public view returns (uint256) {
        Stake storage held = _stakes[agentId];
        return uint256(held.stake) + held.unbonding;
    }

    function stakes(uint256 agentId) external view returns (Stake memory) {
        return _stakes[agentId];
    }

    // --- Internals ---

    function _register(string memory agentURI, MetadataEntry[] memory metadata) private returns (uint256 agentId) {
        if (metadata.length > METADATA_ENTRIES_MAX) revert TooMuchMetadata(metadata.length);
        agentId = ++agents;
        _mint(msg.sender, agentId);
        _setURI(agentId, agentURI);
        _storeWallet(agentId, abi.encodePacked(msg.sender));
        for (uint256 i = 0; i < metadata.length; i++) {
            _setMetadata(agentId, metadata[i].metadataKey, metadata[i].metadataValue);
        }
        emit Registered(agentId, agentURI, msg.sender);
    }

    function _setURI(uint256 agentId, string memory uri) private {
        if (bytes(uri).length > URI_BYTES_MAX) revert URITooLong(bytes(uri).length);
        _uris[agentId] = uri;
    }

    function _setMetadata(uint256 agentId, string memory key, bytes memory value) private {
        bool tooLong = bytes(key).length > METADATA_KEY_BYTES_MAX || value.length > METADATA_VALUE_BYTES_MAX;
        if (tooLong) revert MetadataTooLong(bytes(key).length, value.length);
        if (keccak256(bytes(key)) == keccak256(bytes(WALLET_KEY))) revert ReservedKey(key);
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
    }

    function _storeWallet(uint256 agentId, bytes memory wallet) private {
        _metadata[agentId][WALLET_KEY] = wallet;
        emit MetadataSet(agentId, WALLET_KEY, WALLET_KEY, wallet);
    }

    /// @dev A new owner has a wallet only once it proves one.
    function _update(address to, uint256 agentId, address auth) internal override returns (address from) {
        from = super._update(to, agentId, auth);
        if (from != address(0) && from != to) _storeWallet(agentId, "");
    }

    function _takeUnbonding(uint256 agentId, Stake storage held) private returns (uint128 amount) {
        amount = held.unbonding;
        if (amount == 0) revert NothingUnbonding(agentId);
        (held.unbonding, held.unbondsAt) = (0, 0);
    }
}
