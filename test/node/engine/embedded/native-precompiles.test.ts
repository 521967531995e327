import { type Abi, encodeFunctionData } from 'viem'
import { expect, test } from 'vitest'
import { loadArtifact } from '../../../../contracts/artifact.ts'
import { nativePrecompiles } from '../../../../precompiles-sim/evm-adapter.ts'
import { royaltyGraph } from '../../../../precompiles-sim/royalty-graph.ts'
import { precompiles } from '../../../../precompiles-sim/table.ts'
import { bytesToHex, concatBytes, hexToBytes } from '../../../../protocol/bytes.ts'
import { account, EngineWorld, forksUntil, genesisWith, transfer } from './engine-world.ts'

const registry = hexToBytes('0x4f4c000000000000000000000000000000000002')
const graph = hexToBytes(royaltyGraph.address)
/** Passes its calldata on to the graph, and reverts where the graph does. */
const forwarder = concatBytes(
  hexToBytes('0x36600060003760006000366000600073'),
  graph,
  hexToBytes('0x5af1602d57600080fd5b00'),
)

test('a chain with native precompiles keeps the same storage as one that runs their bytecode', async () => {
  const genesis = genesisWith(forksUntil('jovian'), [
    ...precompiles.map(({ name, address }) =>
      account(hexToBytes(address), { code: hexToBytes(loadArtifact(name).deployedBytecode) }),
    ),
    account(registry, { code: forwarder }),
  ])
  const worlds = [
    await EngineWorld.open(genesis),
    await EngineWorld.open(genesis, { customPrecompiles: nativePrecompiles }),
  ]
  const seen: { answers: string[]; gas: bigint }[] = []
  for (const world of worlds) {
    await world.mine([setEdge(0n, 3n, 1n), setEdge(1n, 3n, 2n)])
    const { executionPayload } = await world.mine([setEdge(2n, 5n, 3n), setEdge(3n, 2n, 9n)])
    const receipts = world.chain.receiptsByHash(executionPayload.blockHash) ?? []
    // The last would close a cycle.
    expect(receipts.map(({ receipt }) => receipt.status)).toEqual([1, 0])
    const ask = async (functionName: string, args: readonly unknown[]) =>
      bytesToHex((await world.chain.call('pending', { to: graph, data: data(functionName, args) })).output)
    seen.push({
      answers: [await ask('ancestors', [5n, 9n]), await ask('flatten', [5n, 9n]), await ask('parents', [3n])],
      gas: executionPayload.gasUsed,
    })
    await world.close()
  }
  expect(seen[1]?.answers).toEqual(seen[0]?.answers)
  expect(seen[0]?.answers[0]).toContain('3'.padStart(64, '0'))
  expect(seen[1]?.gas).toBeLessThan(seen[0]?.gas ?? 0n)
})

function setEdge(nonce: bigint, child: bigint, parent: bigint): Uint8Array {
  return transfer(1, nonce, {
    to: registry,
    value: 0n,
    data: data('setEdge', [child, parent, 500, 1]),
    gasLimit: 500_000n,
  })
}

function data(functionName: string, args: readonly unknown[]): Uint8Array {
  return hexToBytes(encodeFunctionData({ abi: loadArtifact('RoyaltyGraph').abi as Abi, functionName, args }))
}
