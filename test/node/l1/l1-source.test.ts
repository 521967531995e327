import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../common/clock.ts'
import { RpcError, TransportError } from '../../../common/json-rpc.ts'
import { confirmedL1 } from '../../../node/l1/confirmed-l1.ts'
import { type L1HeadEvent, L1Heads } from '../../../node/l1/l1-heads.ts'
import { callsPerBatchMax, type L1Endpoint, L1Rpc, requestsInFlightMax } from '../../../node/l1/l1-rpc.ts'
import { L1Source } from '../../../node/l1/l1-source.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { encodeTransaction, signTransaction } from '../../../protocol/transaction.ts'
import { emptyCodeHash, emptyTrieRoot } from '../../../protocol/trie-root.ts'
import { JsonRpcL1 } from '../../fakes/json-rpc-l1.ts'
import { log } from '../../fakes/l1-parts.ts'

/** Sleeps take no time; the time that would have passed is counted. */
function sleepless() {
  let now = 0
  return {
    nowMs: () => now,
    sleep: async (ms: number) => {
      now += ms
    },
  }
}

function source(endpoints: readonly L1Endpoint[], trustRpc = false) {
  const rpc = new L1Rpc(endpoints, { clock: sleepless(), log, registry: new Registry() })
  const blobs = async () => []
  return new L1Source({ trustRpc }, { rpc, blobSource: { blobs }, log })
}

const down: L1Endpoint = {
  url: 'http://down.test',
  request: async () => {
    throw new TransportError('no answer')
  },
  batch: async () => {
    throw new TransportError('no answer')
  },
}

function withTransactions(count: number): JsonRpcL1 {
  const l1 = new JsonRpcL1()
  for (let nonce = 0; nonce < count; nonce++) {
    const fields = { chainId: 900n, nonce: BigInt(nonce), gasLimit: 21_000n, value: 0n, data: Uint8Array.of(nonce) }
    const fees = { maxPriorityFeePerGas: 1n, maxFeePerGas: 2n, accessList: [], yParity: 0 as const, r: 0n, s: 0n }
    const tx = signTransaction({ type: 2, ...fields, ...fees, to: new Uint8Array(20) }, new Uint8Array(32).fill(1))
    void l1.request('eth_sendRawTransaction', [bytesToHex(encodeTransaction(tx))])
  }
  l1.mine()
  return l1
}

/** Answers of `l1` with one field of one method's result changed. */
function lying(l1: JsonRpcL1, method: string, change: (result: Record<string, unknown>) => void): L1Endpoint {
  const request = async (asked: string, params: readonly unknown[] = []) => {
    const answer = await l1.request(asked, params)
    if (asked === method) change(answer as Record<string, unknown>)
    return answer
  }
  return {
    url: 'http://lying.test',
    request,
    batch: (calls) => Promise.all(calls.map((c) => request(c.method, c.params))),
  }
}

