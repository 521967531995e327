// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";

/// @title EvidenceRewards
/// @notice Rewards of DisputeGame, and who gets each: whoever proved the fault, unless another committed to it first. MONEY §7.
///
/// A challenge shows its evidence to whoever orders transactions, who could send it as their own. A challenger who fears
/// that commits to `keccak(sender 20 ‖ subject 32 ‖ salt 32)` beforehand. Each reward waits for `COMMIT_BLOCKS`
/// after it was won; until then it goes over to the holder of an earlier commitment to its subject, made at most
/// `COMMIT_BLOCKS` before it was won. So a copier of a challenge gains nothing.
abstract contract EvidenceRewards {
    /// @dev What a subject stands in.
    enum Scope { Receipt, Batch, Credit, Payout, Answer, Index, Contribution, Signature, Table }

    /// @dev `committedAt` is the block of the holder's commitment, or where there is none of the challenge.
    struct Reward {
        address holder;
        uint64 wonAt;
        uint64 committedAt;
        uint256 amount;
    }

    event EvidenceCommitted(bytes32 indexed commitment, address indexed sender);
    event RewardWon(bytes32 indexed subject, address indexed holder, uint256 amount);
    event RewardTakenOver(bytes32 indexed subject, address indexed holder, uint64 committedAt);
    event RewardPaid(bytes32 indexed subject, address indexed holder, address to, uint256 amount);

    error AlreadyCommitted(bytes32 commitment, uint64 at);
    error NoReward(bytes32 subject);
    error NotHolder(bytes32 subject, address holder);
    /// @notice No commitment of the caller to the subject that is older than the holder's and not too old.
    error NoEarlierCommitment(bytes32 commitment, uint64 committedAt);
    error RewardWaits(bytes32 subject, uint256 untilBlock);
    error RewardSettled(bytes32 subject, uint256 atBlock);

    /// @notice Blocks that a commitment counts for before a challenge, and that a reward waits for after it.
    uint64 public constant COMMIT_BLOCKS = 50;

    /// @notice Block of a commitment; zero where there is none.
    mapping(bytes32 commitment => uint64) public committedAt;
    mapping(bytes32 subject => Reward) private _rewards;

    /// @notice Commits to evidence that the sender will show. One that still counts is not made anew.
    function commitEvidence(bytes32 commitment) external {
        uint64 before = committedAt[commitment];
        if (before != 0 && block.number <= before + COMMIT_BLOCKS) revert AlreadyCommitted(commitment, before);
        committedAt[commitment] = uint64(block.number);
        emit EvidenceCommitted(commitment, msg.sender);
    }

    /// @notice Takes over a reward to whose subject the caller committed before its holder did.
    function takeOverReward(bytes32 subject, bytes32 salt) external {
        Reward storage reward = _rewards[subject];
        if (reward.amount == 0) revert NoReward(subject);
        if (block.number > reward.wonAt + COMMIT_BLOCKS) revert RewardSettled(subject, reward.wonAt + COMMIT_BLOCKS);
        bytes32 commitment = keccak256(abi.encodePacked(msg.sender, subject, salt));
        uint64 at = committedAt[commitment];
        bool earlier = at != 0 && at < reward.committedAt && at + COMMIT_BLOCKS >= reward.wonAt;
        if (!earlier) revert NoEarlierCommitment(commitment, at);
        (reward.holder, reward.committedAt) = (msg.sender, at);
        emit RewardTakenOver(subject, msg.sender, at);
    }

    /// @notice Sends a reward that waited long enough to where its holder wants it.
    function payReward(bytes32 subject, address payable to) external {
        Reward memory reward = _rewards[subject];
        if (reward.amount == 0) revert NoReward(subject);
        if (msg.sender != reward.holder) revert NotHolder(subject, reward.holder);
        if (block.number <= reward.wonAt + COMMIT_BLOCKS) revert RewardWaits(subject, reward.wonAt + COMMIT_BLOCKS);
        delete _rewards[subject];
        emit RewardPaid(subject, msg.sender, to, reward.amount);
        Address.sendValue(to, reward.amount);
    }

    function rewardOf(bytes32 subject) external view returns (Reward memory) {
        return _rewards[subject];
    }

    /// @notice What a challenge is about, whatever it shows: a receipt or batch (`id` the batch's id), a leaf of an epoch (`id`
    ///         the hash of its record), a worker's answers (`id` the request), a contribution or its signature (`id` the
    ///         contribution's). One subject is won once.
    function subjectOf(Scope scope, bytes32 id, uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode(scope, id, index));
    }

    /// @dev A subject comes again only where an equal epoch was proposed and reverted twice in a block: the first challenger
    ///      keeps it, or the proposer could win the bond back.
    function _award(bytes32 subject, uint256 amount) internal {
        _award(subject, amount, msg.sender, uint64(block.number));
    }

    /// @param since the block in which the holder showed that it knows of the fault
    function _award(bytes32 subject, uint256 amount, address holder, uint64 since) internal {
        if (amount == 0) return;
        Reward storage reward = _rewards[subject];
        if (reward.amount == 0) {
            (reward.holder, reward.wonAt, reward.committedAt) = (holder, uint64(block.number), since);
        }
        reward.amount += amount;
        emit RewardWon(subject, reward.holder, amount);
    }
}
