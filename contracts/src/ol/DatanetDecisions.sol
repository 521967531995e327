// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetContributions } from "./DatanetContributions.sol";
import { BatchState, Standing } from "./DatanetTypes.sol";
import { Admission, Decision, IDatanets } from "./interfaces/IDatanets.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title DatanetDecisions
/// @notice Who admits contributions, how one leaves, and where its bond goes. docs/DATANETS.md §4, §5.
///
/// Money: every wei of a bond is locked, owed, paid or burned, so `balance = bondsLocked + refundsOwed` unless somebody forces
/// wei in, and `slashed = burned + rewarded`.
abstract contract DatanetDecisions is DatanetContributions {
    event ContributionDecided(uint64 indexed contribId, bool accepted, uint16 score, bytes32 reason);
    event ContributionBatchDecided(uint64 indexed firstId, bool accepted, uint32 items, bytes32 reason);
    event ConsentWithdrawn(uint64 indexed contribId, uint32 fromVersion);
    event ContributionHeld(uint64 indexed contribId, uint32 holds);
    event ContributionSlashed(uint64 indexed contribId, address indexed rewardTo, uint256 amount, uint256 burned);
    event BondReleased(uint64 indexed contribId, address indexed author, uint256 amount);
    event RefundClaimed(address indexed author, address indexed to, uint256 amount);

    error NotAuthor(uint64 contribId);
    error WrongDecision(uint64 contribId, Decision decision);
    error WrongAdmission(uint64 id, Admission admission);
    error VetoWindowOpen(uint64 contribId, uint256 until);
    /// @notice A dispute about it is open.
    error Held(uint64 contribId);
    error BondInDispute(uint64 contribId, uint256 releasableAt);
    error NothingOwed(address author);
    error TransferFailed(address to, uint256 amount);
    error ZeroAddress();

    /// @notice An accepted item's bond answers for disputes this long after its author withdrew it: staked validators
    ///         have seven days to decide one.
    uint256 public constant BOND_RELEASE_DELAY = 7 days;

    /// @dev What is slashed counts as so many that were rejected.
    uint256 private constant SLASHED_ITEMS = 4;

    uint256 public slashed;
    uint256 public burned;
    uint256 public rewarded;
    mapping(address author => uint256) public refundOf;

    /// @notice Accepts or rejects one pending contribution, of a batch or alone; only rejects where admission is automatic: a veto.
    ///         A rejected one's bond is refunded, an accepted one's stays locked.
    function decide(uint64 contribId, bool accept, bytes32 reason) external {
        Found memory found = _find(contribId);
        _requireMayDecide(found.datanet, accept);
        _decide(contribId, found, accept, 0, reason);
    }

    /// @notice Decides every item of a pending batch that was not decided or withdrawn alone.
    function decideBatch(uint64 firstId, bool accept, bytes32 reason) external {
        _requireMayDecide(_batches[firstId].datanet, accept);
        _decideBatch(firstId, accept, reason);
    }

    /// @notice Accepts a contribution that stood through its veto window, or all of a batch by its first id. Anyone may, where
    ///         admission is automatic.
    function admit(uint64 contribId) external {
        Found memory found = _find(contribId);
        _requireAdmission(found.datanet, Admission.Automatic);
        uint256 until = found.submittedAt + _datanets[found.datanet].vetoWindow;
        if (block.timestamp < until) revert VetoWindowOpen(contribId, until);
        if (found.firstId == contribId) _decideBatch(contribId, true, bytes32(0));
        else _decide(contribId, found, true, 0, bytes32(0));
    }

    /// @inheritdoc IDatanets
    function decideBy(uint64 contribId, bool accept, uint16 score, bytes32 reason)
        external
        only(Predeploys.DATANET_REVIEW)
    {
        _decide(contribId, _find(contribId), accept, score, reason);
    }

    /// @notice Takes a contribution out of every later version. A pending one's bond is refunded at once, an accepted or held
    ///         one's after `BOND_RELEASE_DELAY` by `releaseBond`.
    function withdrawConsent(uint64 contribId) external {
        Found memory found = _find(contribId);
        if (found.author != msg.sender) revert NotAuthor(contribId);
        bool isPending = found.decision == Decision.Pending;
        if (!isPending && found.decision != Decision.Accepted) revert WrongDecision(contribId, found.decision);
        Standing storage standing = _standing[contribId];
        _mark(contribId, found, Decision.Withdrawn);
        standing.leftAt = uint64(block.timestamp);
        if (isPending && standing.holds == 0) {
            standing.released = true;
            _refund(found.author, found.bond);
        }
        emit ConsentWithdrawn(contribId, _datanets[found.datanet].version + 1);
    }

    /// @notice Makes the bond of a withdrawn contribution refundable once its dispute time is over.
    function releaseBond(uint64 contribId) external {
        Found memory found = _find(contribId);
        Standing storage standing = _standing[contribId];
        if (found.decision != Decision.Withdrawn || standing.released) revert WrongDecision(contribId, found.decision);
        uint256 at = standing.holds > 0 ? type(uint256).max : standing.leftAt + BOND_RELEASE_DELAY;
        if (block.timestamp < at) revert BondInDispute(contribId, at);
        standing.released = true;
        _refund(found.author, found.bond);
        emit BondReleased(contribId, found.author, found.bond);
    }

    /// @notice Sends all that is owed to the caller to `to`: refunds, and rewards.
    function claimRefund(address payable to) external {
        if (to == address(0)) revert ZeroAddress();
        uint256 amount = refundOf[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        refundOf[msg.sender] = 0;
        refundsOwed -= amount;
        emit RefundClaimed(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    // --- Disputes ---

    /// @inheritdoc IDatanets
    function hold(uint64 contribId) external only(Predeploys.DATANET_REVIEW) {
        _hold(contribId, true);
    }

    /// @inheritdoc IDatanets
    function unhold(uint64 contribId) external only(Predeploys.DATANET_REVIEW) {
        _hold(contribId, false);
    }

    /// @inheritdoc IDatanets
    function slashBond(uint64 contribId, address rewardTo) external returns (uint256 amount) {
        if (msg.sender != Predeploys.DATANET_REVIEW && msg.sender != Predeploys.DATANET_JUDGE) {
            revert NotAllowed(msg.sender);
        }
        Found memory found = _find(contribId);
        if (found.decision == Decision.Rejected || found.decision == Decision.Slashed) return 0;
        amount = _answering(contribId, found);
        Standing storage standing = _standing[contribId];
        if (standing.leftAt == 0) standing.leftAt = uint64(block.timestamp);
        standing.released = true;
        _mark(contribId, found, Decision.Slashed);
        uint256 reward = amount / 2;
        bondsLocked -= uint128(amount);
        slashed += amount;
        rewarded += reward;
        burned += amount - reward;
        refundsOwed += reward;
        refundOf[rewardTo] += reward;
        emit ContributionSlashed(contribId, rewardTo, amount, amount - reward);
        _tell(found.datanet, found.author, SLASHED_ITEMS, false, 0);
        if (amount > reward) OpenBurner(Predeploys.OPEN_BURNER).burn{ value: amount - reward }();
    }

    /// @inheritdoc IDatanets
    function bondOf(uint64 contribId) external view returns (uint256) {
        return _answering(contribId, _find(contribId));
    }

    // --- Internals ---

    /// @dev One hold more or less, of it and of its batch.
    function _hold(uint64 contribId, bool more) private {
        uint64 firstId = _find(contribId).firstId;
        if (firstId != 0) _batches[firstId].holds = _stepped(_batches[firstId].holds, more);
        uint32 holds = _stepped(_standing[contribId].holds, more);
        _standing[contribId].holds = holds;
        emit ContributionHeld(contribId, holds);
    }

    function _stepped(uint32 count, bool more) private pure returns (uint32) {
        return more ? count + 1 : count - 1;
    }

    function _decide(uint64 contribId, Found memory found, bool accept, uint16 score, bytes32 reason) private {
        if (found.decision != Decision.Pending) revert WrongDecision(contribId, found.decision);
        if (_standing[contribId].holds > 0) revert Held(contribId);
        _mark(contribId, found, accept ? Decision.Accepted : Decision.Rejected);
        if (!accept) _refund(found.author, found.bond);
        emit ContributionDecided(contribId, accept, score, reason);
        _tell(found.datanet, found.author, 1, accept, score);
    }

    function _decideBatch(uint64 firstId, bool accept, bytes32 reason) private {
        BatchState storage batch = _batches[firstId];
        if (batch.decision != uint8(Decision.Pending)) revert WrongDecision(firstId, Decision(batch.decision));
        if (batch.holds > 0) revert Held(firstId);
        batch.decision = uint8(accept ? Decision.Accepted : Decision.Rejected);
        if (!accept) _refund(batch.author, _bonds[batch.datanet][batch.terms] * batch.open);
        emit ContributionBatchDecided(firstId, accept, batch.open, reason);
        _tell(batch.datanet, batch.author, batch.open, accept, 0);
    }

    function _mark(uint64 contribId, Found memory found, Decision to) private {
        if (found.firstId == 0) {
            _items[contribId].marks = found.consent | uint16(to) << 12;
            return;
        }
        if (_ownDecision[contribId] == Decision.None) _batches[found.firstId].open--;
        _ownDecision[contribId] = to;
    }

    /// @dev An outcome, where the Datanet asks for reputations.
    function _tell(uint64 id, address author, uint256 items, bool good, uint256 score) private {
        if (_datanets[id].gated) GATES.countOutcome(id, author, items, good, score);
    }

    function _answering(uint64 contribId, Found memory found) private view returns (uint256) {
        if (found.decision == Decision.Rejected || _standing[contribId].released) return 0;
        return found.bond;
    }

    function _refund(address author, uint256 amount) private {
        bondsLocked -= uint128(amount);
        refundsOwed += amount;
        refundOf[author] += amount;
    }

    function _requireMayDecide(uint64 id, bool accept) private view {
        _requireOwner(id);
        bool isVeto = !accept && _datanets[id].admission == Admission.Automatic;
        if (!isVeto) _requireAdmission(id, Admission.Owner);
    }

    function _requireAdmission(uint64 id, Admission wanted) private view {
        Admission admission = _datanets[id].admission;
        if (admission != wanted) revert WrongAdmission(id, admission);
    }
}
