// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { MoneyHashes } from "../lib/MoneyHashes.sol";
import { Predeploys, ProxyAdminOwned } from "../lib/Predeploys.sol";
import { ISharesCalculator } from "../ol/interfaces/ISharesCalculator.sol";
import { FeeVault } from "./FeeVault.sol";

/// @notice The part of the RoyaltyVault that takes money for a pool.
interface IPools {
    function fund(uint8 kind, uint64 id) external payable;
}

/// @title FeeSplitter
/// @notice Empties the fee vaults when anyone asks and gives what they held to those that the shares calculator names. It keeps
///         nothing. Predeploy 0x4200…002B. Shape of the OP Stack's: protocol/fee-splitter.md.
contract FeeSplitter is Initializable, ProxyAdminOwned {
    event FeesReceived(address indexed sender, uint256 amount, uint256 newBalance);
    event FeesDisbursed(ISharesCalculator.ShareInfo[] shareInfo, uint256 grossRevenue);
    event SharesCalculatorUpdated(address oldSharesCalculator, address newSharesCalculator);

    error NotCurrentVault(address sender);
    error NothingToDisburse();
    error SharesDoNotAdd(uint256 shares, uint256 revenue);
    error TransferFailed(address recipient, uint256 amount);

    ISharesCalculator public sharesCalculator;
    /// @dev The vault that is being emptied; from no other comes money, so that none is divided without its kind.
    address private transient _vault;

    constructor() {
        _disableInitializers();
    }

    function initialize(ISharesCalculator sharesCalculator_) external initializer {
        sharesCalculator = sharesCalculator_;
    }

    receive() external payable {
        if (msg.sender != _vault) revert NotCurrentVault(msg.sender);
        emit FeesReceived(msg.sender, msg.value, address(this).balance);
    }

    function setSharesCalculator(ISharesCalculator to) external onlyProxyAdminOwner {
        emit SharesCalculatorUpdated(address(sharesCalculator), address(to));
        sharesCalculator = to;
    }

    /// @notice Empties every vault that pays here and has its minimum, and divides what came.
    function disburseFees() external returns (uint256 grossRevenue) {
        uint256 sequencerFees = _empty(Predeploys.SEQUENCER_FEE_VAULT);
        uint256 baseFees = _empty(Predeploys.BASE_FEE_VAULT);
        uint256 operatorFees = _empty(Predeploys.OPERATOR_FEE_VAULT);
        uint256 l1Fees = _empty(Predeploys.L1_FEE_VAULT);
        grossRevenue = sequencerFees + baseFees + operatorFees + l1Fees;
        if (grossRevenue == 0) revert NothingToDisburse();
        ISharesCalculator.ShareInfo[] memory shares =
            sharesCalculator.getRecipientsAndAmounts(sequencerFees, baseFees, operatorFees, l1Fees);
        uint256 sum = 0;
        for (uint256 i = 0; i < shares.length; i++) sum += shares[i].amount;
        if (sum != grossRevenue) revert SharesDoNotAdd(sum, grossRevenue);
        emit FeesDisbursed(shares, grossRevenue);
        for (uint256 i = 0; i < shares.length; i++) _send(shares[i].recipient, shares[i].amount);
    }

    function _empty(address vaultAddress) private returns (uint256) {
        FeeVault vault = FeeVault(payable(vaultAddress));
        if (vault.recipient() != address(this) || vault.withdrawalNetwork() != FeeVault.WithdrawalNetwork.L2) return 0;
        if (vaultAddress.balance == 0 || vaultAddress.balance < vault.minWithdrawalAmount()) return 0;
        _vault = vaultAddress;
        uint256 value = vault.withdraw();
        _vault = address(0);
        return value;
    }

    function _send(address payable to, uint256 amount) private {
        if (MoneyHashes.isPool(to)) {
            uint256 pool = uint160(address(to));
            IPools(Predeploys.ROYALTY_VAULT).fund{ value: amount }(uint8(pool >> 64), uint64(pool));
            return;
        }
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }
}
