// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { IAttributionLedger } from "./interfaces/IAttributionLedger.sol";

/// @title AttributionRules
/// @notice Versions of the rule by which answers are attributed, by the hash that receipts and epochs name. What was
///         committed is judged by the rule in force then.
///
/// A rule is in force from a multiple of a day until the next one's: whoever commits a batch across it bounds the batch's time.
/// A rule that was in force once is never again.
abstract contract AttributionRules is IAttributionLedger {
    /// @dev In force at a time t where from <= t < until; `until` is zero of what never was a rule.
    struct Term {
        uint64 from;
        uint64 until;
    }

    event AlgoSet(bytes32 indexed algoHash, uint64 from);

    error NotMoneyTimelock(address caller);
    error AlgoKnown(bytes32 algoHash);

    /// @notice The rule at genesis: the hash of its parameters, docs/ATTRIBUTION.md.
    bytes32 public constant ALGO_V1 = 0xb039548e6f9a6cf8faf7872068c3eb8d9e459fa9d2722835ce699d0d7fef2627;
    /// @notice A rule comes into force at a multiple of so many seconds.
    uint256 public constant RULE_EPOCH = 1 days;

    /// @notice The newest rule, which may come into force only later.
    bytes32 public algoHash;
    mapping(bytes32 algoHash => Term) private _terms;

    modifier onlyMoneyTimelock() {
        if (msg.sender != Predeploys.MONEY_TIMELOCK) revert NotMoneyTimelock(msg.sender);
        _;
    }

    /// @notice Makes another rule the one in force from the next multiple of a day on. One that was named for then, and not
    ///         yet in force, never is.
    function setAlgo(bytes32 algoHash_) external onlyMoneyTimelock {
        if (_terms[algoHash_].until != 0) revert AlgoKnown(algoHash_);
        uint64 from = uint64((block.timestamp / RULE_EPOCH + 1) * RULE_EPOCH);
        _terms[algoHash].until = from;
        _setAlgo(algoHash_, from);
    }

    /// @inheritdoc IAttributionLedger
    function isAlgoInForce(bytes32 algoHash_, uint64 time) public view returns (bool) {
        Term memory term = _terms[algoHash_];
        return term.from <= time && time < term.until;
    }

    function _setAlgo(bytes32 algoHash_, uint64 from) internal {
        algoHash = algoHash_;
        _terms[algoHash_] = Term(from, type(uint64).max);
        emit AlgoSet(algoHash_, from);
    }
}
