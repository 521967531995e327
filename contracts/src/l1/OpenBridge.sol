// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { OpenToken } from "./OpenToken.sol";
import { OptimismPortal } from "./OptimismPortal.sol";

/// @notice What the L1 bridge calls on the L2.
interface IL2OpenBridge {
    function finalizeDeposit(address from, address to, uint256 amount) external;
}

/// @title OpenBridge
/// @notice L1 side of the OPEN bridge: locks the ERC-20 and has the L2 release as much native OPEN from its liquidity,
///         and the other way round. Invariant: tokens held here = OPEN in circulation on the L2 + what is under way.
contract OpenBridge {
    using SafeERC20 for IERC20;

    event DepositInitiated(address indexed from, address indexed to, uint256 amount);
    event WithdrawalFinalized(address indexed from, address indexed to, uint256 amount);

    error NotFromL2Bridge(address sender, address l2Sender);
    error ZeroAmount();
    error ZeroAddress();

    /// @notice L2 gas of a deposit: the liquidity's release and a transfer to a new account, measured at about
    ///         150,000, with room.
    uint64 public constant DEPOSIT_GAS_LIMIT = 400_000;

    OptimismPortal public immutable portal;
    IERC20 public immutable token;
    address public immutable l2Bridge;

    /// @param token_ The ERC-20; zero deploys a development token, whose supply less `lockedAtGenesis` goes to `holder`.
    constructor(
        OptimismPortal portal_,
        address l2Bridge_,
        IERC20 token_,
        uint256 lockedAtGenesis,
        address holder
    ) {
        portal = portal_;
        l2Bridge = l2Bridge_;
        token = address(token_) == address(0) ? new OpenToken(address(this), lockedAtGenesis, holder) : token_;
    }

    /// @notice Locks `amount` of the caller's tokens and releases as much native OPEN to `to` on the L2.
    function deposit(address to, uint256 amount) external {
        if (amount == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit DepositInitiated(msg.sender, to, amount);
        portal.depositTransaction(
            l2Bridge,
            0,
            DEPOSIT_GAS_LIMIT,
            false,
            abi.encodeCall(IL2OpenBridge.finalizeDeposit, (msg.sender, to, amount))
        );
    }

    /// @notice Called by the portal for a withdrawal that the L2 bridge sent.
    function finalizeWithdrawal(address from, address to, uint256 amount) external {
        if (msg.sender != address(portal)) revert NotFromL2Bridge(msg.sender, address(0));
        address sender = portal.l2Sender();
        if (sender != l2Bridge) revert NotFromL2Bridge(msg.sender, sender);
        emit WithdrawalFinalized(from, to, amount);
        token.safeTransfer(to, amount);
    }
}
