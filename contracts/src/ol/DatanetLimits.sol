// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetStates } from "./DatanetStates.sol";
import { DatanetState } from "./DatanetTypes.sol";

/// @title DatanetLimits
/// @notice What may be contributed on a day (UTC), by an author to all Datanets and to one Datanet by all. A batch is one file.
///         Whoever adds up the sizes that contributions announce has the same counts. docs/DATANETS.md §3.
abstract contract DatanetLimits is DatanetStates {
    /// @dev Of an author.
    struct Usage {
        uint32 day;
        uint16 files;
        uint40 size;
    }

    struct Limits {
        uint40 authorBytes;
        uint40 datanetBytes;
        uint16 authorFiles;
        /// @dev Wei for each KiB that a version adds.
        uint96 publishPrice;
        bool isSet;
    }

    event LimitsSet(uint40 authorBytes, uint40 datanetBytes, uint16 authorFiles, uint96 publishPrice);

    error TooManyFiles(address author, uint256 limit);
    error AuthorBytesExceeded(address author, uint256 size, uint256 limit);
    error DatanetBytesExceeded(uint64 id, uint256 size, uint256 limit);
    error AboveLimit(uint256 value, uint256 largest);

    uint40 internal constant AUTHOR_BYTES = 10_000_000;
    uint40 internal constant DATANET_BYTES = 10_000_000;
    uint16 internal constant AUTHOR_FILES = 20;
    uint96 internal constant PUBLISH_PRICE = 1e14;
    /// @notice Governance sets no price above this for a KiB.
    uint96 internal constant PUBLISH_PRICE_MAX = 1 ether;

    Limits private _limits;
    mapping(address author => Usage) private _usage;

    /// @notice Sets the chain's limits and what publishing costs, from now on.
    function setLimits(uint40 authorBytes, uint40 datanetBytes, uint16 authorFiles, uint96 publishPrice)
        external
        only(Predeploys.TIMELOCK)
    {
        if (publishPrice > PUBLISH_PRICE_MAX) revert AboveLimit(publishPrice, PUBLISH_PRICE_MAX);
        _limits = Limits(authorBytes, datanetBytes, authorFiles, publishPrice, true);
        emit LimitsSet(authorBytes, datanetBytes, authorFiles, publishPrice);
    }

    function limits() public view returns (Limits memory) {
        return _limits.isSet
            ? _limits
            : Limits(AUTHOR_BYTES, DATANET_BYTES, AUTHOR_FILES, PUBLISH_PRICE, false);
    }

    /// @notice What an author contributed today.
    function usageOf(address author) external view returns (Usage memory usage) {
        usage = _usage[author];
        if (usage.day != _today()) (usage.day, usage.files, usage.size) = (_today(), 0, 0);
    }

    /// @notice Bytes that were contributed to a Datanet today.
    function datanetBytesToday(uint64 id) external view returns (uint256) {
        DatanetState storage datanet = _known(id);
        return datanet.day == _today() ? datanet.dayBytes : 0;
    }

    /// @dev Counts a file of `size` bytes.
    function _count(address author, uint64 id, uint256 size) internal {
        Limits memory limit = limits();
        Usage memory usage = _usage[author];
        uint32 today = _today();
        if (usage.day != today) (usage.day, usage.files, usage.size) = (today, 0, 0);
        if (usage.files >= limit.authorFiles) revert TooManyFiles(author, limit.authorFiles);
        uint256 ofAuthor = usage.size + size;
        if (ofAuthor > limit.authorBytes) revert AuthorBytesExceeded(author, ofAuthor, limit.authorBytes);
        usage.files++;
        usage.size = uint40(ofAuthor);
        _usage[author] = usage;
        DatanetState storage datanet = _datanets[id];
        uint256 ofDatanet = (datanet.day == today ? datanet.dayBytes : 0) + size;
        uint256 most = datanet.dailyBytes == 0 || datanet.dailyBytes > limit.datanetBytes
            ? limit.datanetBytes
            : datanet.dailyBytes;
        if (ofDatanet > most) revert DatanetBytesExceeded(id, ofDatanet, most);
        (datanet.day, datanet.dayBytes) = (today, uint40(ofDatanet));
    }

    function _today() private view returns (uint32) {
        return uint32(block.timestamp / 1 days);
    }
}
