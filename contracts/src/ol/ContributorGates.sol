// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { IContributorGates } from "./interfaces/IContributorGates.sol";
import { Attestation, IEas } from "./interfaces/IEas.sol";

interface IGatedDatanets {
    function setGated(uint64 id, bool gated) external;
}

/// @title ContributorGates
/// @notice What a Datanet asks of who contributes to it: a credential by EAS, a reputation, both, or nothing. docs/DATANETS.md §11.
///
/// A credential is an attestation of the schema that the Datanet names, about the contributor, and where the Datanet names an
/// attester, by that one. It is shown once and looked at again with every contribution, so one that is revoked or expires counts
/// no more.
///
/// A reputation is counted from the time on when the Datanet first asked for one: `r + ⌊(o − r) / 8⌋` for each contribution that was
/// decided, of an outcome o from 0 to `REPUTATION_ONE`, four times with o = 0 for one that was slashed. docs/INTEGRITY.md §1.
abstract contract ContributorGates is IContributorGates {
    struct Gate {
        /// @dev Zero where no credential is asked for.
        bytes32 schema;
        /// @dev Zero: whoever attests.
        address attester;
        /// @dev Zero: none is asked for.
        uint32 leastReputation;
    }

    event GateSet(uint64 indexed datanet, bytes32 schema, address attester, uint32 leastReputation);
    event CredentialShown(uint64 indexed datanet, address indexed who, bytes32 uid);
    event ReputationMoved(uint64 indexed datanet, address indexed who, uint32 reputation);

    error BadGate(uint8 key, uint256 value);
    error NotGated(uint64 datanet);
    error StandingCredential(uint64 datanet, address who, bytes32 uid);
    error NoCredential(uint64 datanet, address who, bytes32 schema);
    error CredentialOfSchema(bytes32 uid, bytes32 schema, bytes32 expected);
    error CredentialBy(bytes32 uid, address attester, address expected);
    error CredentialAbout(bytes32 uid, address recipient, address expected);
    error CredentialRevoked(bytes32 uid, uint64 at);
    error CredentialExpired(bytes32 uid, uint64 at);
    error ReputationTooLow(uint64 datanet, address who, uint32 reputation, uint32 least);
    error NotDatanetRegistry(address caller);

    uint8 public constant KEY_CREDENTIAL = 0x58;
    uint8 public constant KEY_ATTESTER = 0x59;
    uint8 public constant KEY_REPUTATION = 0x5a;
    uint32 public constant REPUTATION_ONE = 65_536;
    uint32 private constant NEWCOMER = REPUTATION_ONE / 2;
    /// @dev An outcome moves a reputation by an eighth of the way.
    uint256 private constant SMOOTHING = 8;
    uint256 private constant SCORE_MAX = 10_000;

    mapping(uint64 datanet => Gate) public gates;
    mapping(uint64 datanet => mapping(address who => bytes32 uid)) public credentialOf;
    /// @dev One more than it is, so that zero is a newcomer's.
    mapping(uint64 datanet => mapping(address who => uint32)) private _reputations;

    /// @notice Shows somebody's credential, which is theirs for this Datanet until it no longer stands. Anyone may.
    function showCredential(uint64 datanet, address who, bytes32 uid) external {
        Gate memory gate = gates[datanet];
        if (gate.schema == bytes32(0)) revert NotGated(datanet);
        bytes32 before = credentialOf[datanet][who];
        if (_faultOf(datanet, gate, who, before).length == 0) revert StandingCredential(datanet, who, before);
        _requireSound(datanet, gate, who, uid);
        credentialOf[datanet][who] = uid;
        emit CredentialShown(datanet, who, uid);
    }

    /// @inheritdoc IContributorGates
    function requireContributor(uint64 datanet, address who) external view {
        Gate memory gate = gates[datanet];
        if (gate.schema != bytes32(0)) _requireSound(datanet, gate, who, credentialOf[datanet][who]);
        if (gate.leastReputation == 0) return;
        uint32 reputation = reputationOf(datanet, who);
        if (reputation < gate.leastReputation) {
            revert ReputationTooLow(datanet, who, reputation, gate.leastReputation);
        }
    }

    /// @notice Whether `requireContributor` passes.
    function mayContribute(uint64 datanet, address who) external view returns (bool) {
        Gate memory gate = gates[datanet];
        if (reputationOf(datanet, who) < gate.leastReputation) return false;
        return gate.schema == bytes32(0) || _faultOf(datanet, gate, who, credentialOf[datanet][who]).length == 0;
    }

    /// @inheritdoc IContributorGates
    function countOutcome(uint64 datanet, address who, uint256 items, bool good, uint256 score) external {
        if (msg.sender != Predeploys.DATANET_REGISTRY) revert NotDatanetRegistry(msg.sender);
        if (gates[datanet].leastReputation == 0) return;
        uint256 outcome = 0;
        if (good) outcome = score == 0 || score > SCORE_MAX ? REPUTATION_ONE : score * REPUTATION_ONE / SCORE_MAX;
        uint32 moved = uint32(_moved(reputationOf(datanet, who), outcome, items));
        _reputations[datanet][who] = moved + 1;
        emit ReputationMoved(datanet, who, moved);
    }

    /// @notice 0 to `REPUTATION_ONE`; a newcomer has half.
    function reputationOf(uint64 datanet, address who) public view returns (uint32) {
        uint32 kept = _reputations[datanet][who];
        return kept == 0 ? NEWCOMER : kept - 1;
    }

    /// @dev Sets one of the keys above, and has the registry ask here from now on, or no more.
    function _setGate(uint64 datanet, uint8 key, uint256 value) internal {
        Gate memory gate = gates[datanet];
        if (key == KEY_CREDENTIAL) {
            gate.schema = bytes32(value);
        } else if (key == KEY_ATTESTER) {
            if (value > type(uint160).max) revert BadGate(key, value);
            gate.attester = address(uint160(value));
        } else {
            if (value > REPUTATION_ONE) revert BadGate(key, value);
            gate.leastReputation = uint32(value);
        }
        gates[datanet] = gate;
        emit GateSet(datanet, gate.schema, gate.attester, gate.leastReputation);
        bool gated = gate.schema != bytes32(0) || gate.leastReputation > 0;
        IGatedDatanets(Predeploys.DATANET_REGISTRY).setGated(datanet, gated);
    }

    function _requireSound(uint64 datanet, Gate memory gate, address who, bytes32 uid) private view {
        bytes memory fault = _faultOf(datanet, gate, who, uid);
        if (fault.length == 0) return;
        assembly ("memory-safe") {
            revert(add(fault, 32), mload(fault))
        }
    }

    /// @dev What is wrong with a credential, as an encoded error; empty where nothing is.
    function _faultOf(uint64 datanet, Gate memory gate, address who, bytes32 uid)
        private
        view
        returns (bytes memory)
    {
        if (uid == bytes32(0)) return abi.encodeWithSelector(NoCredential.selector, datanet, who, gate.schema);
        Attestation memory said = IEas(Predeploys.EAS).getAttestation(uid);
        if (said.schema != gate.schema) {
            return abi.encodeWithSelector(CredentialOfSchema.selector, uid, said.schema, gate.schema);
        }
        if (gate.attester != address(0) && said.attester != gate.attester) {
            return abi.encodeWithSelector(CredentialBy.selector, uid, said.attester, gate.attester);
        }
        if (said.recipient != who) {
            return abi.encodeWithSelector(CredentialAbout.selector, uid, said.recipient, who);
        }
        if (said.revocationTime != 0) {
            return abi.encodeWithSelector(CredentialRevoked.selector, uid, said.revocationTime);
        }
        if (said.expirationTime != 0 && said.expirationTime <= block.timestamp) {
            return abi.encodeWithSelector(CredentialExpired.selector, uid, said.expirationTime);
        }
        return "";
    }

    /// @dev So many steps towards an outcome; they end where one changes nothing more, so any number is some hundred of them.
    function _moved(uint256 reputation, uint256 outcome, uint256 steps) private pure returns (uint256) {
        for (uint256 i = 0; i < steps; i++) {
            uint256 next = outcome >= reputation
                ? reputation + (outcome - reputation) / SMOOTHING
                : reputation - (reputation - outcome + SMOOTHING - 1) / SMOOTHING;
            if (next == reputation) break;
            reputation = next;
        }
        return reputation;
    }
}
