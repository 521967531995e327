// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Types } from "../lib/Types.sol";

/// @title L2OutputOracle
/// @notice Output roots of the L2, posted by one proposer and deletable by a challenger while their window is open.
///         The interface of the OP Stack's oracle, so its clients work. Spec: protocol/proposals.md, before fault proofs.
contract L2OutputOracle {
    event OutputProposed(
        bytes32 indexed outputRoot, uint256 indexed l2OutputIndex, uint256 indexed l2BlockNumber, uint256 l1Timestamp
    );
    event OutputsDeleted(uint256 indexed prevNextOutputIndex, uint256 indexed newNextOutputIndex);

    uint256 public immutable SUBMISSION_INTERVAL;
    uint256 public immutable L2_BLOCK_TIME;
    uint256 public immutable FINALIZATION_PERIOD_SECONDS;
    address public immutable PROPOSER;
    address public immutable CHALLENGER;
    uint256 public immutable startingBlockNumber;
    uint256 public immutable startingTimestamp;

    Types.OutputProposal[] private _outputs;

    constructor(
        uint256 submissionInterval_,
        uint256 l2BlockTime_,
        uint256 startingBlockNumber_,
        uint256 startingTimestamp_,
        address proposer_,
        address challenger_,
        uint256 finalizationPeriodSeconds_
    ) {
        require(submissionInterval_ > 0, "L2OutputOracle: submission interval must be greater than 0");
        require(l2BlockTime_ > 0, "L2OutputOracle: L2 block time must be greater than 0");
        require(
            startingTimestamp_ <= block.timestamp,
            "L2OutputOracle: starting L2 timestamp must be less than current time"
        );
        SUBMISSION_INTERVAL = submissionInterval_;
        L2_BLOCK_TIME = l2BlockTime_;
        startingBlockNumber = startingBlockNumber_;
        startingTimestamp = startingTimestamp_;
        PROPOSER = proposer_;
        CHALLENGER = challenger_;
        FINALIZATION_PERIOD_SECONDS = finalizationPeriodSeconds_;
    }

    function version() external pure returns (string memory) {
        return "1.8.0+openledger";
    }

    /// @notice Posts the output root of `l2BlockNumber`, which must be the next one due. The L1 block hash, where it is
    ///         given, ties the proposal to one L1 fork.
    function proposeL2Output(
        bytes32 outputRoot,
        uint256 l2BlockNumber,
        bytes32 l1BlockHash,
        uint256 l1BlockNumber
    ) external payable {
        require(msg.sender == PROPOSER, "L2OutputOracle: only the proposer address can propose new outputs");
        require(
            l2BlockNumber == nextBlockNumber(),
            "L2OutputOracle: block number must be equal to next expected block number"
        );
        require(
            computeL2Timestamp(l2BlockNumber) < block.timestamp,
            "L2OutputOracle: cannot propose L2 output in the future"
        );
        require(outputRoot != bytes32(0), "L2OutputOracle: L2 output proposal cannot be the zero hash");
        if (l1BlockHash != bytes32(0)) {
            require(
                blockhash(l1BlockNumber) == l1BlockHash,
                "L2OutputOracle: block hash does not match the hash at the expected height"
            );
        }
        emit OutputProposed(outputRoot, _outputs.length, l2BlockNumber, block.timestamp);
        _outputs.push(
            Types.OutputProposal({
                outputRoot: outputRoot,
                timestamp: uint128(block.timestamp),
                l2BlockNumber: uint128(l2BlockNumber)
            })
        );
    }

    /// @notice Deletes every output from `l2OutputIndex` on, unless the first of them is final.
    function deleteL2Outputs(uint256 l2OutputIndex) external {
        require(msg.sender == CHALLENGER, "L2OutputOracle: only the challenger address can delete outputs");
        require(
            l2OutputIndex < _outputs.length,
            "L2OutputOracle: cannot delete outputs after the latest output index"
        );
        require(
            block.timestamp - _outputs[l2OutputIndex].timestamp < FINALIZATION_PERIOD_SECONDS,
            "L2OutputOracle: cannot delete outputs that have already been finalized"
        );
        uint256 length = _outputs.length;
        for (uint256 i = length; i > l2OutputIndex; i--) _outputs.pop();
        emit OutputsDeleted(length, l2OutputIndex);
    }

    function submissionInterval() external view returns (uint256) {
        return SUBMISSION_INTERVAL;
    }

    function l2BlockTime() external view returns (uint256) {
        return L2_BLOCK_TIME;
    }

    function finalizationPeriodSeconds() external view returns (uint256) {
        return FINALIZATION_PERIOD_SECONDS;
    }

    function proposer() external view returns (address) {
        return PROPOSER;
    }

    function challenger() external view returns (address) {
        return CHALLENGER;
    }

    function getL2Output(uint256 l2OutputIndex) external view returns (Types.OutputProposal memory) {
        return _outputs[l2OutputIndex];
    }

    /// @notice Index of the first output that covers `l2BlockNumber`. Clients know the revert text.
    function getL2OutputIndexAfter(uint256 l2BlockNumber) public view returns (uint256) {
        require(
            l2BlockNumber <= latestBlockNumber(),
            "L2OutputOracle: cannot get output for a block that has not been proposed"
        );
        require(
            _outputs.length > 0, "L2OutputOracle: cannot get output as no outputs have been proposed yet"
        );
        uint256 low = 0;
        uint256 high = _outputs.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_outputs[middle].l2BlockNumber < l2BlockNumber) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    function getL2OutputAfter(uint256 l2BlockNumber) external view returns (Types.OutputProposal memory) {
        return _outputs[getL2OutputIndexAfter(l2BlockNumber)];
    }

    function latestOutputIndex() external view returns (uint256) {
        return _outputs.length - 1;
    }

    function nextOutputIndex() external view returns (uint256) {
        return _outputs.length;
    }

    function latestBlockNumber() public view returns (uint256) {
        return _outputs.length == 0 ? startingBlockNumber : _outputs[_outputs.length - 1].l2BlockNumber;
    }

    function nextBlockNumber() public view returns (uint256) {
        return latestBlockNumber() + SUBMISSION_INTERVAL;
    }

    function computeL2Timestamp(uint256 l2BlockNumber) public view returns (uint256) {
        return startingTimestamp + (l2BlockNumber - startingBlockNumber) * L2_BLOCK_TIME;
    }
}
