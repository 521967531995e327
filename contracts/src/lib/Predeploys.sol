// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Predeploys
/// @notice Addresses that our L2 contracts call. Spec: protocol/predeploys.md, custom-gas-token/predeploys.md.
library Predeploys {
    address internal constant GAS_PRICE_ORACLE = 0x420000000000000000000000000000000000000F;
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    address internal constant SEQUENCER_FEE_VAULT = 0x4200000000000000000000000000000000000011;
    address internal constant BASE_FEE_VAULT = 0x4200000000000000000000000000000000000019;
    address internal constant L1_FEE_VAULT = 0x420000000000000000000000000000000000001A;
    address internal constant OPERATOR_FEE_VAULT = 0x420000000000000000000000000000000000001b;
    address internal constant L2_STANDARD_BRIDGE = 0x4200000000000000000000000000000000000010;
    address internal constant L2_TO_L1_MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;
    address internal constant PROXY_ADMIN = 0x4200000000000000000000000000000000000018;
    address internal constant NATIVE_ASSET_LIQUIDITY = 0x4200000000000000000000000000000000000029;
    address internal constant LIQUIDITY_CONTROLLER = 0x420000000000000000000000000000000000002a;
    address internal constant DATANET_REGISTRY = 0x4F4C000000000000000000000000000000000001;
    address internal constant MODEL_REGISTRY = 0x4f4C000000000000000000000000000000000002;
    address internal constant INFERENCE_MARKET = 0x4F4C000000000000000000000000000000000003;
    address internal constant WORKER_REGISTRY = 0x4F4C000000000000000000000000000000000004;
    address internal constant ATTRIBUTION_LEDGER = 0x4f4c000000000000000000000000000000000005;
    address internal constant ROYALTY_VAULT = 0x4F4C000000000000000000000000000000000006;
    address internal constant REVENUE_SPLITTER = 0x4f4C000000000000000000000000000000000007;
    address internal constant STAKE_POOL = 0x4F4c000000000000000000000000000000000008;
    address internal constant DISPUTE_GAME = 0x4f4C000000000000000000000000000000000009;
    address internal constant AGENT_REGISTRY = 0x4F4C00000000000000000000000000000000000a;
    address internal constant CODE_REGISTRY = 0x4F4c00000000000000000000000000000000000b;
    address internal constant TIMELOCK = 0x4f4c00000000000000000000000000000000000E;
    address internal constant LICENCE_POLICY = 0x4f4C00000000000000000000000000000000000f;
    address internal constant ATTRIBUTION_CONTEXT = 0x4F4C000000000000000000000000000000000010;
    address internal constant OPEN_BURNER = 0x4F4c000000000000000000000000000000000021;
    address internal constant MONEY_TIMELOCK = 0x4F4c000000000000000000000000000000000022;
    address internal constant RECEIPT_JUDGE = 0x4f4c000000000000000000000000000000000023;
    address internal constant ENTRY_JUDGE = 0x4F4c000000000000000000000000000000000024;
    address internal constant EPOCH_JUDGE = 0x4f4c000000000000000000000000000000000025;
    address internal constant ATTRIBUTION_CALLER = 0x4F4C000000000000000000000000000000000026;
    address internal constant ANSWER_JUDGE = 0x4F4c000000000000000000000000000000000027;
    address internal constant INDEX_REGISTRY = 0x4f4c000000000000000000000000000000000028;
    address internal constant SPAN_JUDGE = 0x4f4C000000000000000000000000000000000029;
    address internal constant EVIDENCE_DEMANDS = 0x4f4c00000000000000000000000000000000002A;
    address internal constant TRACE_DEMANDS = 0x4f4C00000000000000000000000000000000002B;
    address internal constant LINEAR_STEP = 0x4f4c00000000000000000000000000000000002C;
    address internal constant QUANTISE_STEP = 0x4f4c00000000000000000000000000000000002D;
    address internal constant ELEMENT_STEP = 0x4f4c00000000000000000000000000000000002e;
    address internal constant ATTENTION_STEP = 0x4f4C00000000000000000000000000000000002F;
    address internal constant CHOICE_STEP = 0x4F4c000000000000000000000000000000000030;
    address internal constant TRACE_JUDGE = 0x4F4C000000000000000000000000000000000031;
    address internal constant STOP_JUDGE = 0x4f4C000000000000000000000000000000000032;
    address internal constant DATANET_UNITS = 0x4f4c000000000000000000000000000000000034;
    address internal constant DATANET_ACCESS = 0x4f4C000000000000000000000000000000000035;
    address internal constant DATANET_VOTES = 0x4F4c000000000000000000000000000000000036;
    /// @dev Judges by vote what no contract can compute; see CheckerCommittee.
    address internal constant CHECKER_COMMITTEE = 0x4F4C000000000000000000000000000000000038;
    address internal constant FINGERPRINT_JUDGE = 0x4f4C000000000000000000000000000000000039;
    address internal constant GRANTS = 0x4f4C000000000000000000000000000000000037;
    address internal constant AGENT_REVIEWS = 0x4F4c000000000000000000000000000000000040;
    address internal constant AGENT_SPENDING = 0x4f4c000000000000000000000000000000000041;
    address internal constant AGENT_TRAILS = 0x4f4c000000000000000000000000000000000042;
    address internal constant EAS = 0x4200000000000000000000000000000000000021;
    address internal constant SKETCH_JUDGE = 0x4F4C00000000000000000000000000000000003A;
    address internal constant DATANET_RELAY = 0x4f4c000000000000000000000000000000000044;
    address internal constant DATANET_JUDGE = 0x4F4C00000000000000000000000000000000003b;
    address internal constant DATANET_REVIEW = 0x4f4c000000000000000000000000000000000033;
    address internal constant SIGNATURE_REGISTRY = 0x4f4c00000000000000000000000000000000003c;
    address internal constant SHARE_JUDGE = 0x4f4C00000000000000000000000000000000003d;
    address internal constant SKETCH_REGISTRY = 0x4f4C000000000000000000000000000000000043;
    address internal constant INFLUENCE_DOT = 0x4f4C000000000000000000000000000000000016;
    address internal constant MIN_HASH_SIM = 0x4f4C000000000000000000000000000000000017;
    address internal constant SIGNATURE_PROOFS = 0x4f4c000000000000000000000000000000000045;
    address internal constant SPAN_PROOF = 0x4F4C000000000000000000000000000000000013;
    /// @dev Sends the L1 attributes and upgrade transactions.
    address internal constant DEPOSITOR_ACCOUNT = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
    /// @dev Stands for the chain's native ETH where contracts speak of tokens.
    address internal constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
}

/// @notice The part of ProxyAdmin that the predeploys ask.
interface IProxyAdmin {
    function owner() external view returns (address);
}

/// @notice Functions that only the owner of the ProxyAdmin may call.
abstract contract ProxyAdminOwned {
    error NotProxyAdminOwner();

    modifier onlyProxyAdminOwner() {
        if (msg.sender != proxyAdminOwner()) revert NotProxyAdminOwner();
        _;
    }

    function proxyAdmin() public pure returns (address) {
        return Predeploys.PROXY_ADMIN;
    }

    function proxyAdminOwner() public view returns (address) {
        return IProxyAdmin(Predeploys.PROXY_ADMIN).owner();
    }
}
