// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import { IERC165 } from "@openzeppelin/contracts/interfaces/IERC165.sol";
import { IERC6909Metadata, IERC6909TokenSupply } from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import { ERC6909 } from "@openzeppelin/contracts/token/ERC6909/ERC6909.sol";
import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";
import { Predeploys } from "../lib/Predeploys.sol";
import { IDatanetUnits } from "./interfaces/IDatanetUnits.sol";
import { UnitIncome } from "./UnitIncome.sol";

/// @title DatanetUnits
/// @notice Shares of Datanets: ERC-6909 units of every published version, id `datanet << 32 | version`. Predeploy
///         0x4f4c…0034.
///
/// Who held units is known of every time before. By that the Datanet's pool pays, and its holders vote: units that were sold
/// earn and vote for what was before the sale in the seller's name, and for what comes after in the buyer's.
contract DatanetUnits is UnitIncome, IERC6909Metadata, IERC6909TokenSupply {
    error NotRegistry(address caller);
    error NotVault(address caller);

    modifier onlyVault() {
        if (msg.sender != Predeploys.ROYALTY_VAULT) revert NotVault(msg.sender);
        _;
    }

    /// @inheritdoc IDatanetUnits
    function issue(uint64 datanet, uint32 version, address owner, uint128 units, bytes32 allotment) external {
        if (msg.sender != Predeploys.DATANET_REGISTRY) revert NotRegistry(msg.sender);
        _issue(datanet, version, owner, units, allotment);
    }

    /// @inheritdoc IDatanetUnits
    function credit(uint64 datanet, uint256 amount, uint64 epoch, uint64 time)
        external
        onlyVault
        returns (uint256 acc)
    {
        return _credit(datanet, amount, epoch, time);
    }

    /// @inheritdoc IDatanetUnits
    function take(uint64 datanet, address holder) external onlyVault returns (uint256 amount) {
        return _take(datanet, holder);
    }

    // --- ERC-6909 ---

    function name(uint256 id) external pure returns (string memory) {
        (uint64 datanet, uint32 version) = _partsOf(id);
        return string.concat("Units of Datanet ", Strings.toString(datanet), " version ", Strings.toString(version));
    }

    function symbol(uint256 id) external pure returns (string memory) {
        (uint64 datanet, uint32 version) = _partsOf(id);
        return string.concat("DN", Strings.toString(datanet), ".", Strings.toString(version));
    }

    /// @notice Units are whole.
    function decimals(uint256) external pure returns (uint8) {
        return 0;
    }

    function totalSupply(uint256 id) external view returns (uint256) {
        return issues[id].units;
    }

    function supportsInterface(bytes4 interfaceId) public view override(ERC6909, IERC165) returns (bool) {
        return interfaceId == type(IERC6909Metadata).interfaceId || interfaceId == type(IERC6909TokenSupply).interfaceId
            || super.supportsInterface(interfaceId);
    }
}
