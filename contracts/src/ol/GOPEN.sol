// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import { ERC20Permit } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import { ERC20Votes } from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import { Nonces } from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title GOPEN
/// @notice OPEN that votes: the native asset wrapped one for one, with delegation and checkpoints by time (ERC-6372). Whoever
///         delegates to nobody votes for nobody. Predeploy 0x4f4c…000c, no proxy and no owner. A transfer with calldata that
///         names no function reverts.
contract GOPEN is ERC20, ERC20Permit, ERC20Votes {
    event Deposit(address indexed sender, uint256 amt);
    event Withdrawal(address indexed sender, uint256 amt);

    error ZeroValueNotAllowed();
    error TransferFailed(address recipient, uint256 amount);

    constructor() ERC20("GOpen", "GOPEN") ERC20Permit("GOpen") { }

    receive() external payable {
        deposit();
    }

    function deposit() public payable {
        if (msg.value == 0) revert ZeroValueNotAllowed();
        _mint(msg.sender, msg.value);
        emit Deposit(msg.sender, msg.value);
    }

    /// @notice What is burned is paid afterwards: a caller that calls back finds it gone.
    function withdraw(uint256 amount) external {
        if (amount == 0) revert ZeroValueNotAllowed();
        _burn(msg.sender, amount);
        emit Withdrawal(msg.sender, amount);
        (bool ok,) = msg.sender.call{ value: amount }("");
        if (!ok) revert TransferFailed(msg.sender, amount);
    }

    /// @notice Unix seconds of the block.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        super._update(from, to, value);
    }
}
