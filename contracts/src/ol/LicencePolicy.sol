// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Initializable } from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { LicenceLattice } from "../precompiles/LicenceLattice.sol";
import { IDatanetPayouts } from "./interfaces/IDatanetPayouts.sol";
import { ILicencePolicy } from "./interfaces/ILicencePolicy.sol";

/// @title LicencePolicy
/// @notice What licences ask, and what models inherit of it. Predeploy 0x4f4c…000f. docs/LICENCES.md
///
/// A licence is known by its SPDX identifier (ASCII, left-aligned; longer ones by their SHA-256) from the list that genesis
/// writes and the Timelock adds to, or by explicit terms that anyone defines for a text: its id is then the hash of both, so
/// that nobody can give a name other terms. What a licence asks never changes.
///
/// What a model inherits is the join of its parents' and Datanets' terms, their own and what they inherited, and of the Datanets
/// whose indexes its versions name. A model's own licence binds those who build on it, not its owner: whoever makes a model of
/// freely licensed work may sell it.
contract LicencePolicy is ILicencePolicy, Initializable {
    /// @notice What binds a model.
    struct ModelLicence {
        bytes32 licenceId;
        /// @dev Of its own licence.
        uint8 terms;
        /// @dev Of what it was made from.
        uint8 inherited;
    }

    event LicenceListed(bytes32 indexed licenceId, uint8 terms);
    /// @param textHash SHA-256 of the licence's text
    event LicenceDefined(bytes32 indexed licenceId, uint8 terms, bytes32 textHash, address by);
    event ModelLicensed(uint64 indexed model, bytes32 indexed licenceId, uint8 terms, uint8 inherited);

    error AlreadyKnown(bytes32 licenceId);
    error BadTerms(uint8 terms);
    error EmptyText();
    error NotTimelock(address caller);
    error NotModelRegistry(address caller);
    error BadList(uint256 licences, uint256 terms);

    uint8 private constant SA = 4;
    uint8 private constant ND = 8;
    uint8 private constant ALL = 15;
    /// @dev Set beside the terms of every licence that is known.
    uint8 private constant KNOWN = 0x80;

    uint8 private constant TRAIN = 1;
    uint8 private constant FINE_TUNE = 2;
    uint8 private constant PRICE = 4;

    LicenceLattice private constant LATTICE = LicenceLattice(0x4f4C000000000000000000000000000000000019);

    mapping(bytes32 licenceId => uint8) private _licences;
    mapping(uint64 model => ModelLicence) private _models;

    modifier onlyModelRegistry() {
        if (msg.sender != Predeploys.MODEL_REGISTRY) revert NotModelRegistry(msg.sender);
        _;
    }

    constructor() {
        _disableInitializers();
    }

    /// @param terms one byte a licence
    function initialize(bytes32[] calldata licenceIds, bytes calldata terms) external initializer {
        if (licenceIds.length != terms.length) revert BadList(licenceIds.length, terms.length);
        for (uint256 i = 0; i < terms.length; i++) _list(licenceIds[i], uint8(terms[i]));
    }

    /// @notice Adds a licence to the list.
    function listLicence(bytes32 licenceId, uint8 terms) external {
        if (msg.sender != Predeploys.TIMELOCK) revert NotTimelock(msg.sender);
        _list(licenceId, terms);
    }

    /// @notice Makes a licence known that no list has, by its terms and the SHA-256 of its text.
    function defineLicence(uint8 terms, bytes32 textHash) external returns (bytes32 licenceId) {
        if (textHash == bytes32(0)) revert EmptyText();
        licenceId = definedId(terms, textHash);
        _know(licenceId, terms);
        emit LicenceDefined(licenceId, terms, textHash, msg.sender);
    }

    /// @inheritdoc ILicencePolicy
    function licenseModel(uint64 model, bytes32 licenceId, uint64[] calldata parents, uint64[] calldata datanets)
        external
        onlyModelRegistry
    {
        uint8 terms = termsOf(licenceId);
        uint8 use = parents.length == 0 ? TRAIN : FINE_TUNE;
        uint8[] memory models = _effective(parents);
        uint8[] memory data = _datanetTerms(datanets);
        _requireNoClash(models, parents, Work.Model, terms, use);
        _requireNoClash(data, datanets, Work.Datanet, terms, use);
        uint8 inherited = LATTICE.join(models) | LATTICE.join(data);
        _models[model] = ModelLicence(licenceId, terms, inherited);
        emit ModelLicensed(model, licenceId, terms, inherited);
    }

    /// @inheritdoc ILicencePolicy
    function licenseVersion(uint64 model, bool hasParents, uint64[] calldata datanets) external onlyModelRegistry {
        ModelLicence storage licence = _models[model];
        uint8[] memory data = _datanetTerms(datanets);
        _requireNoClash(data, datanets, Work.Datanet, licence.terms, hasParents ? FINE_TUNE : TRAIN);
        uint8 inherited = licence.inherited | LATTICE.join(data);
        if (inherited == licence.inherited) return;
        licence.inherited = inherited;
        emit ModelLicensed(model, licence.licenceId, licence.terms, inherited);
    }

    // --- Views ---

    /// @inheritdoc ILicencePolicy
    function termsOf(bytes32 licenceId) public view returns (uint8) {
        uint8 licence = _licences[licenceId];
        if (licence == 0) revert UnknownLicence(licenceId);
        return licence & ALL;
    }

    function isKnown(bytes32 licenceId) external view returns (bool) {
        return _licences[licenceId] != 0;
    }

    /// @notice The id of a licence by its terms and the SHA-256 of its text.
    function definedId(uint8 terms, bytes32 textHash) public pure returns (bytes32) {
        return keccak256(abi.encodePacked("LicenseRef", terms, textHash));
    }

    /// @notice All zeros where there is no such model.
    function modelLicence(uint64 model) external view returns (ModelLicence memory) {
        return _models[model];
    }

    /// @inheritdoc ILicencePolicy
    function requirePriceable(uint64 datanet) external view {
        uint64[] memory ids = new uint64[](1);
        ids[0] = datanet;
        uint8[] memory terms = _datanetTerms(ids);
        _requireNoClash(terms, ids, Work.Datanet, terms[0], PRICE);
    }

    /// @inheritdoc ILicencePolicy
    function requireModelPriceable(uint64 model) external view {
        uint8[] memory terms = new uint8[](1);
        uint64[] memory ids = new uint64[](1);
        (terms[0], ids[0]) = (_models[model].inherited, model);
        _requireNoClash(terms, ids, Work.Model, terms[0], PRICE);
    }

    // --- Internals ---

    function _list(bytes32 licenceId, uint8 terms) private {
        _know(licenceId, terms);
        emit LicenceListed(licenceId, terms);
    }

    function _know(bytes32 licenceId, uint8 terms) private {
        // No derivatives under the same terms: there are none.
        if (terms > ALL || terms & (SA | ND) == SA | ND) revert BadTerms(terms);
        if (_licences[licenceId] != 0) revert AlreadyKnown(licenceId);
        _licences[licenceId] = terms | KNOWN;
    }

    /// @dev What binds whoever builds on each model.
    function _effective(uint64[] calldata models) private view returns (uint8[] memory terms) {
        terms = new uint8[](models.length);
        for (uint256 i = 0; i < models.length; i++) {
            terms[i] = _models[models[i]].terms | _models[models[i]].inherited;
        }
    }

    function _datanetTerms(uint64[] memory datanets) private view returns (uint8[] memory terms) {
        terms = new uint8[](datanets.length);
        for (uint256 i = 0; i < datanets.length; i++) {
            terms[i] = termsOf(IDatanetPayouts(Predeploys.DATANET_REGISTRY).licenceOf(datanets[i]));
        }
    }

    function _requireNoClash(uint8[] memory terms, uint64[] memory ids, Work work, uint8 child, uint8 uses) private pure {
        (bool ok, uint8 reason, uint256 at) = LATTICE.check(terms, child, uses);
        if (!ok) revert LicenceClash(Clash(reason), work, ids[at]);
    }
}
