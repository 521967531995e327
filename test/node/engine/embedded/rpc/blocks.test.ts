import { createPublicClient, http, parseGwei } from 'viem'
import { chainConfig } from 'viem/op-stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { minerMethods } from '../../../../../node/engine/embedded/rpc/miner-methods.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../../../../protocol/bytes.ts'
import { headerHash } from '../../../../../protocol/header.ts'
import { encodeReceipt } from '../../../../../protocol/receipt.ts'
import { headerFromRpc, receiptFromRpc, transactionFromRpc } from '../../../../../protocol/rpc-json.ts'
import { encodeTransaction } from '../../../../../protocol/transaction.ts'
import { orderedTrieRoot } from '../../../../../protocol/trie-root.ts'
import { accounts, RpcWorld, testChain, userDeposit } from './rpc-world.ts'

let world: RpcWorld
const recipient: Hex = `0x${'55'.repeat(20)}`

beforeAll(async () => {
  world = await RpcWorld.open()
})
afterAll(() => world.close())

/** A client that reads the OP Stack's own fields. */
const opClient = () =>
  createPublicClient({
    chain: { ...testChain, ...chainConfig },
    transport: http(`http://${world.url}`),
    pollingInterval: 10,
  })

describe('transactions of every type', () => {
  test('are sent, included and read back with their fees', async () => {
    const client = opClient()
    const wallet = world.walletClient(0)
    const fees = { maxFeePerGas: parseGwei('5'), maxPriorityFeePerGas: parseGwei('1') }
    const hashes = [
      await wallet.sendTransaction({ to: recipient, value: 1n, nonce: 0, ...fees }),
      await wallet.sendTransaction({ to: recipient, value: 2n, nonce: 1, type: 'legacy', gasPrice: parseGwei('3') }),
      await wallet.sendTransaction({
        to: recipient,
        value: 3n,
        nonce: 2,
        type: 'eip2930',
        gasPrice: parseGwei('3'),
        accessList: [{ address: recipient, storageKeys: [zeroHash] }],
      }),
    ]
    for (const hash of hashes) expect(await client.getTransaction({ hash })).toMatchObject({ blockHash: null })
    await world.mine()
    for (const [index, hash] of hashes.entries()) {
      const transaction = await client.getTransaction({ hash })
      const receipt = await client.waitForTransactionReceipt({ hash })
      expect(transaction).toMatchObject({ blockNumber: 1n, value: BigInt(index + 1), to: recipient })
      expect(receipt).toMatchObject({ status: 'success', blockNumber: 1n, transactionIndex: index + 1 })
      expect(receipt.l1Fee).toBeGreaterThan(0n)
      expect(receipt.l1GasPrice).toBe(1_000_000_000n)
      expect(receipt.effectiveGasPrice).toBe(transaction.gasPrice)
    }
    expect(await client.getBalance({ address: recipient })).toBe(6n)
  })

  test('the sender pays exactly gas, value and L1 fee', async () => {
    const client = opClient()
    const [, sender] = accounts
    if (sender === undefined) throw new Error('no account')
    const before = await client.getBalance({ address: sender.address })
    const hash = await world.walletClient(1).sendTransaction({ to: recipient, value: 7n })
    await world.mine()
    const { gasUsed, effectiveGasPrice, l1Fee } = await client.getTransactionReceipt({ hash })
    const after = await client.getBalance({ address: sender.address })
    expect(before - after).toBe(7n + gasUsed * effectiveGasPrice + (l1Fee ?? 0n))
  })

  test('a set-code transaction delegates, and shows its authorizations', async () => {
    const client = opClient()
    const wallet = world.walletClient(2)
    const authorization = await wallet.signAuthorization({ contractAddress: recipient, executor: 'self' })
    const hash = await wallet.sendTransaction({ to: recipient, authorizationList: [authorization] })
    await world.mine()
    expect(await client.getTransaction({ hash })).toMatchObject({
      type: 'eip7702',
      authorizationList: [{ address: recipient }],
    })
    expect(await client.getCode({ address: wallet.account.address })).toBe(`0xef0100${recipient.slice(2)}`)
  })

  test('a deposit shows what op-geth shows', async () => {
    const client = opClient()
    const deposit = userDeposit({ mint: 10n ** 18n, value: 5n })
    const { executionPayload } = await world.mine({ deposits: [deposit] })
    const block = await client.getBlock({ blockHash: executionPayload.blockHash, includeTransactions: true })
    expect(block.transactions.slice(0, 2)).toMatchObject([
      { type: 'deposit', isSystemTx: undefined, mint: 0n, from: '0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001' },
      {
        type: 'deposit',
        isSystemTx: undefined,
        mint: 10n ** 18n,
        value: 5n,
        sourceHash: bytesToHex(deposit.sourceHash),
      },
    ])
    const hash = block.transactions[1]?.hash ?? zeroHash
    const { result } = await world.rpc('eth_getTransactionReceipt', hash)
    expect(result).toMatchObject({
      type: '0x7e',
      status: '0x1',
      depositNonce: '0x0',
      depositReceiptVersion: '0x1',
      effectiveGasPrice: '0x0',
      contractAddress: null,
    })
    expect(result).not.toHaveProperty('l1Fee')
  })
})

