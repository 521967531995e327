// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Address } from "@openzeppelin/contracts/utils/Address.sol";
import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Run } from "../lib/Chunks.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { SoundVersions } from "../lib/SoundVersions.sol";
import { SpanCount, TextIndex, TextIndexes } from "../lib/TextIndexes.sol";
import { EvidenceRewards } from "./EvidenceRewards.sol";
import { IndexJudge } from "./IndexJudge.sol";
import { IIndexRegistry } from "./interfaces/IIndexRegistry.sol";
import { ShownBytes, ShownDocument, ShownToken, TextJudge } from "./TextJudge.sol";
import { OpenBurner } from "./OpenBurner.sol";

/// @title IndexRegistry
/// @notice Suffix indexes of Datanet versions, each published with a bond that answers for it. Predeploy 0x4f4c…0028.
///
/// Whoever shows that an index is not what it says gets half of its bond, the other half is burned, and the index is false:
/// it counts for nothing from the next multiple of a day on. What was committed before stays judged by it as it was. A
/// retired index counts for nothing `NOTICE` later, when every price set before has run out; its bond is free once all
/// receipts committed until then are final.
///
/// An id is its content, so nobody may use it up: whoever publishes a retired index again takes it over. Within the notice
/// it never stops counting; later it counts again from the next multiple of a day on, and what was committed while it was
/// dead stays judged by that. The new bond alone answers from then on. A false index never comes back.
contract IndexRegistry is IIndexRegistry, Initializable, EvidenceRewards, IndexJudge, TextJudge {
    struct Index {
        address publisher;
        uint64 publishedAt;
        /// @dev Of `datanet`.
        uint32 version;
        /// @dev From when on it counts for nothing; zero where that is not known to come.
        uint64 deadFrom;
        bool isFalse;
        uint128 bond;
        /// @dev How often it was dead and came back.
        uint32 lapses;
        uint64 datanet;
    }

    /// @dev It counted for nothing from `from` on, until before `until`.
    struct Lapse {
        uint64 from;
        uint64 until;
    }

    /// @dev Bonds of one publisher of an index that others took over; free at `freeFrom`.
    struct FormerBond {
        uint128 amount;
        uint64 freeFrom;
    }

    event IndexPublished(bytes32 indexed id, uint64 indexed datanet, address indexed publisher, TextIndex index, uint256 bond);
    event IndexRetired(bytes32 indexed id, uint64 deadFrom);
    /// @param countsFrom when it counts again; the time of the event where it never stopped
    event IndexTakenOver(bytes32 indexed id, address indexed publisher, address indexed former, uint64 countsFrom, uint256 bond);
    /// @dev The bond of a publisher whose index was taken over: what of it is kept in all, and from when on it is free.
    event IndexBondKept(bytes32 indexed id, address indexed publisher, uint256 amount, uint64 freeFrom);
    event IndexBondReturned(bytes32 indexed id, address indexed publisher, address to, uint256 amount);
    /// @param reason selector of the challenge
    event IndexProvenFalse(bytes32 indexed id, bytes4 reason, uint64 deadFrom, bytes32 subject, uint256 reward);

    error WrongBond(uint256 expected, uint256 actual);
    error AlreadyPublished(bytes32 id);
    error UnknownVersion(uint64 datanet, uint32 version);
    /// @notice The texts of a permissioned Datanet stand in no index: whoever has one can read them.
    error Permissioned(uint64 datanet);
    error BadCounts(uint32 documents, uint32 n, uint32 vocab);
    error UnknownIndex(bytes32 id);
    error NotPublisher(bytes32 id);
    error AlreadyRetired(bytes32 id);
    error AlreadyFalse(bytes32 id);
    error BondLocked(bytes32 id, uint256 until);
    error NoBond(bytes32 id);

    /// @notice What answers for an index, in wei.
    uint256 public constant BOND = 100 ether;
    /// @notice Seconds until a retired index counts for nothing: no price lasts longer.
    uint64 public constant NOTICE = 30 days;
    /// @notice An index that is proven false counts for nothing from a multiple of so many seconds on, and one that comes back
    ///         counts from one on.
    uint64 public constant DAY = 1 days;

    /// @notice Tokens of a vocabulary at most: no tokenizer has more.
    uint32 public constant VOCAB_MAX = 1 << 18;

    /// @notice Seconds of a receipt's challenge window.
    uint64 public window;
    mapping(bytes32 id => Index) private _indexes;
    /// @dev In their order; as many as the index says.
    mapping(bytes32 id => mapping(uint256 number => Lapse)) private _lapses;
    mapping(bytes32 id => mapping(address publisher => FormerBond)) private _formerBonds;

    constructor() {
        _disableInitializers();
    }

    function initialize(uint64 window_) external initializer {
        window = window_;
    }

    /// @notice Publishes an index of a Datanet version, or takes a retired one over; the value is its bond.
    function publish(TextIndex calldata index) external payable returns (bytes32 id) {
        if (msg.value != BOND) revert WrongBond(BOND, msg.value);
        if (_itemsRoot(index) == bytes32(0)) revert UnknownVersion(index.datanet, index.version);
        if (_isPermissioned(index.datanet)) revert Permissioned(index.datanet);
        SoundVersions.requireSound(index.datanet, index.version);
        bool counted = index.documents > 0 && index.documents < index.n && index.n < TextIndexes.SEPARATOR
            && index.vocab > 0 && index.vocab <= VOCAB_MAX;
        if (!counted) revert BadCounts(index.documents, index.n, index.vocab);
        id = TextIndexes.idOf(index);
        if (_indexes[id].publisher != address(0)) {
            _takeOver(id);
            return id;
        }
        _indexes[id] = Index({
            publisher: msg.sender,
            publishedAt: uint64(block.timestamp),
            version: index.version,
            deadFrom: 0,
            isFalse: false,
            bond: uint128(msg.value),
            lapses: 0,
            datanet: index.datanet
        });
        emit IndexPublished(id, index.datanet, msg.sender, index, msg.value);
    }

    /// @notice Announces that the index counts for nothing after the notice, unless somebody takes it over.
    function retire(bytes32 id) external {
        Index storage index = _published(id);
        if (index.publisher != msg.sender) revert NotPublisher(id);
        if (index.deadFrom != 0) revert AlreadyRetired(id);
        index.deadFrom = uint64(block.timestamp) + NOTICE;
        emit IndexRetired(id, index.deadFrom);
    }

    /// @notice Sends the caller's bond of a retired index to where the caller wants it: two windows after the end of its
    ///         notice, so that every receipt that it decided is final. A bond of an index that was taken over comes first.
    function returnBond(bytes32 id, address payable to) external {
        Index storage index = _published(id);
        FormerBond memory former = _formerBonds[id][msg.sender];
        uint256 bond = former.amount;
        if (bond > 0) {
            _requireFree(id, former.freeFrom);
            delete _formerBonds[id][msg.sender];
        } else {
            if (index.publisher != msg.sender) revert NotPublisher(id);
            _requireFree(id, _freeFrom(index));
            bond = index.bond;
            if (bond == 0) revert NoBond(id);
            index.bond = 0;
        }
        emit IndexBondReturned(id, msg.sender, to, bond);
        Address.sendValue(to, bond);
    }

    // --- Challenges; see IndexJudge ---

    function badOrder(TextIndex calldata index, uint256 i, Run calldata suffixes, Run calldata at, Run calldata next)
        external
    {
        _requireBadOrder(index, i, suffixes, at, next);
        _proveFalse(index);
    }

    function badSuffix(TextIndex calldata index, uint256 i, Run calldata suffixes) external {
        _requireBadEntry(index, i, suffixes);
        _proveFalse(index);
    }

    function equalSuffixes(TextIndex calldata index, uint256 i, uint256 j, Run calldata one, Run calldata other)
        external
    {
        _requireEqualEntries(index, i, j, one, other);
        _proveFalse(index);
    }

    function badSeparators(TextIndex calldata index, bool last, Run calldata suffixes, Run calldata tokens) external {
        _requireBadSeparators(index, last, suffixes, tokens);
        _proveFalse(index);
    }

    function badDocument(TextIndex calldata index, uint256 d, Run calldata documents, Run calldata tokens) external {
        _requireBadDocument(index, d, documents, tokens);
        _proveFalse(index);
    }

    function badItem(
        TextIndex calldata index,
        uint32 d,
        Run calldata documents,
        uint64 contribution,
        bytes32 contentHash,
        bytes32[] calldata siblings
    ) external {
        _requireBadItem(index, d, documents, contribution, contentHash, siblings);
        _proveFalse(index);
    }

    function otherItems(
        TextIndex calldata index,
        uint32 d,
        uint64 contribution,
        bytes32 contentHash,
        bytes32[] calldata siblings
    ) external {
        _requireOtherItems(index, d, contribution, contentHash, siblings);
        _proveFalse(index);
    }

    function noItem(TextIndex calldata index, uint32 d, bytes32[] calldata siblings) external {
        _requireNoItem(index, d, siblings);
        _proveFalse(index);
    }

    function badToken(TextIndex calldata index, uint256 i, Run calldata tokens) external {
        _requireBadToken(index, i, tokens);
        _proveFalse(index);
    }

    function badUnigram(
        TextIndex calldata index,
        uint32 token,
        Run calldata unigrams,
        SpanCount calldata shown
    ) external {
        _requireBadUnigram(index, token, unigrams, shown);
        _proveFalse(index);
    }

    // --- Challenges to the text; see TextJudge ---

    function badVocab(TextIndex calldata index, uint256 tokenizerBytes, Run[] calldata tokenizer) external {
        _requireBadVocab(index, tokenizerBytes, tokenizer);
        _proveFalse(index);
    }

    function badOffset(TextIndex calldata index, ShownToken calldata shown) external {
        _requireBadOffset(index, shown);
        _proveFalse(index);
    }

    function badStart(TextIndex calldata index, uint32 document, Run calldata documents, Run calldata offsets)
        external
    {
        _requireBadStart(index, document, documents, offsets);
        _proveFalse(index);
    }

    function badBytes(
        TextIndex calldata index,
        ShownToken calldata shown,
        ShownDocument calldata document,
        ShownBytes calldata content
    ) external {
        _requireBadBytes(index, shown, document, content);
        _proveFalse(index);
    }

    function badLength(
        TextIndex calldata index,
        uint256 place,
        Run calldata tokens,
        Run calldata offsets,
        ShownDocument calldata document,
        ShownBytes calldata content
    ) external {
        _requireBadLength(index, place, tokens, offsets, document, content);
        _proveFalse(index);
    }

    // --- Views ---

    function indexOf(bytes32 id) external view returns (Index memory) {
        return _indexes[id];
    }

    /// @inheritdoc IIndexRegistry
    function isLive(bytes32 id) external view returns (bool) {
        return _indexes[id].publisher != address(0) && _indexes[id].deadFrom == 0;
    }

    /// @inheritdoc IIndexRegistry
    function isDeadAt(bytes32 id, uint64 time) external view returns (bool) {
        Index storage index = _indexes[id];
        if (index.deadFrom != 0 && index.deadFrom <= time) return true;
        for (uint256 i = index.lapses; i > 0; i--) {
            Lapse storage lapse = _lapses[id][i - 1];
            if (lapse.from <= time) return time < lapse.until;
        }
        return false;
    }

    /// @notice When it was dead and came back, by `number` from 0 on; zeros where it did not.
    function lapseOf(bytes32 id, uint256 number) external view returns (Lapse memory) {
        return _lapses[id][number];
    }

    /// @notice What is kept of a publisher's bonds of an index that others took over.
    function formerBondOf(bytes32 id, address publisher) external view returns (FormerBond memory) {
        return _formerBonds[id][publisher];
    }

    /// @inheritdoc IIndexRegistry
    function versionOf(bytes32 id) external view returns (uint64 datanet, uint32 version) {
        return (_indexes[id].datanet, _indexes[id].version);
    }

    // --- Internals ---

    /// @dev The caller's bond answers for it from now on, the former one waits for its time. What was is left as it was.
    function _takeOver(bytes32 id) private {
        Index storage index = _indexes[id];
        if (index.isFalse) revert AlreadyFalse(id);
        if (index.deadFrom == 0) revert AlreadyPublished(id);
        address former = index.publisher;
        if (index.bond > 0) {
            FormerBond storage kept = _formerBonds[id][former];
            (kept.amount, kept.freeFrom) = (kept.amount + index.bond, uint64(_freeFrom(index)));
            emit IndexBondKept(id, former, kept.amount, kept.freeFrom);
        }
        uint64 countsFrom = uint64(block.timestamp);
        if (index.deadFrom <= block.timestamp) {
            countsFrom = _nextDay();
            _lapses[id][index.lapses++] = Lapse(index.deadFrom, countsFrom);
        }
        (index.publisher, index.publishedAt) = (msg.sender, uint64(block.timestamp));
        (index.deadFrom, index.bond) = (0, uint128(msg.value));
        emit IndexTakenOver(id, msg.sender, former, countsFrom, msg.value);
    }

    /// @dev When the bond of its publisher is free.
    function _freeFrom(Index storage index) private view returns (uint256) {
        return index.deadFrom == 0 ? type(uint256).max : uint256(index.deadFrom) + 2 * window;
    }

    function _requireFree(bytes32 id, uint256 from) private view {
        if (block.timestamp < from) revert BondLocked(id, from);
    }

    function _nextDay() private view returns (uint64) {
        return (uint64(block.timestamp) / DAY + 1) * DAY;
    }

    /// @dev A bond that was returned rewards nobody; the index is false all the same.
    function _proveFalse(TextIndex calldata record) private {
        bytes32 id = TextIndexes.idOf(record);
        Index storage index = _published(id);
        if (index.isFalse) revert AlreadyFalse(id);
        uint64 from = _nextDay();
        if (index.deadFrom == 0 || from < index.deadFrom) index.deadFrom = from;
        uint256 bond = index.bond;
        uint256 reward = bond / 2;
        (index.isFalse, index.bond) = (true, 0);
        bytes32 subject = subjectOf(Scope.Index, id, 0);
        _award(subject, reward);
        emit IndexProvenFalse(id, msg.sig, index.deadFrom, subject, reward);
        if (bond > reward) OpenBurner(Predeploys.OPEN_BURNER).burn{ value: bond - reward }();
    }

    function _published(bytes32 id) private view returns (Index storage index) {
        index = _indexes[id];
        if (index.publisher == address(0)) revert UnknownIndex(id);
    }
}