describe('endpoints', () => {
  test('the next endpoint takes over from one that is down or rate-limited', async () => {
    const l1 = new JsonRpcL1()
    const limited = {
      ...down,
      request: async () => {
        throw new RpcError(429, 'too many requests')
      },
    }
    expect(await source([down, limited, l1]).blockRefByLabel('latest')).toMatchObject({ hash: l1.head.hash })
  })

  test('an endpoint that failed is left alone for a while', async () => {
    const l1 = new JsonRpcL1()
    let asked = 0
    const flaky = {
      ...down,
      request: async () => {
        asked++
        throw new TransportError('no answer')
      },
    }
    const l1Source = source([flaky, l1])
    for (let i = 0; i < 5; i++) await l1Source.blockRefByLabel('latest')
    expect(asked).toBe(1)
  })

  test('when all are down the error says that it may be tried again', async () => {
    await expect(source([down]).blockRefByLabel('latest')).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('a block that one endpoint lacks is asked of the others before it counts as missing', async () => {
    const [l1, empty] = [withTransactions(1), new JsonRpcL1()]
    expect(await source([empty, l1]).transactions(l1.head.hash)).toHaveLength(1)
    await expect(source([empty]).transactions(l1.head.hash)).rejects.toMatchObject({ code: 'missing' })
  })

  test('no more requests are in flight than a public provider allows', async () => {
    const l1 = new JsonRpcL1()
    let [inFlight, most] = [0, 0]
    const slow = {
      ...l1,
      request: async (method: string, params?: readonly unknown[]) => {
        most = Math.max(most, ++inFlight)
        await new Promise((done) => setTimeout(done, 1))
        inFlight--
        return l1.request(method, params)
      },
    }
    const l1Source = source([slow])
    await Promise.all(Array.from({ length: 50 }, () => l1Source.blockRefByNumber(0n)))
    expect(most).toBe(requestsInFlightMax)
  })
})

describe('an untrusted server cannot change what is derived', () => {
  const hashOf = (l1: JsonRpcL1) => l1.head.hash

  test.each([
    ['timestamp', '0x1'],
    ['mixHash', `0x${'11'.repeat(32)}`],
    ['baseFeePerGas', '0x2'],
    ['excessBlobGas', '0x20000'],
  ])('a header with another %s is refused', async (field, value) => {
    const l1 = withTransactions(1)
    const liar = lying(l1, 'eth_getBlockByHash', (block) => {
      block[field] = value
    })
    await expect(source([liar]).blockInfoByHash(hashOf(l1))).rejects.toMatchObject({ code: 'invalid' })
    expect(await source([liar, l1]).blockInfoByHash(hashOf(l1))).toMatchObject({ hash: hashOf(l1) })
    await expect(source([liar], true).blockInfoByHash(hashOf(l1))).resolves.toBeDefined()
  })

  test('a left-out transaction is noticed', async () => {
    const l1 = withTransactions(3)
    const liar = lying(l1, 'eth_getBlockByHash', (block) => (block['transactions'] as unknown[]).pop())
    await expect(source([liar]).transactions(hashOf(l1))).rejects.toMatchObject({ code: 'invalid' })
  })

  test('a receipt with another status is noticed', async () => {
    const l1 = withTransactions(2)
    const liar = lying(l1, 'eth_getBlockReceipts', (receipts) => {
      const first = (receipts as unknown as Record<string, unknown>[])[0]
      if (first !== undefined) first['status'] = '0x0'
    })
    await expect(source([liar]).receipts(hashOf(l1))).rejects.toMatchObject({ code: 'invalid' })
  })

  test('a block of another height or hash than asked for is refused', async () => {
    const l1 = withTransactions(2)
    const genesis = l1.chain[0]?.hash as Hex
    const liar = { ...down, request: (method: string) => l1.request(method, ['0x0', false]) }
    await expect(source([liar]).blockRefByNumber(1n)).rejects.toMatchObject({ code: 'invalid' })
    const other = { ...down, request: () => l1.request('eth_getBlockByHash', [genesis, false]) }
    await expect(source([other]).blockRefByHash(hashOf(l1))).rejects.toMatchObject({ code: 'invalid' })
  })
})

test('receipts are read one by one, in batches, where eth_getBlockReceipts is missing', async () => {
  const l1 = withTransactions(callsPerBatchMax + 5)
  l1.intercept = (method) => {
    if (method === 'eth_getBlockReceipts') throw new RpcError(-32601, 'the method does not exist')
    return undefined
  }
  const batches: number[] = []
  const endpoint: L1Endpoint = {
    url: l1.url,
    request: l1.request,
    batch: (calls) => {
      batches.push(calls.length)
      return l1.batch(calls)
    },
  }
  const l1Source = source([endpoint])
  const { receipts } = await l1Source.receipts(l1.head.hash)
  expect(receipts).toHaveLength(callsPerBatchMax + 5)
  expect(batches).toEqual([callsPerBatchMax, 5])
  l1.mine()
  await l1Source.receipts(l1.head.hash)
  expect(l1.asked.filter((method) => method === 'eth_getBlockReceipts')).toHaveLength(1)
})

test('what was read once by hash is not asked for again', async () => {
  const l1 = withTransactions(2)
  const l1Source = source([l1])
  await l1Source.transactions(l1.head.hash)
  await l1Source.receipts(l1.head.hash)
  const asked = l1.asked.length
  await l1Source.transactions(l1.head.hash)
  await l1Source.receipts(l1.head.hash)
  await l1Source.blockInfoByHash(l1.head.hash)
  expect(l1.asked).toHaveLength(asked)
})

test('confirmation depth hides blocks from lookups by number only', async () => {
  const l1 = new JsonRpcL1()
  l1.mine(10)
  const l1Source = source([l1])
  const latest = await l1Source.blockRefByLabel('latest')
  const view = confirmedL1(l1Source, 4n, { latest })
  expect(await view.blockRefByNumber(6n)).toMatchObject({ number: 6n })
  expect(await view.blockRefByNumber(7n)).toBeUndefined()
  expect(await view.blockInfoByHash(l1.head.hash)).toMatchObject({ number: 10n })
})

test('the head poller tells a gap from a reorg', async () => {
  const l1 = new JsonRpcL1()
  const heads = new L1Heads(
    { pollIntervalMs: 1 },
    { l1: source([l1]), clock: sleepless(), log, registry: new Registry() },
  )
  const events: L1HeadEvent[] = []
  heads.on((event) => events.push(event))
  l1.mine(3)
  await heads.poll()
  l1.mine(200)
  await heads.poll()
  l1.mine()
  await heads.poll()
  expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'safe' && kind !== 'finalized')).toEqual([
    'extended',
    'extended',
    'extended',
  ])
  l1.reorg(1)
  await heads.poll()
  expect(events.at(-1)).toMatchObject({ kind: 'reorg', ancestor: { number: 203n } })
  l1.reorg(150)
  l1.mine(2)
  await heads.poll()
  // The newest block this poller saw that both chains have.
  expect(events.at(-1)).toMatchObject({ kind: 'reorg', ancestor: { number: 3n } })
})

