// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { ItemRecord } from "./interfaces/IDatanets.sol";

interface IContributionTaker {
    function submitVia(address author, uint64 id, ItemRecord calldata record) external payable returns (uint64);
}

/// @title DatanetRelay
/// @notice Contributions whose authors pay no gas: signed by EIP-712, or allowed by ERC-1271, and sent by anybody. Predeploy
///         0x4f4c…0044. docs/DATANETS.md §2.
contract DatanetRelay {
    error SignatureExpired(uint64 deadline);
    error NotSigned(address author, uint64 nonce);

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("OpenLedger Datanets");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant CONTRIBUTION_TYPEHASH = keccak256(
        "Contribution(address author,uint64 datanet,bytes32 contentHash,bytes32 simHash,uint16 consent,uint32 size,bytes32 metaHash,uint64 nonce,uint64 deadline)"
    );

    /// @notice Nonce of an author's next contribution: what was signed with another is void.
    mapping(address author => uint64) public nonceOf;

    /// @notice Contributes what `author` signed. The value is its bond, which is the author's from then on.
    /// @param signature `r ‖ vs`, or what the author's contract takes by ERC-1271.
    function submitSigned(
        address author,
        uint64 id,
        ItemRecord calldata record,
        uint64 deadline,
        bytes calldata signature
    ) external payable returns (uint64 contribId) {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        uint64 nonce = nonceOf[author]++;
        if (!_isSigned(author, digestOf(author, id, record, nonce, deadline), signature)) {
            revert NotSigned(author, nonce);
        }
        return IContributionTaker(Predeploys.DATANET_REGISTRY).submitVia{ value: msg.value }(author, id, record);
    }

    /// @notice Makes every signature of the caller with its next nonce void.
    function cancel() external {
        nonceOf[msg.sender]++;
    }

    /// @notice What an author signs.
    function digestOf(address author, uint64 id, ItemRecord calldata record, uint64 nonce, uint64 deadline)
        public
        view
        returns (bytes32)
    {
        bytes32 domain =
            keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32 fields = keccak256(abi.encode(CONTRIBUTION_TYPEHASH, author, id, record, nonce, deadline));
        return keccak256(abi.encodePacked(hex"1901", domain, fields));
    }

    function _isSigned(address author, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (author.code.length > 0) return SignatureChecker.isValidERC1271SignatureNow(author, digest, signature);
        if (signature.length != 64) return false;
        (address signer,,) = ECDSA.tryRecover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
        return signer == author && signer != address(0);
    }
}
