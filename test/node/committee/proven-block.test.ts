import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockOf, originAt, proveOrigin } from '../../../node/committee/proven-block.ts'
import { bytesToHex, type Hex, hexToBytes, parseQuantity, quantity } from '../../../protocol/bytes.ts'
import { decodeHeader } from '../../../protocol/header.ts'
import { keccak256, keccakHex } from '../../../protocol/keccak.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'

let chain: LedgerChain
/** Blocks by their origin: three of 100, one of 101, two of 102, three of 103. */
const origins = [100n, 100n, 100n, 101n, 102n, 102n, 103n, 103n, 103n]
let first: bigint
beforeAll(async () => {
  chain = await LedgerChain.open()
  for (const origin of origins) {
    chain.origin = origin
    const { number } = await chain.mine()
    first ??= number
  }
}, 60_000)
afterAll(() => chain.close())

const latest = async () => parseQuantity(await chain.rpc.request('eth_blockNumber'), 'number')

test('a block of each L1 origin is found, and none of an origin that has none', async () => {
  for (const origin of [100n, 101n, 102n, 103n]) {
    const block = await blockOf(chain.rpc, origin, await latest())
    expect(block).toBeDefined()
    expect(await originAt(chain.rpc, block ?? 0n)).toBe(origin)
  }
  expect(await blockOf(chain.rpc, 104n, await latest())).toBeUndefined()
  expect(await originAt(chain.rpc, 'latest')).toBe(103n)
})

test('its header is the block’s to the hash, with the randomness that draws, and the proof begins at its state', async () => {
  const block = first + 5n
  const shown = await proveOrigin(chain.rpc, block)
  const json = (await chain.rpc.request('eth_getBlockByNumber', [quantity(block), false])) as Record<string, Hex>
  expect(keccakHex(hexToBytes(shown.header))).toBe(json['hash'])
  const header = decodeHeader(hexToBytes(shown.header))
  expect(bytesToHex(header.prevRandao)).toBe(json['mixHash'])
  expect(keccak256(hexToBytes(shown.accountProof[0] ?? '0x'))).toEqual(header.stateRoot)
  expect(shown.storageProof.length).toBeGreaterThan(0)
  await expect(proveOrigin(chain.rpc, 10_000n)).rejects.toThrow('no block 10000')
})
