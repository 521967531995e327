// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetDecisions } from "./DatanetDecisions.sol";
import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";
import { IDatanets } from "./interfaces/IDatanets.sol";

/// @title DatanetPayouts
/// @notice Whom a contribution pays at a time: its author, or whom the author named, or whom a dispute or its labels redirect it
///         to. What holds for a time never changes once it is past. docs/DATANETS.md §6.
abstract contract DatanetPayouts is DatanetDecisions {
    /// @dev `from` counts epochs for authors, seconds for contributions.
    struct Checkpoint {
        uint64 from;
        address payee;
    }

    event PayoutRotated(address indexed author, address payout, uint64 fromEpoch);
    event PayoutRedirected(uint64 indexed contribId, address payee, uint64 from);

    /// @notice A rotated payout address takes effect at the next multiple of this, so no payout epoch sees two.
    uint256 public constant PAYOUT_EPOCH = 1 days;
    /// @notice Seconds until a redirection takes effect: a batch that was made before it is committed by then.
    uint64 public constant REDIRECT_NOTICE = 10 minutes;

    mapping(address author => Checkpoint[]) private _payouts;
    mapping(uint64 contribId => Checkpoint[]) private _redirects;

    /// @notice Names the address that receives the caller's income from the next payout epoch on.
    function rotatePayout(address payout) external {
        if (payout == address(0)) revert ZeroAddress();
        uint64 fromEpoch = payoutEpoch() + 1;
        _checkpoint(_payouts[msg.sender], fromEpoch, payout);
        emit PayoutRotated(msg.sender, payout, fromEpoch);
    }

    /// @inheritdoc IDatanets
    function redirectPayout(uint64 contribId, address payee) external only(Predeploys.DATANET_REVIEW) {
        _authorOf(contribId);
        uint64 from = uint64(block.timestamp) + REDIRECT_NOTICE;
        _checkpoint(_redirects[contribId], from, payee);
        emit PayoutRedirected(contribId, payee, from);
    }

    function payoutEpoch() public view returns (uint64) {
        return uint64(block.timestamp / PAYOUT_EPOCH);
    }

    /// @notice The address that receives `author`'s income in `epoch`: the author until it named another.
    function payoutAt(address author, uint64 epoch) public view returns (address payee) {
        payee = _at(_payouts[author], epoch);
        if (payee == address(0)) payee = author;
    }

    /// @inheritdoc IDatanetPayouts
    function payoutOfAt(uint64 contribId, uint64 time) public view returns (address payee) {
        if (contribId == 0 || contribId > contributionCount) return address(0);
        payee = _at(_redirects[contribId], time);
        if (payee == address(0)) payee = payoutAt(_authorOf(contribId), uint64(time / PAYOUT_EPOCH));
    }

    function _checkpoint(Checkpoint[] storage history, uint64 from, address payee) private {
        uint256 length = history.length;
        if (length > 0 && history[length - 1].from == from) history[length - 1].payee = payee;
        else history.push(Checkpoint(from, payee));
    }

    /// @dev The last checkpoint at or before `at`; zero where there is none.
    function _at(Checkpoint[] storage history, uint64 at) private view returns (address) {
        uint256 low = 0;
        uint256 high = history.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (history[middle].from <= at) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? address(0) : history[low - 1].payee;
    }
}
