// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";
import { UnitHolders } from "./UnitHolders.sol";

/// @title UnitIncome
/// @notice What a Datanet's units are owed of its income: each part of it to who held when it was earned. The wei stand in
///         the RoyaltyVault, the account of them here.
///
/// Income of epochs and other income come in two streams, for an epoch's counts at a time long past and the times of either
/// only grow. All is kept in 1/2^64 wei and nothing is rounded away: of every Datanet
/// `funded · 2^64 = rest + Σ (owed + units · what they were not credited yet) + paid · 2^64`.
abstract contract UnitIncome is UnitHolders {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    struct Book {
        /// @dev What came for a time at which nobody held units, and the remainder of the last division.
        uint256 restQ64;
        uint128 funded;
        uint128 paid;
    }

    struct Account {
        uint256 owedQ64;
        /// @dev What one unit had been owed of either stream when the holder was credited last.
        uint208 ofEpochs;
        uint208 ofOthers;
        /// @dev Lots before this one were credited in full.
        uint32 lots;
    }

    /// @dev `accQ64`: what one unit was owed of its stream since the beginning; unchanged where nobody held units.
    event IncomeCredited(
        uint64 indexed datanet, uint64 indexed epoch, uint64 time, uint256 amount, uint256 units, uint256 accQ64
    );
    event IncomeTaken(uint64 indexed datanet, address indexed holder, uint256 amount);

    /// @notice So many times at which a holder's units changed are looked through in a claim; `settle` looks further.
    uint256 public constant STEPS_PER_CLAIM = 64;
    /// @notice So many lots are.
    uint256 public constant LOTS_PER_CLAIM = 16;

    mapping(uint64 datanet => Book) public books;
    /// @dev What one unit was owed since the beginning, by the time for which it counts.
    mapping(uint64 datanet => Checkpoints.Trace208) private _ofEpochs;
    mapping(uint64 datanet => Checkpoints.Trace208) private _ofOthers;
    mapping(uint64 datanet => mapping(address holder => Account)) private _accounts;

    /// @notice Credits a holder what it is owed of at most `steps` spans of time, and of the lots from `lot` on; anyone may.
    function settle(uint64 datanet, address holder, uint256 steps, uint256 lot) external {
        Account memory account = _accounts[datanet][holder];
        _creditUnits(account, datanet, holder, steps);
        _accounts[datanet][holder] = account;
        _creditLots(datanet, holder, lot, steps);
    }

    /// @inheritdoc IDatanetUnits
    function claimable(uint64 datanet, address holder) external view returns (uint256) {
        Account memory account = _accounts[datanet][holder];
        _creditUnits(account, datanet, holder, type(uint256).max);
        uint256 owed = account.owedQ64;
        Lot[] storage lots = _lots[datanet][holder];
        for (uint256 i = account.lots; i < lots.length; i++) owed += _lotIncome(datanet, lots[i]) - lots[i].creditedQ64;
        return owed >> 64;
    }

    /// @notice What a holder was credited so far, in 1/2^64 wei.
    function accountOf(uint64 datanet, address holder) external view returns (Account memory) {
        return _accounts[datanet][holder];
    }

    /// @notice What one unit was owed of the income of epochs, or of other income, that counts at or before a time.
    function accAt(uint64 datanet, bool ofEpochs, uint48 time) external view returns (uint256) {
        return (ofEpochs ? _ofEpochs[datanet] : _ofOthers[datanet]).upperLookup(time);
    }

    function _credit(uint64 datanet, uint256 amount, uint64 epoch, uint64 time) internal returns (uint256 acc) {
        Checkpoints.Trace208 storage stream = epoch > 0 ? _ofEpochs[datanet] : _ofOthers[datanet];
        Book storage book = books[datanet];
        book.funded += amount.toUint128();
        acc = stream.latest();
        uint256 total = book.restQ64 + (amount << 64);
        uint256 units = unitsTotalAt(datanet, time);
        if (units > 0) {
            acc += total / units;
            total %= units;
            stream.push(uint48(time), acc.toUint208());
        }
        book.restQ64 = total;
        emit IncomeCredited(datanet, epoch, time, amount, units, acc);
    }

    /// @dev Takes the whole wei that a holder is owed; the fraction stays owed.
    function _take(uint64 datanet, address holder) internal returns (uint256 amount) {
        _creditLots(datanet, holder, 0, LOTS_PER_CLAIM);
        Account memory account = _accounts[datanet][holder];
        _creditUnits(account, datanet, holder, STEPS_PER_CLAIM);
        amount = account.owedQ64 >> 64;
        account.owedQ64 -= amount << 64;
        _accounts[datanet][holder] = account;
        books[datanet].paid += uint128(amount);
        emit IncomeTaken(datanet, holder, amount);
    }

    function _creditUnits(Account memory account, uint64 datanet, address holder, uint256 steps) private view {
        uint256 owed;
        (owed, account.ofEpochs, steps) = _creditStream(_ofEpochs[datanet], account.ofEpochs, datanet, holder, steps);
        account.owedQ64 += owed;
        (owed, account.ofOthers,) = _creditStream(_ofOthers[datanet], account.ofOthers, datanet, holder, steps);
        account.owedQ64 += owed;
    }

    /// @dev One step is a span of time in which the holder had the same units, and something came: neither small payments nor
    ///      small gifts of units alone make a claim long.
    function _creditStream(
        Checkpoints.Trace208 storage stream,
        uint208 credited,
        uint64 datanet,
        address holder,
        uint256 steps
    ) private view returns (uint256 owed, uint208 through, uint256 left) {
        (, uint48 last, uint208 acc) = stream.latestCheckpoint();
        through = credited;
        for (left = steps; left > 0 && through < acc; left--) {
            (uint256 units, uint48 end) = _heldThrough(datanet, holder, _nextIncome(stream, through), last);
            uint208 next = end == last ? acc : stream.upperLookup(end);
            owed += units * (next - through);
            through = next;
        }
    }

    /// @dev The earliest time of income that was not credited yet, of which there is some.
    function _nextIncome(Checkpoints.Trace208 storage stream, uint208 credited) private view returns (uint48) {
        uint32 low = 0;
        uint32 high = uint32(stream.length());
        while (low < high) {
            uint32 middle = (low + high) / 2;
            if (stream.at(middle)._value <= credited) low = middle + 1;
            else high = middle;
        }
        return stream.at(low)._key;
    }

    function _creditLots(uint64 datanet, address holder, uint256 first, uint256 most) private {
        Account storage account = _accounts[datanet][holder];
        Lot[] storage lots = _lots[datanet][holder];
        if (first < account.lots) first = account.lots;
        uint256 owed;
        for (uint256 i = first; i < lots.length && i - first < most; i++) {
            Lot storage lot = lots[i];
            uint256 income = _lotIncome(datanet, lot);
            owed += income - lot.creditedQ64;
            lot.creditedQ64 = income;
            if (i == account.lots && _isOver(datanet, lot.until)) account.lots++;
        }
        account.owedQ64 += owed;
    }

    /// @dev All that came for a lot's time so far.
    function _lotIncome(uint64 datanet, Lot storage lot) private view returns (uint256) {
        (uint48 from, uint48 until) = (lot.from, lot.until);
        return lot.units * (_between(_ofEpochs[datanet], from, until) + _between(_ofOthers[datanet], from, until));
    }

    function _between(Checkpoints.Trace208 storage stream, uint48 from, uint48 until) private view returns (uint256) {
        return stream.upperLookup(until - 1) - stream.upperLookup(from - 1);
    }

    /// @dev Whether nothing can come any more for a time before `until`.
    function _isOver(uint64 datanet, uint48 until) private view returns (bool) {
        (, uint48 epochs,) = _ofEpochs[datanet].latestCheckpoint();
        (, uint48 others,) = _ofOthers[datanet].latestCheckpoint();
        return epochs >= until && others >= until;
    }
}
