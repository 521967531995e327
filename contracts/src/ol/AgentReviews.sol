// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { AgentValidations } from "./AgentValidations.sol";

/// @title AgentReviews
/// @notice What clients say of agents and what validators found, in the shape of ERC-8004's reputation and validation registries.
///         Predeploy 0x4f4c…0040.
///
/// Any client may speak, as ERC-8004 has it; the agent's owner and operators may not. A client that the agent authorised beforehand is
/// marked so: `getAuthorisedClients` is a list to filter `getSummary` by that costs somebody who invents clients the agent's consent.
contract AgentReviews is AgentValidations {
    struct Feedback {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        bool isAuthorised;
        uint64 responses;
        string tag1;
        string tag2;
    }

    /// @dev What `giveFeedback` is given.
    struct Said {
        uint256 agentId;
        int128 value;
        uint8 valueDecimals;
        string tag1;
        string tag2;
        string endpoint;
        string feedbackURI;
        bytes32 feedbackHash;
    }

    struct Place {
        address client;
        uint64 index;
        Feedback feedback;
    }

    struct Authorisation {
        uint64 indexLimit;
        uint64 expiry;
    }

    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    event FeedbackRevoked(
        uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex
    );
    event ResponseAppended(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        address indexed responder,
        string responseURI,
        bytes32 responseHash
    );
    event ClientAuthorised(uint256 indexed agentId, address indexed client, uint64 indexLimit, uint64 expiry);

    error OwnFeedback(uint256 agentId, address caller);
    error BadDecimals(uint8 decimals);
    error ValueTooLarge(int128 value);
    error NoFeedback(uint256 agentId, address client, uint64 index);
    error RevokedBefore(uint256 agentId, address client, uint64 index);
    error NoClients();
    error BadAuthorisation(uint64 indexLimit, uint64 expiry);

    uint8 public constant DECIMALS_MAX = 18;
    /// @notice So that sums and means fit.
    int128 public constant VALUE_MAX = 1e38;

    mapping(uint256 agentId => mapping(address client => Feedback[])) private _feedback;
    mapping(uint256 agentId => address[]) private _clients;
    mapping(uint256 agentId => mapping(address client => Authorisation)) private _authorised;
    mapping(uint256 agentId => mapping(address => mapping(uint64 index => mapping(address responder => uint64))))
        private _responses;

    // --- Feedback ---

    /// @notice Marks the client's next feedback, up to its `indexLimit`-th and before `expiry`, as asked for by the agent.
    function authoriseClient(uint256 agentId, address client, uint64 indexLimit, uint64 expiry) external {
        _requireOwnerOrOperator(agentId);
        if (indexLimit <= _feedback[agentId][client].length || expiry <= block.timestamp) {
            revert BadAuthorisation(indexLimit, expiry);
        }
        _authorised[agentId][client] = Authorisation(indexLimit, expiry);
        emit ClientAuthorised(agentId, client, indexLimit, expiry);
    }

    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) external {
        _record(Said(agentId, value, valueDecimals, tag1, tag2, endpoint, feedbackURI, feedbackHash));
    }

    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        Feedback storage feedback = _at(agentId, msg.sender, feedbackIndex);
        if (feedback.isRevoked) revert RevokedBefore(agentId, msg.sender, feedbackIndex);
        feedback.isRevoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    /// @notice Anyone may answer: the agent shows a refund, an observer calls it spam.
    function appendResponse(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        string calldata responseURI,
        bytes32 responseHash
    ) external {
        Feedback storage feedback = _at(agentId, clientAddress, feedbackIndex);
        _requireShort(responseURI, URI_BYTES_MAX);
        feedback.responses++;
        _responses[agentId][clientAddress][feedbackIndex][msg.sender]++;
        emit ResponseAppended(agentId, clientAddress, feedbackIndex, msg.sender, responseURI, responseHash);
    }

    // --- Views ---

    /// @notice The mean of what these clients said and did not revoke, under the tags where they are given: rounded towards zero, with the
    ///         most decimals that any of it has, or fewer where it would not fit.
    function getSummary(uint256 agentId, address[] memory clientAddresses, string memory tag1, string memory tag2)
        external
        view
        returns (uint64 count, int128 summaryValue, uint8 summaryValueDecimals)
    {
        if (clientAddresses.length == 0) revert NoClients();
        int256 sum;
        for (uint256 i = 0; i < clientAddresses.length; i++) {
            Feedback[] storage all = _feedback[agentId][clientAddresses[i]];
            for (uint256 j = 0; j < all.length; j++) {
                Feedback storage each = all[j];
                if (each.isRevoked || !_matches(tag1, each.tag1) || !_matches(tag2, each.tag2)) continue;
                if (each.valueDecimals > summaryValueDecimals) summaryValueDecimals = each.valueDecimals;
                sum += int256(each.value) * int256(10 ** (DECIMALS_MAX - each.valueDecimals));
                count++;
            }
        }
        if (count == 0) return (0, 0, 0);
        int256 mean = sum / int256(uint256(count)) / int256(10 ** (DECIMALS_MAX - summaryValueDecimals));
        for (; mean > VALUE_MAX || mean < -VALUE_MAX; mean /= 10) summaryValueDecimals--;
        summaryValue = int128(mean);
    }

    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (int128 value, uint8 valueDecimals, string memory tag1, string memory tag2, bool isRevoked)
    {
        Feedback storage each = _at(agentId, clientAddress, feedbackIndex);
        return (each.value, each.valueDecimals, each.tag1, each.tag2, each.isRevoked);
    }

    function readAllFeedback(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
        bool includeRevoked
    )
        external
        view
        returns (
            address[] memory clients,
            uint64[] memory feedbackIndexes,
            int128[] memory values,
            uint8[] memory valueDecimals,
            string[] memory tag1s,
            string[] memory tag2s,
            bool[] memory revokedStatuses
        )
    {
        Place[] memory places = _places(agentId, clientAddresses, tag1, tag2, includeRevoked);
        (clients, feedbackIndexes) = (new address[](places.length), new uint64[](places.length));
        (values, valueDecimals) = (new int128[](places.length), new uint8[](places.length));
        (tag1s, tag2s) = (new string[](places.length), new string[](places.length));
        revokedStatuses = new bool[](places.length);
        for (uint256 i = 0; i < places.length; i++) {
            (clients[i], feedbackIndexes[i]) = (places[i].client, places[i].index);
            values[i] = places[i].feedback.value;
            valueDecimals[i] = places[i].feedback.valueDecimals;
            tag1s[i] = places[i].feedback.tag1;
            tag2s[i] = places[i].feedback.tag2;
            revokedStatuses[i] = places[i].feedback.isRevoked;
        }
    }

    /// @notice How often these responders, or where none is named all, answered.
    function getResponseCount(
        uint256 agentId,
        address clientAddress,
        uint64 feedbackIndex,
        address[] calldata responders
    ) external view returns (uint64 count) {
        if (responders.length == 0) return _at(agentId, clientAddress, feedbackIndex).responses;
        for (uint256 i = 0; i < responders.length; i++) {
            count += _responses[agentId][clientAddress][feedbackIndex][responders[i]];
        }
    }

    function getClients(uint256 agentId) external view returns (address[] memory) {
        return _clients[agentId];
    }

    /// @notice Clients that gave feedback which the agent had authorised.
    function getAuthorisedClients(uint256 agentId) external view returns (address[] memory clients) {
        clients = _clients[agentId];
        uint256 count;
        for (uint256 i = 0; i < clients.length; i++) {
            Feedback[] storage all = _feedback[agentId][clients[i]];
            for (uint256 j = 0; j < all.length; j++) {
                if (!all[j].isAuthorised) continue;
                clients[count++] = clients[i];
                break;
            }
        }
        assembly ("memory-safe") {
            mstore(clients, count)
        }
    }

    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return uint64(_feedback[agentId][clientAddress].length);
    }

    // --- Internals ---

    function _record(Said memory said) private {
        if (_registry().isOwnerOrOperator(said.agentId, msg.sender)) revert OwnFeedback(said.agentId, msg.sender);
        if (said.valueDecimals > DECIMALS_MAX) revert BadDecimals(said.valueDecimals);
        if (said.value > VALUE_MAX || said.value < -VALUE_MAX) revert ValueTooLarge(said.value);
        _requireShort(said.tag1, TAG_BYTES_MAX);
        _requireShort(said.tag2, TAG_BYTES_MAX);
        _requireShort(said.endpoint, URI_BYTES_MAX);
        _requireShort(said.feedbackURI, URI_BYTES_MAX);
        Feedback[] storage all = _feedback[said.agentId][msg.sender];
        if (all.length == 0) _clients[said.agentId].push(msg.sender);
        Authorisation storage allowed = _authorised[said.agentId][msg.sender];
        bool isAuthorised = all.length < allowed.indexLimit && block.timestamp < allowed.expiry;
        all.push(Feedback(said.value, said.valueDecimals, false, isAuthorised, 0, said.tag1, said.tag2));
        emit NewFeedback(
            said.agentId,
            msg.sender,
            uint64(all.length),
            said.value,
            said.valueDecimals,
            said.tag1,
            said.tag1,
            said.tag2,
            said.endpoint,
            said.feedbackURI,
            said.feedbackHash
        );
    }

    function _places(
        uint256 agentId,
        address[] memory clientAddresses,
        string memory tag1,
        string memory tag2,
        bool includeRevoked
    ) private view returns (Place[] memory places) {
        address[] memory clients = clientAddresses.length > 0 ? clientAddresses : _clients[agentId];
        uint256 most;
        for (uint256 i = 0; i < clients.length; i++) most += _feedback[agentId][clients[i]].length;
        places = new Place[](most);
        uint256 count;
        for (uint256 i = 0; i < clients.length; i++) {
            Feedback[] storage all = _feedback[agentId][clients[i]];
            for (uint256 j = 0; j < all.length; j++) {
                bool hidden = all[j].isRevoked && !includeRevoked;
                if (hidden || !_matches(tag1, all[j].tag1) || !_matches(tag2, all[j].tag2)) continue;
                places[count++] = Place(clients[i], uint64(j + 1), all[j]);
            }
        }
        assembly ("memory-safe") {
            mstore(places, count)
        }
    }

    /// @dev Indexes begin with 1.
    function _at(uint256 agentId, address client, uint64 index) private view returns (Feedback storage) {
        Feedback[] storage all = _feedback[agentId][client];
        if (index == 0 || index > all.length) revert NoFeedback(agentId, client, index);
        return all[index - 1];
    }
}
