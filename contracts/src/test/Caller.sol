// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Caller
/// @notice An account with code: makes the calls it is told to, and calls back once for each payment while `again` is set.
contract Caller {
    address private _target;
    bytes private _again;
    /// @notice Calls that failed inside a payment.
    uint256 public refused;

    receive() external payable {
        if (_target == address(0)) return;
        (bool ok,) = _target.call(_again);
        if (!ok) refused++;
    }

    /// @notice What it calls whenever it is paid; the zero address: nothing.
    function answer(address target, bytes calldata data) external {
        (_target, _again) = (target, data);
    }

    function run(address target, uint256 value, bytes calldata data) external payable {
        (bool ok, bytes memory result) = target.call{ value: value }(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
    }
}