describe('a storage word', () => {
  const address: Hex = `0x${'5c'.repeat(20)}`
  const slot: Hex = `0x${'65'.repeat(32)}`
  const zero = `0x${'00'.repeat(32)}`
  /** An L1 whose state is empty, and what it answers for the account and the slot. */
  function withProof(l1: JsonRpcL1, value: Hex, asked = slot): L1Endpoint {
    const account = { address, nonce: '0x0', balance: '0x0', accountProof: [] }
    const request = async (method: string, params: readonly unknown[] = []) => {
      if (method === 'eth_getStorageAt') return `0x${value.slice(2).padStart(64, '0')}`
      if (method !== 'eth_getProof') return await l1.request(method, params)
      return { ...account, ...emptyAccount, storageProof: [{ key: asked, value, proof: [] }] }
    }
    return { url: 'http://proof.test', request, batch: (calls) => l1.batch(calls) }
  }

  test('is what the proof shows', async () => {
    const l1 = new JsonRpcL1()
    expect(await source([withProof(l1, '0x0')]).storageAt(address, slot, l1.head.hash)).toBe(zero)
  })

  test('that is not proven is refused, and so is the proof of another slot', async () => {
    const l1 = new JsonRpcL1()
    const other: Hex = `0x${'66'.repeat(32)}`
    for (const liar of [withProof(l1, '0xb2'), withProof(l1, '0x0', other)]) {
      await expect(source([liar]).storageAt(address, slot, l1.head.hash)).rejects.toMatchObject({ code: 'invalid' })
    }
  })

  test('is believed where the RPC is trusted', async () => {
    const l1 = new JsonRpcL1()
    const word = await source([withProof(l1, '0xb2')], true).storageAt(address, slot, l1.head.hash)
    expect(BigInt(word)).toBe(0xb2n)
  })
})

/** How an account that is not there is described. */
const emptyAccount = { storageHash: bytesToHex(emptyTrieRoot), codeHash: bytesToHex(emptyCodeHash) }

test('a new head that L1 tells of is read at once, not at the next poll', async () => {
  const l1 = new JsonRpcL1()
  let tell: () => void = () => undefined
  let isSubscribed = true
  const heads = new L1Heads(
    { pollIntervalMs: 3_600_000 },
    {
      l1: source([l1]),
      onNewHead: (given) => {
        tell = given
        return () => {
          isSubscribed = false
        }
      },
      clock: systemClock,
      log,
      registry: new Registry(),
    },
  )
  await heads.start()
  const seen = () => new Promise<bigint>((resolve) => heads.on(({ head }) => resolve(head.number)))
  for (const number of [1n, 2n]) {
    const next = seen()
    l1.mine()
    tell()
    expect(await next).toBe(number)
  }
  await heads.stop()
  expect(isSubscribed).toBe(false)
})
