// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title ScoreTally
/// @notice Weights by score, 0 to 10,000: any number of scores, two words a score, the exact weighted median in a bounded
///         number of reads. Twin: attribution/integrity/median.ts. docs/REVIEW.md
library ScoreTally {
    /// @dev Words of eight u32. From 0: weights of 128 scores together; from `16 + 16·(score / 128)`: of each score.
    struct Tally {
        mapping(uint256 place => uint256) words;
    }

    uint16 internal constant SCORE_MAX = 10_000;
    uint256 private constant GROUP = 128;

    function add(Tally storage tally, uint256 score, uint256 weight) internal {
        tally.words[_groupWord(score / GROUP)] += weight << (32 * ((score / GROUP) % 8));
        tally.words[_scoreWord(score)] += weight << (32 * (score % 8));
    }

    /// @notice The least score at or below which half of `total` or more stands.
    function median(Tally storage tally, uint256 total) internal view returns (uint256 score) {
        uint256 left = (total + 1) / 2;
        uint256 group = 0;
        for (uint256 at; (at = _lane(tally.words[_groupWord(group)], group)) < left; group++) left -= at;
        score = group * GROUP;
        for (uint256 at; (at = _lane(tally.words[_scoreWord(score)], score)) < left; score++) left -= at;
    }

    /// @notice Weight of the scores from `low` to `high`, which may be above all scores.
    function between(Tally storage tally, uint256 low, uint256 high) internal view returns (uint256) {
        return _below(tally, high + 1) - _below(tally, low);
    }

    function _below(Tally storage tally, uint256 score) private view returns (uint256 weight) {
        uint256 group = score / GROUP;
        for (uint256 i = 0; i < group; i++) weight += _lane(tally.words[_groupWord(i)], i);
        for (uint256 i = group * GROUP; i < score; i++) weight += _lane(tally.words[_scoreWord(i)], i);
    }

    function _groupWord(uint256 group) private pure returns (uint256) {
        return group / 8;
    }

    function _scoreWord(uint256 score) private pure returns (uint256) {
        return 16 + 16 * (score / GROUP) + (score % GROUP) / 8;
    }

    function _lane(uint256 word, uint256 place) private pure returns (uint256) {
        return (word >> (32 * (place % 8))) & 0xffffffff;
    }
}
