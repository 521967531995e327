import { createRequire } from 'node:module'
import type { Abi } from 'viem'
import type { Hex } from '../../../../../protocol/bytes.ts'

const source = `
// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

contract Child {
    uint256 public immutable made = block.number;
}

contract Probe {
    error Refused(uint256 code, string why);
    event Changed(address indexed by, uint256 indexed to, bytes note);

    uint256 public value;
    mapping(address => uint256) public counts;

    function set(uint256 to) external payable {
        value = to;
        counts[msg.sender]++;
        emit Changed(msg.sender, to, "set");
    }

    function setMany(uint256 times) external {
        for (uint256 i = 0; i < times; i++) emit Changed(msg.sender, i, "");
    }

    function refuse(string calldata why) external pure {
        revert(why);
    }

    function refuseTyped(uint256 code) external pure {
        revert Refused(code, "typed");
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    function spin() external view {
        while (gasleft() > 0) {}
    }

    /// Fails unless most of the gas it got is still there: makes an estimate above the gas used necessary.
    function greedy(uint256 gas) external {
        require(gasleft() > gas, "hungry");
        value = gas;
    }

    function nested(uint256 to) external returns (address child) {
        this.set(to);
        try this.refuse("inner") {} catch {}
        child = address(new Child());
    }

    function env() external view returns (uint256, uint256, uint256, address, uint256, uint256) {
        return (block.number, block.timestamp, block.basefee, block.coinbase, msg.sender.balance, tx.gasprice);
    }
}
`

/** A contract that does what the RPC has to show: storage, events, nested calls, every kind of failure. */
export function compileProbe(): { readonly abi: Abi; readonly bytecode: Hex } {
  const solc = createRequire(import.meta.url)('solc') as { compile: (input: string) => string }
  const input = {
    language: 'Solidity',
    sources: { 'Probe.sol': { content: source } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { Probe: ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(solc.compile(JSON.stringify(input)))
  const probe = output.contracts?.['Probe.sol']?.Probe
  if (probe === undefined) throw new Error(`solc: ${JSON.stringify(output.errors)}`)
  return { abi: probe.abi, bytecode: `0x${probe.evm.bytecode.object}` }
}
