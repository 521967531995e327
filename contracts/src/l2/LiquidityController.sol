// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Predeploys, ProxyAdminOwned } from "../lib/Predeploys.sol";
import { SafeSend } from "../lib/SafeSend.sol";
import { NativeAssetLiquidity } from "./NativeAssetLiquidity.sol";

/// @title LiquidityController
/// @notice Decides who may move OPEN between NativeAssetLiquidity and circulation, and names the gas token. Predeploy
///         0x4200…002A. Spec: custom-gas-token/predeploys.md, "Liquidity Controller".
contract LiquidityController is Initializable, ProxyAdminOwned {
    event MinterAuthorized(address indexed minter);
    event MinterDeauthorized(address indexed minter);
    event LiquidityMinted(address indexed minter, address indexed to, uint256 amount);
    event LiquidityBurned(address indexed minter, uint256 amount);

    error NotMinter();
    error ZeroAmount();

    string public gasPayingAssetName;
    string public gasPayingAssetSymbol;
    mapping(address account => bool) public minters;

    modifier onlyMinter() {
        if (!minters[msg.sender]) revert NotMinter();
        _;
    }

    constructor() {
        _disableInitializers();
    }

    function initialize(string calldata name, string calldata symbol) external initializer {
        gasPayingAssetName = name;
        gasPayingAssetSymbol = symbol;
    }

    function version() external pure returns (string memory) {
        return "1.0.0+openledger";
    }

    function authorizeMinter(address minter) external onlyProxyAdminOwner {
        minters[minter] = true;
        emit MinterAuthorized(minter);
    }

    function deauthorizeMinter(address minter) external onlyProxyAdminOwner {
        minters[minter] = false;
        emit MinterDeauthorized(minter);
    }

    /// @notice Releases `amount` from the liquidity to `to`.
    function mint(address to, uint256 amount) external onlyMinter {
        _liquidity().withdraw(amount);
        new SafeSend{ value: amount }(payable(to));
        emit LiquidityMinted(msg.sender, to, amount);
    }

    /// @notice Takes the value out of circulation.
    function burn() external payable onlyMinter {
        if (msg.value == 0) revert ZeroAmount();
        _liquidity().deposit{ value: msg.value }();
        emit LiquidityBurned(msg.sender, msg.value);
    }

    function _liquidity() private pure returns (NativeAssetLiquidity) {
        return NativeAssetLiquidity(Predeploys.NATIVE_ASSET_LIQUIDITY);
    }
}
