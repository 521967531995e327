// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Predeploys, ProxyAdminOwned } from "../lib/Predeploys.sol";

/// @notice The part of L2StandardBridge that carries a vault's ether to the L1.
interface IEtherBridge {
    function bridgeETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable;
}

/// @title FeeVault
/// @notice Collects one kind of fee and pays it out to its recipient when anyone asks. A chain with its own gas token
///         must pay out on the L2. Spec: protocol/predeploys.md, custom-gas-token/predeploys.md.
abstract contract FeeVault is Initializable, ProxyAdminOwned {
    enum WithdrawalNetwork { L1, L2 }

    event Withdrawal(uint256 value, address to, address from);
    event Withdrawal(uint256 value, address to, address from, WithdrawalNetwork withdrawalNetwork);
    event MinWithdrawalAmountUpdated(uint256 oldWithdrawalAmount, uint256 newWithdrawalAmount);
    event RecipientUpdated(address oldRecipient, address newRecipient);
    event WithdrawalNetworkUpdated(WithdrawalNetwork oldWithdrawalNetwork, WithdrawalNetwork newWithdrawalNetwork);

    /// @dev L1 gas of a plain transfer through the bridge.
    uint32 internal constant WITHDRAWAL_MIN_GAS = 400_000;

    uint256 public totalProcessed;
    uint256 public minWithdrawalAmount;
    address public recipient;
    WithdrawalNetwork public withdrawalNetwork;

    constructor() {
        _disableInitializers();
    }

    function initialize(address recipient_, uint256 minWithdrawalAmount_, WithdrawalNetwork withdrawalNetwork_)
        external
        initializer
    {
        recipient = recipient_;
        minWithdrawalAmount = minWithdrawalAmount_;
        withdrawalNetwork = withdrawalNetwork_;
    }

    receive() external payable { }

    function version() external pure returns (string memory) {
        return "1.6.1+openledger";
    }

    function MIN_WITHDRAWAL_AMOUNT() external view returns (uint256) {
        return minWithdrawalAmount;
    }

    function RECIPIENT() external view returns (address) {
        return recipient;
    }

    function WITHDRAWAL_NETWORK() external view returns (WithdrawalNetwork) {
        return withdrawalNetwork;
    }

    function setMinWithdrawalAmount(uint256 amount) external onlyProxyAdminOwner {
        emit MinWithdrawalAmountUpdated(minWithdrawalAmount, amount);
        minWithdrawalAmount = amount;
    }

    function setRecipient(address recipient_) external onlyProxyAdminOwner {
        emit RecipientUpdated(recipient, recipient_);
        recipient = recipient_;
    }

    function setWithdrawalNetwork(WithdrawalNetwork network) external onlyProxyAdminOwner {
        emit WithdrawalNetworkUpdated(withdrawalNetwork, network);
        withdrawalNetwork = network;
    }

    /// @notice Pays the whole balance to the recipient.
    function withdraw() external returns (uint256 value) {
        value = address(this).balance;
        require(
            value >= minWithdrawalAmount,
            "FeeVault: withdrawal amount must be greater than minimum withdrawal amount"
        );
        totalProcessed += value;
        emit Withdrawal(value, recipient, msg.sender);
        emit Withdrawal(value, recipient, msg.sender, withdrawalNetwork);
        if (withdrawalNetwork == WithdrawalNetwork.L2) {
            (bool success,) = recipient.call{ value: value }("");
            require(success, "FeeVault: failed to send ETH to L2 fee recipient");
        } else {
            IEtherBridge(Predeploys.L2_STANDARD_BRIDGE).bridgeETHTo{ value: value }(recipient, WITHDRAWAL_MIN_GAS, "");
        }
    }
}

/// @notice Priority fees; the coinbase of every block. Predeploy 0x4200…0011.
contract SequencerFeeVault is FeeVault {
    function l1FeeWallet() external view returns (address) {
        return recipient;
    }
}

/// @notice Base fees. Predeploy 0x4200…0019.
contract BaseFeeVault is FeeVault { }

/// @notice L1 data fees. Predeploy 0x4200…001A.
contract L1FeeVault is FeeVault { }

/// @notice Operator fees. Predeploy 0x4200…001B. Spec: protocol/isthmus/predeploys.md.
contract OperatorFeeVault is FeeVault { }
