import { expect, test } from 'vitest'
import { RpcError } from '../../../common/json-rpc.ts'
import { readBlock } from '../../../node/l1/read-block.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { headerHash } from '../../../protocol/header.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { encodeTransaction, signTransaction } from '../../../protocol/transaction.ts'
import { orderedTrieRoot } from '../../../protocol/trie-root.ts'
import { JsonRpcL1 } from '../../fakes/json-rpc-l1.ts'

/** A transaction of a type nobody knows yet. */
const future = Uint8Array.of(0x55, 1, 2, 3)

const known = signTransaction(
  {
    type: 2,
    chainId: 900n,
    nonce: 0n,
    gasLimit: 21_000n,
    value: 0n,
    data: Uint8Array.of(1),
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 2n,
    accessList: [],
    to: new Uint8Array(20),
    yParity: 0,
    r: 0n,
    s: 0n,
  },
  new Uint8Array(32).fill(1),
)

/** A block with a known and an unknown transaction; `raw` answers for the bytes of the latter. */
async function futureBlock(rawMethod: string, raw: Uint8Array | null = future) {
  const l1 = new JsonRpcL1()
  await l1.request('eth_sendRawTransaction', [bytesToHex(encodeTransaction(known))])
  l1.mine()
  const header = {
    ...l1.head.header,
    transactionsRoot: orderedTrieRoot([encodeTransaction(known), future]),
  }
  const json = (await l1.request('eth_getBlockByHash', [l1.head.hash, true])) as Record<string, unknown>
  const hash = bytesToHex(headerHash(header))
  const block = {
    ...json,
    hash,
    transactionsRoot: bytesToHex(header.transactionsRoot),
    transactions: [
      ...(json['transactions'] as unknown[]),
      { type: '0x55', hash: keccakHex(future), blobVersionedHashes: [`0x01${'00'.repeat(31)}`] },
    ],
  }
  const request = async (method: string) => {
    if (method === 'eth_getBlockByHash') return block
    if (method === rawMethod) return raw === null ? null : bytesToHex(raw)
    throw new RpcError(-32601, 'the method does not exist')
  }
  return { endpoint: { request }, block, hash }
}

test.each(['eth_getRawTransactionByHash', 'debug_getRawTransaction'])(
  'a transaction of unknown type does not stall derivation: its bytes come by %s and the root holds them',
  async (method) => {
    const { endpoint, hash } = await futureBlock(method)
    const read = await readBlock(endpoint, hash, { trust: false })
    expect(read?.transactions.map(({ type, hash }) => [type, hash])).toEqual([
      [2, keccakHex(encodeTransaction(known))],
      [0x55, keccakHex(future)],
    ])
    // A later blob transaction of the batcher has its blobs behind this one's.
    expect(read?.transactions[1]?.blobVersionedHashes).toHaveLength(1)
    expect(() => read?.transactions[1]?.sender()).toThrow('type 85')
  },
)

test('a batcher transaction cannot be passed off as one of unknown type', async () => {
  const honest = await futureBlock('eth_getRawTransactionByHash')
  const [first] = honest.block.transactions as Record<string, unknown>[]
  if (first !== undefined) first['type'] = '0x55'
  const lies: (Uint8Array | null)[] = [encodeTransaction(known), Uint8Array.of(0x55), null]
  for (const lie of lies) {
    const request = async (method: string, params: readonly unknown[] = []) => {
      if (params[0] !== first?.['hash'] || method === 'eth_getBlockByHash') return honest.endpoint.request(method)
      return lie === null ? null : bytesToHex(lie)
    }
    await expect(readBlock({ request }, honest.hash, { trust: false })).rejects.toMatchObject({ name: 'FormatError' })
  }
})

test('a server without the bytes is refused with what to do about it, unless it is trusted', async () => {
  const { endpoint, hash } = await futureBlock('none')
  await expect(readBlock(endpoint, hash, { trust: false })).rejects.toThrow('--l1.trustrpc')
  expect((await readBlock(endpoint, hash as Hex, { trust: true }))?.transactions).toHaveLength(2)
})
