// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AddressAlias } from "../lib/AddressAlias.sol";
import { Features } from "../lib/Features.sol";
import { TrieProof } from "../lib/TrieProof.sol";
import { Types } from "../lib/Types.sol";
import { DepositGasMarket } from "./DepositGasMarket.sol";
import { L2OutputOracle } from "./L2OutputOracle.sol";
import { SystemConfig } from "./SystemConfig.sol";

/// @title OptimismPortal
/// @notice Entry to and exit from the L2, with the interface of the OP Stack's portal before fault proofs.
///         Spec: protocol/deposits.md, protocol/withdrawals.md, custom-gas-token/optimism-portal.md.
contract OptimismPortal is DepositGasMarket {
    struct ProvenWithdrawal {
        bytes32 outputRoot;
        uint128 timestamp;
        uint128 l2OutputIndex;
    }

    event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);
    event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to);
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);
    event Paused(address account);
    event Unpaused(address account);

    error BadTarget();
    error SmallGasLimit();
    error LargeCalldata();
    error NotAllowedOnCGTMode();
    error CallPaused();
    error Unauthorized();
    error NonReentrant();

    uint256 internal constant DEPOSIT_VERSION = 0;
    /// @dev What `receive` grants: a transfer and a little code on the L2.
    uint64 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;
    /// @dev Deposits must fit what a p2p message can carry. Spec: deposits.md, "Deposit Contract".
    uint256 internal constant CALLDATA_BYTES_MAX = 120_000;
    /// @dev Holds `l2Sender` outside of a withdrawal's call; not zero, to save gas.
    address internal constant DEFAULT_L2_SENDER = 0x000000000000000000000000000000000000dEaD;
    /// @dev Wallets estimate gas from this origin, for which a failing inner call must fail the whole.
    address internal constant ESTIMATION_ADDRESS = address(1);
    /// @dev Gas for what follows the inner call: two storage writes and a log.
    uint256 internal constant GAS_AFTER_CALL = 40_000;

    L2OutputOracle public immutable l2Oracle;
    SystemConfig public immutable systemConfig;
    address public immutable guardian;

    address public l2Sender = DEFAULT_L2_SENDER;
    bool public paused;
    mapping(bytes32 withdrawalHash => bool) public finalizedWithdrawals;
    mapping(bytes32 withdrawalHash => ProvenWithdrawal) public provenWithdrawals;

    modifier whenNotPaused() {
        if (paused) revert CallPaused();
        _;
    }

    constructor(L2OutputOracle l2Oracle_, SystemConfig systemConfig_, address guardian_) {
        l2Oracle = l2Oracle_;
        systemConfig = systemConfig_;
        guardian = guardian_;
        _startMarket();
    }

    /// @notice Clients choose the protocol by the major version: below 3 withdrawals are proven against the oracle.
    function version() external pure returns (string memory) {
        return "2.9.0+openledger";
    }

    function L2_ORACLE() external view returns (L2OutputOracle) {
        return l2Oracle;
    }

    function SYSTEM_CONFIG() external view returns (SystemConfig) {
        return systemConfig;
    }

    function GUARDIAN() external view returns (address) {
        return guardian;
    }

    receive() external payable {
        depositTransaction(msg.sender, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, false, "");
    }

    /// @notice Accepts ETH without a deposit.
    function donateETH() external payable { }

    function pause() external {
        if (msg.sender != guardian) revert Unauthorized();
        paused = true;
        emit Paused(msg.sender);
    }

    function unpause() external {
        if (msg.sender != guardian) revert Unauthorized();
        paused = false;
        emit Unpaused(msg.sender);
    }

    /// @notice L2 gas that a deposit of `byteCount` bytes of calldata must buy at least: its L2 intrinsic gas with
    ///         EIP-7623's floor.
    function minimumGasLimit(uint64 byteCount) public pure returns (uint64) {
        return byteCount * 40 + 21_000;
    }

    /// @notice Puts a transaction on the L2. `msg.value` is minted there to the sender; none is allowed where the L2 has
    ///         its own gas token.
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes memory data)
        public
        payable
        metered(gasLimit)
    {
        if (msg.value > 0 && _isUsingCustomGasToken()) revert NotAllowedOnCGTMode();
        if (isCreation && to != address(0)) revert BadTarget();
        if (gasLimit < minimumGasLimit(uint64(data.length))) revert SmallGasLimit();
        if (data.length > CALLDATA_BYTES_MAX) revert LargeCalldata();
        address from = msg.sender == tx.origin ? msg.sender : AddressAlias.aliasOf(msg.sender);
        emit TransactionDeposited(
            from, to, DEPOSIT_VERSION, abi.encodePacked(msg.value, value, gasLimit, isCreation, data)
        );
    }

    /// @notice Shows that the L2 sent `withdrawal`, against a posted output root.
    function proveWithdrawalTransaction(
        Types.WithdrawalTransaction memory withdrawal,
        uint256 l2OutputIndex,
        Types.OutputRootProof calldata outputRootProof,
        bytes[] calldata withdrawalProof
    ) external whenNotPaused {
        if (withdrawal.target == address(this)) revert BadTarget();
        if (withdrawal.value > 0 && _isUsingCustomGasToken()) revert NotAllowedOnCGTMode();
        bytes32 outputRoot = l2Oracle.getL2Output(l2OutputIndex).outputRoot;
        require(outputRoot == Types.hash(outputRootProof), "OptimismPortal: invalid output root proof");

        bytes32 withdrawalHash = Types.hash(withdrawal);
        ProvenWithdrawal memory proven = provenWithdrawals[withdrawalHash];
        require(
            proven.timestamp == 0 || l2Oracle.nextOutputIndex() <= proven.l2OutputIndex
                || l2Oracle.getL2Output(proven.l2OutputIndex).outputRoot != proven.outputRoot,
            "OptimismPortal: withdrawal hash has already been proven"
        );
        // L2ToL1MessagePasser.sentMessages is at slot 0; `true` is stored as 1.
        bytes32 storageKey = keccak256(abi.encode(withdrawalHash, uint256(0)));
        require(
            TrieProof.includes(
                outputRootProof.messagePasserStorageRoot, abi.encode(storageKey), hex"01", withdrawalProof
            ),
            "OptimismPortal: invalid withdrawal inclusion proof"
        );
        provenWithdrawals[withdrawalHash] = ProvenWithdrawal({
            outputRoot: outputRoot,
            timestamp: uint128(block.timestamp),
            l2OutputIndex: uint128(l2OutputIndex)
        });
        emit WithdrawalProven(withdrawalHash, withdrawal.sender, withdrawal.target);
    }

    /// @notice Makes the call of a withdrawal that was proven, whose output root stands, and for both of which the
    ///         window has passed. A withdrawal is finalised once, whether its call succeeds or not.
    function finalizeWithdrawalTransaction(Types.WithdrawalTransaction memory withdrawal) external whenNotPaused {
        if (l2Sender != DEFAULT_L2_SENDER) revert NonReentrant();
        if (withdrawal.value > 0 && _isUsingCustomGasToken()) revert NotAllowedOnCGTMode();
        bytes32 withdrawalHash = Types.hash(withdrawal);
        _requireFinalizable(withdrawalHash);
        finalizedWithdrawals[withdrawalHash] = true;

        l2Sender = withdrawal.sender;
        bool success = _callWithMinGas(withdrawal);
        l2Sender = DEFAULT_L2_SENDER;

        emit WithdrawalFinalized(withdrawalHash, success);
        if (!success && tx.origin == ESTIMATION_ADDRESS) revert("OptimismPortal: withdrawal failed");
    }

    function isOutputFinalized(uint256 l2OutputIndex) external view returns (bool) {
        return _isWindowOver(l2Oracle.getL2Output(l2OutputIndex).timestamp);
    }

    function _requireFinalizable(bytes32 withdrawalHash) private view {
        ProvenWithdrawal memory proven = provenWithdrawals[withdrawalHash];
        require(proven.timestamp != 0, "OptimismPortal: withdrawal has not been proven yet");
        require(
            proven.timestamp >= l2Oracle.startingTimestamp(),
            "OptimismPortal: withdrawal timestamp less than L2 Oracle starting timestamp"
        );
        require(
            _isWindowOver(proven.timestamp), "OptimismPortal: proven withdrawal finalization period has not elapsed"
        );
        Types.OutputProposal memory proposal = l2Oracle.getL2Output(proven.l2OutputIndex);
        require(
            proposal.outputRoot == proven.outputRoot,
            "OptimismPortal: output root proven is not the same as current output root"
        );
        require(
            _isWindowOver(proposal.timestamp),
            "OptimismPortal: output proposal finalization period has not elapsed"
        );
        require(!finalizedWithdrawals[withdrawalHash], "OptimismPortal: withdrawal has already been finalized");
    }

    /// @dev The call gets at least `gasLimit` or the transaction fails, so a relayer cannot starve it (EIP-150).
    function _callWithMinGas(Types.WithdrawalTransaction memory withdrawal) private returns (bool success) {
        uint256 available = gasleft();
        require(
            available > GAS_AFTER_CALL && withdrawal.gasLimit <= (available - GAS_AFTER_CALL) / 64 * 63,
            "SafeCall: Not enough gas"
        );
        (address target, uint256 value, bytes memory data) = (withdrawal.target, withdrawal.value, withdrawal.data);
        // The result is not copied: a target must not make its finaliser pay for memory.
        assembly ("memory-safe") {
            success := call(gas(), target, value, add(data, 32), mload(data), 0, 0)
        }
    }

    function _isWindowOver(uint256 timestamp) private view returns (bool) {
        return block.timestamp > timestamp + l2Oracle.FINALIZATION_PERIOD_SECONDS();
    }

    function _isUsingCustomGasToken() private view returns (bool) {
        return systemConfig.isFeatureEnabled(Features.CUSTOM_GAS_TOKEN);
    }

    function _resourceConfig() internal view override returns (SystemConfig.ResourceConfig memory) {
        return systemConfig.resourceConfig();
    }
}
