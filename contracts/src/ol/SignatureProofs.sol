// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Chunks, Run } from "../lib/Chunks.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { Signatures } from "../lib/Signatures.sol";
import { Contribution, DatanetKeys, Decision, IDatanets, ItemRecord } from "./interfaces/IDatanets.sol";
import { IItemRewards } from "./interfaces/IItemRewards.sol";

interface IRefutes {
    function refute(uint64 contribId, uint64 original, address challenger) external returns (uint256 slashed);
    function day() external view returns (uint64);
}

interface IMinHashSim {
    function similarity(bytes calldata a, bytes calldata b) external pure returns (uint16 bps);
}

/// @dev A contribution, its record as it was committed and the MinHash signature that the record names.
struct SignedItem {
    uint64 id;
    ItemRecord record;
    bytes32[] siblings;
    bytes signature;
}

/// @title SignatureProofs
/// @notice What anybody can show of committed MinHash signatures in one transaction: that a contribution is as similar to an
///         earlier one of its Datanet as the Datanet does not allow, that a signature is not the content's, and that nobody
///         knows what was committed to. DatanetReview acts on what is shown here. What is shown is rewarded at the DatanetJudge,
///         where one may commit to it before. Predeploy 0x4f4c…0045. docs/REVIEW.md
///
/// `balance = pricesHeld + owed`, with equality unless someone forces wei in.
contract SignatureProofs {
    /// @dev Who wants to see a signature, and until when it may be shown.
    struct Demand {
        address asker;
        uint64 until;
    }

    event SignatureDemanded(uint64 indexed contribId, address indexed asker, uint64 until);
    event SignatureShown(uint64 indexed contribId, address indexed by, bytes signature);
    event SignatureWithheld(uint64 indexed contribId, address indexed asker, uint256 slashed);
    event OwedClaimed(address indexed account, address to, uint256 amount);
    event NearDuplicateProven(
        uint64 indexed contribId, uint64 indexed original, address indexed challenger, uint16 bps, uint256 slashed
    );
    event SignatureProvenFalse(uint64 indexed contribId, address indexed challenger, uint256 slashed);

    /// @notice Its Datanet takes texts of any similarity.
    error NoSimilarityLimit(uint64 datanet);
    error NotSimilar(uint16 bps, uint256 limit);
    error NotEarlier(uint64 original, uint64 contribId);
    error OtherDatanet(uint64 original, uint64 contribId);
    /// @notice Only what was accepted is an original, and only what is not yet refused is refused by it.
    error BadStanding(uint64 contribId, Decision decision);
    error WrongSignature(uint64 contribId);
    /// @notice The committed signature is what it should be, as far as was shown.
    error SignatureRight(uint64 contribId);
    error ContentTooLong(uint256 bytes_);
    /// @notice Not the whole content was shown, or it ends with a whole chunk and more may follow.
    error NotWhole();

    error WrongValue(uint256 expected, uint256 actual);
    error AlreadyDemanded(uint64 contribId);
    error AlreadyShown(uint64 contribId);
    error NotDemanded(uint64 contribId);
    error TooEarly(uint64 from);
    error NothingOwed(address account);
    error ZeroAddress();
    error TransferFailed(address to, uint256 amount);

    /// @notice Wei that a demand costs, paid to whoever shows the signature.
    uint256 public constant DEMAND_PRICE = 0.05 ether;
    /// @notice Days to show it.
    uint64 public constant DEMAND_DAYS = 7;
    /// @notice Bytes of the longest content whose signature is computed here.
    uint256 public constant WHOLE_BYTES_MAX = 4_096;
    uint256 private constant CONTENT_CHUNK = 1_024;
    IMinHashSim private constant SIMILARITY = IMinHashSim(0x4f4C000000000000000000000000000000000017);
    IRefutes private constant REVIEW = IRefutes(Predeploys.DATANET_REVIEW);
    IDatanets private constant REGISTRY = IDatanets(Predeploys.DATANET_REGISTRY);
    IItemRewards private constant REWARDS = IItemRewards(Predeploys.DATANET_JUDGE);

    /// @notice Wei of demands that are open.
    uint256 public pricesHeld;
    uint256 public owed;
    mapping(address account => uint256) public owedTo;
    mapping(uint64 contribId => Demand) public demands;
    /// @notice Whether a contribution's signature was shown on demand; the event has it.
    mapping(uint64 contribId => bool) public isShown;

    /// @notice Demands to see the signature that a contribution committed to, where its Datanet has a limit of similarity. Anybody
    ///         who has the signature or the content can show it.
    function demandSignature(uint64 contribId) external payable {
        if (msg.value != DEMAND_PRICE) revert WrongValue(DEMAND_PRICE, msg.value);
        if (isShown[contribId]) revert AlreadyShown(contribId);
        if (demands[contribId].until != 0) revert AlreadyDemanded(contribId);
        _limitOf(_refutable(contribId).datanet);
        uint64 until = uint64(block.timestamp) + DEMAND_DAYS * REVIEW.day();
        demands[contribId] = Demand(msg.sender, until);
        pricesHeld += msg.value;
        emit SignatureDemanded(contribId, msg.sender, until);
    }

    /// @notice Answers a demand, also late, and earns its price.
    function showSignature(SignedItem calldata item) external {
        if (demands[item.id].until == 0) revert NotDemanded(item.id);
        _requireSigned(item);
        isShown[item.id] = true;
        _end(item.id);
        emit SignatureShown(item.id, msg.sender, item.signature);
        REWARDS.awardShown{ value: DEMAND_PRICE }(item.id, msg.sender);
    }

    /// @notice Refuses a contribution whose signature nobody showed in time: it committed to none that anybody knows.
    function proveWithheld(uint64 contribId) external returns (uint256 slashed) {
        Demand memory demand = demands[contribId];
        if (demand.until == 0) revert NotDemanded(contribId);
        if (block.timestamp < demand.until) revert TooEarly(demand.until);
        _end(contribId);
        owed += DEMAND_PRICE;
        owedTo[demand.asker] += DEMAND_PRICE;
        Contribution memory item = REGISTRY.contribution(contribId);
        if (_isLive(item)) slashed = REVIEW.refute(contribId, 0, demand.asker);
        emit SignatureWithheld(contribId, demand.asker, slashed);
    }

    /// @notice Sends all that is owed to the caller to `to`.
    function claimOwed(address to) external returns (uint256 amount) {
        if (to == address(0)) revert ZeroAddress();
        amount = owedTo[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        owedTo[msg.sender] = 0;
        owed -= amount;
        emit OwedClaimed(msg.sender, to, amount);
        (bool ok,) = to.call{ value: amount }("");
        if (!ok) revert TransferFailed(to, amount);
    }

    /// @notice Refuses a contribution that is too similar to an earlier, accepted one of the same Datanet: its bond is slashed,
    ///         half to the caller, and its income goes to the original from the notice on.
    function proveNearDuplicate(SignedItem calldata copy, SignedItem calldata original)
        external
        returns (uint256 slashed)
    {
        if (original.id >= copy.id) revert NotEarlier(original.id, copy.id);
        Contribution memory item = _refutable(copy.id);
        Contribution memory first = REGISTRY.contribution(original.id);
        if (first.datanet != item.datanet) revert OtherDatanet(original.id, copy.id);
        if (first.decision != Decision.Accepted) revert BadStanding(original.id, first.decision);
        uint256 limit = _limitOf(item.datanet);
        _requireSigned(copy);
        _requireSigned(original);
        uint16 bps = SIMILARITY.similarity(copy.signature, original.signature);
        if (bps < limit) revert NotSimilar(bps, limit);
        slashed = _refute(copy.id, original.id);
        emit NearDuplicateProven(copy.id, original.id, msg.sender, bps, slashed);
    }

    /// @notice Refuses a contribution whose signature hides a shingle of its content: three ASCII terms at a place of opened
    ///         chunks give one entry a smaller value than the signature has.
    /// @param total bytes of the content, as far as its tree has leaves
    /// @param place where the first term begins, in the opened bytes
    function proveHiddenShingle(SignedItem calldata item, uint256 total, Run calldata run, uint256 place)
        external
        returns (uint256)
    {
        _requireSigned(item);
        Chunks.open(item.record.contentHash, total, CONTENT_CHUNK, run);
        bool atEnd = run.data.length % CONTENT_CHUNK != 0;
        (uint256 entry, uint256 value) = Signatures.firstValue(run.data, place, run.first == 0, atEnd);
        if (Signatures.entryOf(item.signature, entry) <= value) revert SignatureRight(item.id);
        return _refuteSignature(item.id);
    }

    /// @notice Refuses a contribution whose signature is not that of its content, which is shown whole: ASCII of at most
    ///         `WHOLE_BYTES_MAX`.
    function proveFalseSignature(SignedItem calldata item, Run calldata run) external returns (uint256) {
        uint256 total = run.data.length;
        if (total > WHOLE_BYTES_MAX) revert ContentTooLong(total);
        if (run.first != 0 || total % CONTENT_CHUNK == 0) revert NotWhole();
        _requireSigned(item);
        Chunks.open(item.record.contentHash, total, CONTENT_CHUNK, run);
        if (keccak256(Signatures.signatureOf(run.data)) == keccak256(item.signature)) revert SignatureRight(item.id);
        return _refuteSignature(item.id);
    }

    function _refuteSignature(uint64 contribId) private returns (uint256 slashed) {
        _refutable(contribId);
        slashed = _refute(contribId, 0);
        emit SignatureProvenFalse(contribId, msg.sender, slashed);
    }

    function _refutable(uint64 contribId) private view returns (Contribution memory item) {
        item = REGISTRY.contribution(contribId);
        if (!_isLive(item)) revert BadStanding(contribId, item.decision);
    }

    function _limitOf(uint64 datanet) private view returns (uint256 limit) {
        limit = REGISTRY.parameter(datanet, DatanetKeys.NEAR_DUPLICATE);
        if (limit == 0) revert NoSimilarityLimit(datanet);
    }

    function _isLive(Contribution memory item) private pure returns (bool) {
        return item.decision == Decision.Pending || item.decision == Decision.Accepted
            || item.decision == Decision.Withdrawn;
    }

    /// @dev Ends a demand, whose price goes on to another.
    function _end(uint64 contribId) private {
        delete demands[contribId];
        pricesHeld -= DEMAND_PRICE;
    }

    /// @dev Half of the bond to whoever called, or committed to it before.
    function _refute(uint64 contribId, uint64 original) private returns (uint256 slashed) {
        slashed = REVIEW.refute(contribId, original, address(REWARDS));
        REWARDS.awardSlashed(contribId, msg.sender);
    }

    function _requireSigned(SignedItem calldata item) private view {
        REGISTRY.requireRecord(item.id, item.record, item.siblings);
        if (item.signature.length != Signatures.BYTES || Signatures.hashOf(item.signature) != item.record.simHash) {
            revert WrongSignature(item.id);
        }
    }
}
