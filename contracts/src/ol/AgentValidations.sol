// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Predeploys } from "../lib/Predeploys.sol";
import { IAgentRegistry } from "./interfaces/IAgentRegistry.sol";

/// @title AgentValidations
/// @notice Requests of agents that somebody validate their work, and the answers: ERC-8004's validation registry.
abstract contract AgentValidations {
    struct Validation {
        address validator;
        uint256 agentId;
        uint8 response;
        bool answered;
        uint64 lastUpdate;
        bytes32 responseHash;
        string tag;
    }

    event ValidationRequest(
        address indexed validatorAddress, uint256 indexed agentId, string requestURI, bytes32 indexed requestHash
    );
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        string tag
    );

    error NotOwnerOrOperator(uint256 agentId, address caller);
    error TextTooLong(uint256 bytes_, uint256 limit);
    error ZeroAddress();
    error RequestedBefore(bytes32 requestHash);
    error UnknownRequest(bytes32 requestHash);
    error NotValidator(bytes32 requestHash, address validator);
    error BadResponse(uint8 response);

    uint256 public constant TAG_BYTES_MAX = 64;
    uint256 public constant URI_BYTES_MAX = 2_048;
    uint8 public constant RESPONSE_MAX = 100;

    mapping(bytes32 requestHash => Validation) private _validations;
    mapping(uint256 agentId => bytes32[]) private _ofAgent;
    mapping(address validator => bytes32[]) private _ofValidator;

    /// @notice The registry that both registries of ERC-8004 speak of.
    function getIdentityRegistry() external pure returns (address) {
        return Predeploys.AGENT_REGISTRY;
    }

    /// @param requestHash keccak256 of what is to be validated: the request's name, used once
    function validationRequest(
        address validatorAddress,
        uint256 agentId,
        string calldata requestURI,
        bytes32 requestHash
    ) external {
        _requireOwnerOrOperator(agentId);
        if (validatorAddress == address(0)) revert ZeroAddress();
        _requireShort(requestURI, URI_BYTES_MAX);
        Validation storage validation = _validations[requestHash];
        if (validation.validator != address(0)) revert RequestedBefore(requestHash);
        (validation.validator, validation.agentId) = (validatorAddress, agentId);
        validation.lastUpdate = uint64(block.timestamp);
        _ofAgent[agentId].push(requestHash);
        _ofValidator[validatorAddress].push(requestHash);
        emit ValidationRequest(validatorAddress, agentId, requestURI, requestHash);
    }

    /// @notice The named validator's finding, 0 to 100; it may find anew.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        string calldata tag
    ) external {
        Validation storage validation = _validations[requestHash];
        address validator = validation.validator;
        if (validator == address(0)) revert UnknownRequest(requestHash);
        if (validator != msg.sender) revert NotValidator(requestHash, validator);
        if (response > RESPONSE_MAX) revert BadResponse(response);
        _requireShort(responseURI, URI_BYTES_MAX);
        _requireShort(tag, TAG_BYTES_MAX);
        (validation.response, validation.answered) = (response, true);
        validation.lastUpdate = uint64(block.timestamp);
        (validation.responseHash, validation.tag) = (responseHash, tag);
        emit ValidationResponse(
            validator, validation.agentId, requestHash, response, responseURI, responseHash, tag
        );
    }

    function getValidationStatus(bytes32 requestHash)
        external
        view
        returns (
            address validatorAddress,
            uint256 agentId,
            uint8 response,
            bytes32 responseHash,
            string memory tag,
            uint256 lastUpdate
        )
    {
        Validation storage each = _validations[requestHash];
        if (each.validator == address(0)) revert UnknownRequest(requestHash);
        return (each.validator, each.agentId, each.response, each.responseHash, each.tag, each.lastUpdate);
    }

    /// @notice The mean of what validators, or where none is named all, answered; rounded down.
    function getSummary(uint256 agentId, address[] calldata validatorAddresses, string calldata tag)
        external
        view
        returns (uint64 count, uint8 averageResponse)
    {
        bytes32[] storage hashes = _ofAgent[agentId];
        uint256 sum;
        for (uint256 i = 0; i < hashes.length; i++) {
            Validation storage each = _validations[hashes[i]];
            if (!each.answered || !_matches(tag, each.tag)) continue;
            if (validatorAddresses.length > 0 && !_isAmong(each.validator, validatorAddresses)) continue;
            sum += each.response;
            count++;
        }
        if (count > 0) averageResponse = uint8(sum / count);
    }

    function getAgentValidations(uint256 agentId) external view returns (bytes32[] memory requestHashes) {
        return _ofAgent[agentId];
    }

    function getValidatorRequests(address validatorAddress) external view returns (bytes32[] memory requestHashes) {
        return _ofValidator[validatorAddress];
    }

    function _requireOwnerOrOperator(uint256 agentId) internal view {
        if (!_registry().isOwnerOrOperator(agentId, msg.sender)) revert NotOwnerOrOperator(agentId, msg.sender);
    }

    function _requireShort(string memory text, uint256 limit) internal pure {
        if (bytes(text).length > limit) revert TextTooLong(bytes(text).length, limit);
    }

    /// @dev No filter lets all pass.
    function _matches(string memory filter, string memory tag) internal pure returns (bool) {
        return bytes(filter).length == 0 || keccak256(bytes(filter)) == keccak256(bytes(tag));
    }

    function _registry() internal pure returns (IAgentRegistry) {
        return IAgentRegistry(Predeploys.AGENT_REGISTRY);
    }

    function _isAmong(address account, address[] calldata list) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; i++) if (list[i] == account) return true;
        return false;
    }
}
