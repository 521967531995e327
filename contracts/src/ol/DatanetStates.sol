// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { DatanetState } from "./DatanetTypes.sol";
import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";
import { DatanetRecord } from "./interfaces/IDatanetVersions.sol";
import { Admission, DatanetKeys, DatanetStatus, IDatanets } from "./interfaces/IDatanets.sol";
import { ILicencePolicy } from "./interfaces/ILicencePolicy.sol";

/// @title DatanetStates
/// @notice Datanets, their ways from draft to archive, and their parameters. docs/DATANETS.md §1, §7.
abstract contract DatanetStates is IDatanets, IDatanetPayouts {
    event DatanetCreated(
        uint64 indexed id, address indexed owner, uint8 mediaType, uint8 visibility, bytes32 licenceId, bytes32 metaHash
    );
    event DatanetMeta(uint64 indexed id, bytes32 metaHash);
    event DatanetStatusSet(uint64 indexed id, DatanetStatus status);
    event DatanetParameter(uint64 indexed id, uint8 indexed key, uint256 value);
    event DatanetGoverned(uint64 indexed id);

    error UnknownDatanet(uint64 id);
    error NotOwner(uint64 id);
    error Governed(uint64 id);
    error BadMediaType(uint8 mediaType);
    error BadVisibility(uint8 visibility);
    error BadTransition(DatanetStatus from, DatanetStatus to);
    error UnknownKey(uint8 key);
    error BadParameter(uint8 key, uint256 value);
    error NotAllowed(address caller);

    /// @notice 0 text, 1 image, 2 audio, 3 structured; fixed at creation.
    uint8 internal constant MEDIA_TYPES = 4;
    /// @notice 0 public, 1 permissioned.
    uint8 internal constant VISIBILITIES = 2;
    uint24 internal constant VETO_WINDOW_MAX = 30 days;
    /// @notice Seconds in which the owner may veto, where the Datanet sets no other.
    uint24 internal constant VETO_WINDOW = 1 days;
    uint256 private constant BPS = 10_000;

    uint64 public datanetCount;
    uint64 public contributionCount;
    uint128 public bondsLocked;
    uint256 public refundsOwed;

    mapping(uint64 id => DatanetState) internal _datanets;
    /// @dev Bonds by number of terms.
    mapping(uint64 id => mapping(uint16 terms => uint256)) internal _bonds;
    mapping(uint64 id => uint256 bps) private _labelShares;

    modifier only(address caller) {
        _requireCaller(caller);
        _;
    }

    /// @notice Creates a Datanet in status Draft, where only its owner may contribute.
    /// @param licenceId SPDX identifier in ASCII, left-aligned; longer identifiers by their SHA-256. LicencePolicy knows it.
    /// @param policy Hash of the access policy document; zero where there is none.
    /// @param metaHash Content hash of the metadata document (name, summary, description, tags).
    function create(
        uint8 mediaType,
        uint8 visibility,
        bytes32 licenceId,
        bytes32 policy,
        uint256 bondPerItem,
        bytes32 metaHash
    ) external returns (uint64 id) {
        if (mediaType >= MEDIA_TYPES) revert BadMediaType(mediaType);
        if (visibility >= VISIBILITIES) revert BadVisibility(visibility);
        ILicencePolicy(Predeploys.LICENCE_POLICY).termsOf(licenceId);
        id = ++datanetCount;
        DatanetState storage datanet = _datanets[id];
        datanet.owner = msg.sender;
        datanet.mediaType = mediaType;
        datanet.visibility = visibility;
        datanet.status = DatanetStatus.Draft;
        datanet.vetoWindow = VETO_WINDOW;
        datanet.licenceId = licenceId;
        datanet.policy = policy;
        datanet.metaHash = metaHash;
        _setBond(id, bondPerItem);
        emit DatanetCreated(id, msg.sender, mediaType, visibility, licenceId, metaHash);
        if (bondPerItem != 0) emit DatanetParameter(id, DatanetKeys.BOND, bondPerItem);
        if (policy != bytes32(0)) emit DatanetParameter(id, DatanetKeys.POLICY, uint256(policy));
    }

    /// @notice Points to a new metadata document; versions are unaffected.
    function setMeta(uint64 id, bytes32 metaHash) external {
        _set(id, DatanetKeys.META, uint256(metaHash));
    }

    /// @notice Draft → Published → Open ↔ Closed, and any of them → Archived. Opening a draft publishes it first.
    function setStatus(uint64 id, DatanetStatus status) external {
        _set(id, DatanetKeys.STATUS, uint256(status));
    }

    /// @inheritdoc IDatanets
    function setParameter(uint64 id, uint8 key, uint256 value) external {
        _set(id, key, value);
    }

    /// @notice Leaves the Datanet's parameters to its unit holders, for good.
    function govern(uint64 id) external {
        _requireOwner(id);
        if (_datanets[id].governed) revert Governed(id);
        _datanets[id].governed = true;
        emit DatanetGoverned(id);
    }

    /// @notice Only DatanetAccess: whether it is asked of who contributes.
    function setGated(uint64 id, bool gated) external only(Predeploys.DATANET_ACCESS) {
        _datanets[id].gated = gated;
    }

    // --- Views ---

    function datanets(uint64 id) external view returns (DatanetRecord memory) {
        DatanetState storage datanet = _known(id);
        return DatanetRecord({
            owner: datanet.owner,
            mediaType: datanet.mediaType,
            visibility: datanet.visibility,
            status: uint8(datanet.status),
            version: datanet.version,
            licenceId: datanet.licenceId,
            policy: datanet.policy,
            bondPerItem: datanet.bond,
            metaHash: datanet.metaHash,
            admission: uint8(datanet.admission),
            governed: datanet.governed,
            live: datanet.live
        });
    }

    /// @inheritdoc IDatanets
    function ownerOf(uint64 id) external view returns (address) {
        return _known(id).owner;
    }

    /// @notice The licence of a Datanet's contributions, fixed at its creation.
    function licenceOf(uint64 id) external view override(IDatanets, IDatanetPayouts) returns (bytes32) {
        return _known(id).licenceId;
    }

    /// @inheritdoc IDatanets
    function isPermissioned(uint64 id) external view returns (bool) {
        return _known(id).visibility != 0;
    }

    function versionCount(uint64 id) external view returns (uint32) {
        return _known(id).version;
    }

    /// @inheritdoc IDatanets
    function governed(uint64 id) external view returns (bool) {
        return _known(id).governed;
    }

    /// @inheritdoc IDatanets
    function parameter(uint64 id, uint8 key) external view returns (uint256) {
        DatanetState storage datanet = _known(id);
        if (key == DatanetKeys.BOND) return datanet.bond;
        if (key == DatanetKeys.ADMISSION) return uint256(datanet.admission);
        if (key == DatanetKeys.VETO_WINDOW) return datanet.vetoWindow;
        if (key == DatanetKeys.STATUS) return uint256(datanet.status);
        if (key == DatanetKeys.META) return uint256(datanet.metaHash);
        if (key == DatanetKeys.POLICY) return uint256(datanet.policy);
        if (key == DatanetKeys.DAILY_BYTES) return datanet.dailyBytes;
        if (key == DatanetKeys.NEAR_DUPLICATE) return datanet.nearDuplicateBps;
        if (key == DatanetKeys.LIVE) return datanet.live ? 1 : 0;
        if (key != DatanetKeys.LABEL_SHARE) revert UnknownKey(key);
        return _labelShares[id];
    }

    // --- Internals ---

    function _requireCaller(address caller) private view {
        if (msg.sender != caller) revert NotAllowed(msg.sender);
    }

    function _known(uint64 id) internal view returns (DatanetState storage datanet) {
        datanet = _datanets[id];
        if (datanet.status == DatanetStatus.None) revert UnknownDatanet(id);
    }

    function _requireOwner(uint64 id) internal view {
        if (_known(id).owner != msg.sender) revert NotOwner(id);
    }

    function _setStatus(uint64 id, DatanetStatus to) internal {
        DatanetState storage datanet = _datanets[id];
        DatanetStatus from = datanet.status;
        if (from == DatanetStatus.Draft && to == DatanetStatus.Open) {
            emit DatanetStatusSet(id, DatanetStatus.Published);
            from = DatanetStatus.Published;
        }
        bool legal = (to == DatanetStatus.Published && from == DatanetStatus.Draft)
            || (to == DatanetStatus.Open && (from == DatanetStatus.Published || from == DatanetStatus.Closed))
            || (to == DatanetStatus.Closed && from == DatanetStatus.Open)
            || (to == DatanetStatus.Archived && from != DatanetStatus.Archived);
        if (!legal) revert BadTransition(from, to);
        datanet.status = to;
        emit DatanetStatusSet(id, to);
    }

    function _set(uint64 id, uint8 key, uint256 value) private {
        DatanetState storage datanet = _known(id);
        if (datanet.governed) {
            if (msg.sender != Predeploys.DATANET_VOTES) revert Governed(id);
        } else if (msg.sender != datanet.owner) {
            revert NotOwner(id);
        }
        if (key == DatanetKeys.STATUS) {
            if (value > uint256(type(DatanetStatus).max)) revert BadParameter(key, value);
            return _setStatus(id, DatanetStatus(value));
        }
        if (key == DatanetKeys.META) {
            datanet.metaHash = bytes32(value);
            emit DatanetMeta(id, bytes32(value));
            return;
        }
        if (key != DatanetKeys.POLICY && value > _largest(key)) revert BadParameter(key, value);
        if (key == DatanetKeys.BOND) _setBond(id, value);
        else if (key == DatanetKeys.ADMISSION) datanet.admission = Admission(value);
        else if (key == DatanetKeys.VETO_WINDOW) datanet.vetoWindow = uint24(value);
        else if (key == DatanetKeys.POLICY) datanet.policy = bytes32(value);
        else if (key == DatanetKeys.DAILY_BYTES) datanet.dailyBytes = uint40(value);
        else if (key == DatanetKeys.NEAR_DUPLICATE) datanet.nearDuplicateBps = uint16(value);
        else if (key == DatanetKeys.LIVE) _makeLive(datanet);
        else _labelShares[id] = value;
        emit DatanetParameter(id, key, value);
    }

    function _largest(uint8 key) private pure returns (uint256) {
        if (key == DatanetKeys.BOND) return type(uint96).max;
        if (key == DatanetKeys.ADMISSION) return uint256(type(Admission).max);
        if (key == DatanetKeys.VETO_WINDOW) return VETO_WINDOW_MAX;
        if (key == DatanetKeys.DAILY_BYTES) return type(uint40).max;
        if (key == DatanetKeys.NEAR_DUPLICATE || key == DatanetKeys.LABEL_SHARE) return BPS;
        if (key == DatanetKeys.LIVE) return 1;
        revert UnknownKey(key);
    }

    /// @dev A live Datanet has at most one version an hour, from which only what was withdrawn or slashed is taken.
    function _makeLive(DatanetState storage datanet) private {
        if (datanet.status != DatanetStatus.Draft) revert BadTransition(datanet.status, DatanetStatus.Draft);
        datanet.live = true;
    }

    /// @dev Reverts after 65,536 changes of a Datanet's bond.
    function _setBond(uint64 id, uint256 bond) private {
        if (bond > type(uint96).max) revert BadParameter(DatanetKeys.BOND, bond);
        DatanetState storage datanet = _datanets[id];
        datanet.bond = uint96(bond);
        _bonds[id][++datanet.terms] = bond;
    }
}
