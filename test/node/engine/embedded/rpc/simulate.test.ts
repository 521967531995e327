import { encodeFunctionData, getContractAddress, type Hex, parseEther } from 'viem'
import { simulateBlocks, simulateCalls } from 'viem/actions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileProbe } from './probe-contract.ts'
import { accounts, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
let probe: Hex
const { abi, bytecode } = compileProbe()
const [alice, bob] = accounts.map(({ address }) => address) as [Hex, Hex]
const nobody: Hex = `0x${'99'.repeat(20)}`
const nativeCoin = '0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee'

beforeAll(async () => {
  world = await RpcWorld.open()
  const hash = await world.walletClient(0).deployContract({ abi, bytecode })
  await world.mine()
  const { contractAddress } = await world.publicClient().getTransactionReceipt({ hash })
  probe = contractAddress as Hex
})
afterAll(() => world.close())

const data = (functionName: string, ...args: unknown[]) => encodeFunctionData({ abi, functionName, args })

type SimulatedCall = {
  readonly returnData: Hex
  readonly status: Hex
  readonly gasUsed: Hex
  readonly maxUsedGas: Hex
  readonly logs: readonly {
    readonly address: Hex
    readonly logIndex: Hex
    readonly topics: Hex[]
    readonly data: Hex
  }[]
  readonly error?: object
}
type SimulatedBlock = Readonly<Record<string, unknown>> & { readonly calls: readonly SimulatedCall[] }

const simulate = async (request: object) =>
  (await world.rpc('eth_simulateV1', request, 'latest')) as {
    result: SimulatedBlock[]
    error?: { code: number; message: string }
  }

describe('eth_simulateV1', () => {
  test('viem: blocks see what the blocks before them did, and the chain sees nothing', async () => {
    const client = world.publicClient()
    const before = await client.getBlock()
    const set = { account: alice, to: probe, abi, functionName: 'set', args: [41n] } as const
    const get = { account: alice, to: probe, abi, functionName: 'value' } as const
    const [first, second] = await simulateBlocks(client, {
      blocks: [{ calls: [set, get] }, { blockOverrides: { number: before.number + 2n }, calls: [get] }],
    })
    expect(first?.calls.map(({ status, result }) => [status, result])).toEqual([
      ['success', null],
      ['success', 41n],
    ])
    expect(first?.calls[0]?.logs).toHaveLength(1)
    expect(first?.calls[0]?.logs?.[0]?.blockHash).toBe(first?.hash)
    expect(second?.calls[0]?.result).toBe(41n)
    expect([first?.number, second?.number]).toEqual([before.number + 1n, before.number + 2n])
    expect(second?.parentHash).toBe(first?.hash)
    expect(first?.stateRoot).not.toBe(before.stateRoot)
    expect(await client.readContract({ address: probe, abi, functionName: 'value' })).toBe(0n)
    expect((await client.getBlock()).hash).toBe(before.hash)
  })

  test('viem: asset changes of calls, with native transfers among the logs', async () => {
    const { assetChanges, results } = await simulateCalls(world.publicClient(), {
      account: alice,
      calls: [{ to: bob, value: parseEther('1.5') }],
      traceAssetChanges: true,
    })
    expect(results[0]).toMatchObject({ status: 'success', gasUsed: 21_000n })
    expect(assetChanges.map(({ value }) => value.diff)).toEqual([-parseEther('1.5')])
  })

  test('the gas and the logs are those of the mined transaction, refunds apart', async () => {
    const call = { from: alice, to: probe, data: data('nested', 3n) }
    const { result } = await simulate({ blockStateCalls: [{ calls: [call] }] })
    const simulated = result[0]?.calls[0]
    const hash = await world.walletClient(0).sendTransaction({ to: probe, data: call.data, gas: 1_000_000n })
    await world.mine()
    const receipt = await world.publicClient().getTransactionReceipt({ hash })
    expect(BigInt(simulated?.gasUsed ?? 0)).toBe(receipt.gasUsed)
    expect(BigInt(simulated?.maxUsedGas ?? 0)).toBeGreaterThanOrEqual(receipt.gasUsed)
    expect(simulated?.logs.map(({ topics, data }) => ({ topics, data }))).toEqual(
      receipt.logs.map(({ topics, data }) => ({ topics, data })),
    )
  })

  test('transfers stand where they happened among the logs, and those of a failed frame are gone', async () => {
    const calls = [
      { from: alice, to: probe, data: data('set', 1n), value: '0x5' },
      { from: alice, to: probe, data: data('refuse', 'no'), value: '0x0' },
      { from: nobody, to: bob, value: '0x1' },
    ]
    const stateOverrides = { [nobody]: { balance: '0x1' } }
    const { result } = await simulate({ blockStateCalls: [{ calls, stateOverrides }], traceTransfers: true })
    const done = result[0]?.calls ?? []
    expect(done.map(({ status }) => status)).toEqual(['0x1', '0x0', '0x1'])
    expect(done[0]?.logs.map(({ address }) => address)).toEqual([nativeCoin, probe.toLowerCase()])
    expect(done[1]?.error).toMatchObject({ code: 3, message: 'execution reverted: no' })
    expect(done[2]?.logs[0]).toMatchObject({ address: nativeCoin, logIndex: '0x2', data: `0x${'1'.padStart(64, '0')}` })
  })

  test('a contract made in one block is called in the next, with overridden time and number', async () => {
    const nonce = await world.publicClient().getTransactionCount({ address: alice })
    const to = getContractAddress({ from: alice, nonce: BigInt(nonce) })
    const { result } = await simulate({
      blockStateCalls: [
        { calls: [{ from: alice, data: bytecode }] },
        { blockOverrides: { time: '0x77777777' }, calls: [{ from: alice, to, data: data('env') }] },
      ],
      returnFullTransactions: true,
    })
    const call = result[1]?.calls[0]
    expect(BigInt(`0x${call?.returnData.slice(66, 130)}`)).toBe(0x77777777n)
    expect(result[0]?.['transactions']).toMatchObject([{ from: alice.toLowerCase(), nonce: `0x${nonce.toString(16)}` }])
  })

  test('gaps between numbers are filled, and BLOCKHASH knows the simulated blocks', async () => {
    const head = await world.publicClient().getBlockNumber()
    // BLOCKHASH(NUMBER - 1), returned.
    const code = '0x600143034060005260206000f3'
    const { result } = await simulate({
      blockStateCalls: [
        {
          blockOverrides: { number: `0x${(head + 4n).toString(16)}` },
          stateOverrides: { [nobody]: { code } },
          calls: [{ to: nobody }],
        },
      ],
    })
    expect(result.map(({ number }) => BigInt(String(number)))).toEqual([1n, 2n, 3n, 4n].map((i) => head + i))
    expect(result[3]?.calls[0]?.returnData).toBe(result[2]?.['hash'])
  })

  test.each([
    ['a stale nonce', { validation: true }, { nonce: '0x0', maxFeePerGas: '0xffffffffff' }, -38010],
    ['a nonce too high', { validation: true }, { nonce: '0xff', maxFeePerGas: '0xffffffffff' }, -38011],
    ['no fee', { validation: true }, {}, -38012],
    ['too little gas', {}, { gas: '0x1' }, -38013],
    ['too little money', {}, { value: `0x${'f'.repeat(32)}` }, -38014],
    ['more gas than the block has', {}, { gas: '0xffffffff' }, -38015],
  ])('a call with %s ends the simulation with its own code', async (_, options, call, code) => {
    const blockStateCalls = [{ calls: [{ from: alice, to: bob, ...call }] }]
    expect((await simulate({ blockStateCalls, ...options })).error?.code).toBe(code)
  })

  test.each([
    ['a number that is not after the head', [{ blockOverrides: { number: '0x0' } }], -38020],
    ['a time that is not after the head', [{ blockOverrides: { time: '0x1' } }], -38021],
    ['a number far away', [{ blockOverrides: { number: '0xffff' } }], -38026],
    ['blobs', [{ blockOverrides: { blobBaseFee: '0x1' } }], -32602],
    ['withdrawals', [{ blockOverrides: { withdrawals: [{}] } }], -32602],
    ['nothing', [], -32602],
    ['too many blocks', Array.from({ length: 257 }, () => ({})), -32602],
  ])('blocks with %s are refused', async (_, blockStateCalls, code) => {
    expect((await simulate({ blockStateCalls })).error?.code).toBe(code)
  })

  test('all calls together get the gas of one eth_call', async () => {
    // INVALID takes all the gas there is.
    const stateOverrides = { [nobody]: { code: '0xfe' } }
    const calls = [{ from: alice, to: nobody, gas: '0x1c9c380' }]
    const blocks = [1, 2, 3].map(() => ({ calls, stateOverrides }))
    const { result } = await simulate({ blockStateCalls: blocks.slice(0, 2) })
    expect(result.map(({ gasUsed }) => BigInt(String(gasUsed)))).toEqual([30_000_000n, 20_000_000n])
    expect((await simulate({ blockStateCalls: blocks })).error).toMatchObject({ code: -38026 })
  })
})
