// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { Checkpoints } from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import { ICodePayouts } from "./interfaces/ICodePayouts.sol";

/// @notice The registry interface that ERC-8021 asks of whoever resolves attribution codes.
interface ICodeRegistry {
    /// @notice The address that the owner named last.
    function payoutAddress(string calldata code) external view returns (address);
    function codeURI(string calldata code) external view returns (string memory);
    function isValidCode(string calldata code) external view returns (bool);
    function isRegistered(string calldata code) external view returns (bool);
}

/// @title CodeRegistry
/// @notice App codes of ERC-8021 suffixes, first come first served, and the address that each pays. Predeploy
///         0x4f4c…000b. A transfer of a code moves the right to change it; the payout address stays until the new
///         owner changes it. Fees go to the address that was in force when they were settled (`payoutAt`): one that is named
///         today is in force from the next multiple of a day on, so that nobody can change what is being settled.
contract CodeRegistry is ICodeRegistry, ICodePayouts {
    using Checkpoints for Checkpoints.Trace160;

    struct Code {
        address owner;
        address payout;
        string uri;
    }

    event CodeRegistered(bytes32 indexed codeHash, address indexed owner, string code, address payout, string uri);
    event CodePayoutSet(bytes32 indexed codeHash, address payout);
    event CodeURISet(bytes32 indexed codeHash, string uri);
    event CodeTransferred(bytes32 indexed codeHash, address indexed from, address indexed to);

    error InvalidCode(string code);
    error CodeTaken(string code);
    error Unregistered(string code);
    error NotCodeOwner(string code);
    error ZeroAddress();
    error URITooLong(uint256 bytes_);

    /// @notice A code is 1 to 32 bytes of a-z, 0-9 and _.
    uint256 public constant CODE_BYTES_MAX = 32;
    /// @notice A code's URI is a pointer, not a document.
    uint256 public constant URI_BYTES_MAX = 1024;

    /// @notice Payout addresses take effect at a multiple of so many seconds.
    uint256 public constant PAYOUT_EPOCH = 1 days;

    mapping(bytes32 codeHash => Code) private _codes;
    /// @dev By the time from which each is in force.
    mapping(bytes32 codeHash => Checkpoints.Trace160) private _payouts;

    function register(string calldata code, address payout, string calldata uri) external {
        if (!isValidCode(code)) revert InvalidCode(code);
        if (payout == address(0)) revert ZeroAddress();
        if (bytes(uri).length > URI_BYTES_MAX) revert URITooLong(bytes(uri).length);
        bytes32 codeHash = keccak256(bytes(code));
        if (_codes[codeHash].owner != address(0)) revert CodeTaken(code);
        _codes[codeHash] = Code({ owner: msg.sender, payout: payout, uri: uri });
        _takeEffect(codeHash, payout);
        emit CodeRegistered(codeHash, msg.sender, code, payout, uri);
    }

    function setPayout(string calldata code, address payout) external {
        if (payout == address(0)) revert ZeroAddress();
        (bytes32 codeHash, Code storage entry) = _owned(code);
        entry.payout = payout;
        _takeEffect(codeHash, payout);
        emit CodePayoutSet(codeHash, payout);
    }

    function setURI(string calldata code, string calldata uri) external {
        if (bytes(uri).length > URI_BYTES_MAX) revert URITooLong(bytes(uri).length);
        (bytes32 codeHash, Code storage entry) = _owned(code);
        entry.uri = uri;
        emit CodeURISet(codeHash, uri);
    }

    function transferCode(string calldata code, address to) external {
        if (to == address(0)) revert ZeroAddress();
        (bytes32 codeHash, Code storage entry) = _owned(code);
        entry.owner = to;
        emit CodeTransferred(codeHash, msg.sender, to);
    }

    function ownerOf(string calldata code) external view returns (address) {
        return _registered(code).owner;
    }

    function payoutAddress(string calldata code) external view returns (address) {
        return _registered(code).payout;
    }

    /// @inheritdoc ICodePayouts
    function payoutAt(bytes32 codeHash, uint64 time) external view returns (address) {
        return address(_payouts[codeHash].upperLookup(time));
    }

    function codeURI(string calldata code) external view returns (string memory) {
        return _registered(code).uri;
    }

    function isRegistered(string calldata code) external view returns (bool) {
        return _codes[keccak256(bytes(code))].owner != address(0);
    }

    function isValidCode(string calldata code) public pure returns (bool) {
        bytes calldata raw = bytes(code);
        if (raw.length == 0 || raw.length > CODE_BYTES_MAX) return false;
        for (uint256 i = 0; i < raw.length; i++) {
            bytes1 c = raw[i];
            bool allowed = (c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "_";
            if (!allowed) return false;
        }
        return true;
    }

    function _takeEffect(bytes32 codeHash, address payout) private {
        uint256 from = (block.timestamp / PAYOUT_EPOCH + 1) * PAYOUT_EPOCH;
        _payouts[codeHash].push(uint96(from), uint160(payout));
    }

    function _registered(string calldata code) private view returns (Code storage entry) {
        entry = _codes[keccak256(bytes(code))];
        if (entry.owner == address(0)) revert Unregistered(code);
    }

    function _owned(string calldata code) private view returns (bytes32 codeHash, Code storage entry) {
        codeHash = keccak256(bytes(code));
        entry = _registered(code);
        if (entry.owner != msg.sender) revert NotCodeOwner(code);
    }
}
