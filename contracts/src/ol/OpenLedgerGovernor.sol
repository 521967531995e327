// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Governor } from "@openzeppelin/contracts/governance/Governor.sol";
import { TimelockController } from "@openzeppelin/contracts/governance/TimelockController.sol";
import { GovernorCountingSimple } from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import { GovernorSettings } from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import { GovernorStorage } from "@openzeppelin/contracts/governance/extensions/GovernorStorage.sol";
import { GovernorTimelockControl } from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import { GovernorVotes } from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import { GovernorVotesQuorumFraction } from
    "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import { IVotes } from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title OpenLedgerGovernor
/// @notice Votes of GOPEN decide what the Timelock does; it changes nothing else. A vote begins after `votingDelay`, lasts
///         `votingPeriod`, and passes with more for than against and a quarter of all GOPEN for or abstaining. What passed is
///         queued and executed by anyone, and expires where nobody does. Predeploy 0x4f4c…000d, no proxy.
contract OpenLedgerGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorStorage,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice GOPEN that whoever proposes must have delegated to it, in wei.
    uint256 public constant INITIAL_PROPOSAL_THRESHOLD = 100e18;
    /// @notice Percent of all GOPEN.
    uint256 public constant INITIAL_QUORUM_PERCENT = 25;

    /// @param votingDelay_ Seconds between a proposal and its vote.
    /// @param votingPeriod_ Seconds of a vote.
    constructor(IVotes token_, TimelockController timelock_, uint48 votingDelay_, uint32 votingPeriod_)
        Governor("OpenLedger")
        GovernorSettings(votingDelay_, votingPeriod_, INITIAL_PROPOSAL_THRESHOLD)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(INITIAL_QUORUM_PERCENT)
        GovernorTimelockControl(timelock_)
    { }

    /// @notice An operation that the Timelock still has and no longer executes is a proposal that expired.
    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState current)
    {
        current = super.state(proposalId);
        if (current == ProposalState.Canceled && proposalEta(proposalId) != 0) {
            TimelockController lock = TimelockController(payable(timelock()));
            if (lock.getTimestamp(operationOf(proposalId)) != 0) return ProposalState.Expired;
        }
    }

    /// @notice The Timelock's id of what a proposal does.
    function operationOf(uint256 proposalId) public view returns (bytes32) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calldatas, bytes32 descriptionHash) =
            proposalDetails(proposalId);
        return TimelockController(payable(timelock())).hashOperationBatch(
            targets, values, calldatas, 0, bytes20(address(this)) ^ descriptionHash
        );
    }

    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override(Governor, GovernorStorage) returns (uint256) {
        return super._propose(targets, values, calldatas, description, proposer);
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