describe('blocks', () => {
  test('hash to what they say, with the transactions and receipts they commit to', async () => {
    const head = Number(await world.publicClient().getBlockNumber())
    expect(head).toBeGreaterThan(3)
    for (let number = 1; number <= head; number++) {
      const tag = `0x${number.toString(16)}`
      const block = (await world.rpc('eth_getBlockByNumber', tag, true)).result as Record<string, unknown>
      const header = headerFromRpc(block)
      const transactions = (block['transactions'] as unknown[]).map(transactionFromRpc).map(encodeTransaction)
      const receipts = ((await world.rpc('eth_getBlockReceipts', tag)).result as unknown[]).map(receiptFromRpc)
      expect(bytesToHex(headerHash(header))).toBe(block['hash'])
      expect(orderedTrieRoot(transactions)).toEqual(header.transactionsRoot)
      expect(orderedTrieRoot(receipts.map(encodeReceipt))).toEqual(header.receiptsRoot)
      const raw = (await world.rpc('debug_getRawReceipts', tag)).result
      expect(raw).toEqual(receipts.map((receipt) => bytesToHex(encodeReceipt(receipt))))
      const rawBlock = hexToBytes(String((await world.rpc('debug_getRawBlock', tag)).result))
      expect(block['size']).toBe(`0x${rawBlock.length.toString(16)}`)
    }
  })

  test.each([
    ['latest', 'head'],
    ['pending', 'head'],
    ['safe', 'genesis'],
    ['finalized', 'genesis'],
    ['earliest', 'genesis'],
  ])('the tag %s means the %s', async (tag, which) => {
    const wanted = which === 'head' ? world.chain.head('latest') : world.chain.blockByNumber(0n)
    const { result } = await world.rpc('eth_getBlockByNumber', tag, false)
    expect(result).toMatchObject({ hash: wanted?.hash })
  })

  test.each([
    ['eth_getBlockByNumber', ['0xffffff', false]],
    ['eth_getBlockByHash', [zeroHash, false]],
    ['eth_getHeaderByNumber', ['0xffffff']],
    ['eth_getBlockReceipts', ['0xffffff']],
    ['eth_getBlockTransactionCountByNumber', ['0xffffff']],
    ['eth_getTransactionByHash', [zeroHash]],
    ['eth_getTransactionReceipt', [zeroHash]],
    ['eth_getTransactionByBlockNumberAndIndex', ['0x1', '0xff']],
    ['eth_getRawTransactionByHash', [zeroHash]],
  ])('%s of something unknown is null', async (method, params) => {
    expect(await world.rpc(method, ...params)).toMatchObject({ result: null })
  })

  test.each([
    ['eth_getBlockByNumber', ['newest', false], -32602],
    ['eth_getBlockByHash', ['0x12', false], -32602],
    ['eth_getBlockByNumber', ['latest', 'yes'], -32602],
    ['eth_getBalance', ['0x12', 'latest'], -32602],
    ['eth_getBalance', [recipient, '0xffffff'], -32000],
    ['eth_getBalance', [recipient, { blockHash: zeroHash }], -32000],
    ['eth_noSuchMethod', [], -32601],
  ])('%s with %o answers %d', async (method, params, code) => {
    expect(await world.rpc(method, ...params)).toMatchObject({ error: { code } })
  })

  test('a block hash that left the chain is refused where the canonical one is required', async () => {
    const fork = world.chain.head('latest')?.header.parentHash ?? new Uint8Array()
    const { blockHash: gone } = (await world.mine()).executionPayload
    await world.mine({ parent: bytesToHex(fork), deposits: [userDeposit({})] })
    const ask = (requireCanonical: boolean) =>
      world.rpc('eth_getBalance', recipient, { blockHash: gone, requireCanonical })
    expect(await ask(false)).toHaveProperty('result')
    expect(await ask(true)).toMatchObject({ error: { message: 'hash is not currently canonical' } })
  })
})

describe('small methods', () => {
  test.each([
    ['eth_chainId', [], '0x275b1'],
    ['net_version', [], '161201'],
    ['net_listening', [], false],
    ['net_peerCount', [], '0x0'],
    ['web3_clientVersion', [], 'openledger/test'],
    ['web3_sha3', ['0x'], '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
    ['eth_syncing', [], false],
    ['eth_accounts', [], []],
    ['eth_blobBaseFee', [], '0x1'],
    ['eth_getUncleCountByBlockNumber', ['latest'], '0x0'],
    ['txpool_status', [], { pending: '0x0', queued: '0x0' }],
  ])('%s', async (method, params, result) => {
    expect(await world.rpc(method, ...params)).toMatchObject({ result })
  })
})

test('a limit on block data keeps transactions waiting, and lets them go when it is lifted', async () => {
  const { miner_setMaxDASize: setMaxDaSize } = minerMethods(world.engine)
  const context = { closed: new AbortController().signal }
  expect(setMaxDaSize?.(['0x1', '0x1'], context)).toBe(true)
  await world.walletClient(6).sendTransaction({ to: recipient, value: 1n })
  expect((await world.mine()).executionPayload.transactions).toHaveLength(1)
  setMaxDaSize?.(['0x0', '0x0'], context)
  expect((await world.mine()).executionPayload.transactions).toHaveLength(2)
  expect(() => setMaxDaSize?.([1, 2], context)).toThrow('0x quantity')
})
