// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title HostileRecipient
/// @notice An account that answers a payment as badly as it is told to: it calls back, refuses, burns its gas or returns a
///         page of data. It does what anybody tells it.
contract HostileRecipient {
    enum Mood { Takes, CallsBack, Refuses, BurnsGas, Babbles }

    Mood public mood;
    address public target;
    bytes public data;
    /// @notice Payments answered by calling back, and how many of those calls went through.
    uint256 public attempts;
    uint256 public successes;

    function arm(Mood mood_, address target_, bytes calldata data_) external {
        (mood, target, data) = (mood_, target_, data_);
    }

    /// @notice Makes a call as this account.
    function act(address to, bytes calldata call) external payable returns (bytes memory) {
        (bool ok, bytes memory result) = to.call{ value: msg.value }(call);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }

    receive() external payable {
        if (mood == Mood.CallsBack) {
            attempts++;
            (bool ok,) = target.call(data);
            if (ok) successes++;
        } else if (mood == Mood.Refuses) {
            revert("refused");
        } else if (mood == Mood.BurnsGas) {
            assembly ("memory-safe") {
                invalid()
            }
        } else if (mood == Mood.Babbles) {
            assembly ("memory-safe") {
                return(0, 1000000)
            }
        }
    }
}
