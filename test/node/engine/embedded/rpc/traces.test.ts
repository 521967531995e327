import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hex } from '../../../../../protocol/bytes.ts'
import { compileProbe } from './probe-contract.ts'
import { accounts, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
let probe: Hex
let nested: Hex
const { abi, bytecode } = compileProbe()
const data = (functionName: string, ...args: unknown[]) => encodeFunctionData({ abi, functionName, args })
const from = accounts[0]?.address.toLowerCase()

beforeAll(async () => {
  world = await RpcWorld.open()
  const wallet = world.walletClient(0)
  const deployed = await wallet.deployContract({ abi, bytecode })
  await world.mine()
  const { contractAddress } = await world.publicClient().getTransactionReceipt({ hash: deployed })
  if (contractAddress == null) throw new Error('the probe was not deployed')
  probe = contractAddress.toLowerCase() as Hex
  // Something before it in the block, so that a trace has to replay.
  await wallet.writeContract({ address: probe, abi, functionName: 'set', args: [1n] })
  nested = await wallet.writeContract({ address: probe, abi, functionName: 'nested', args: [2n] })
  await world.mine()
})
afterAll(() => world.close())

type Frame = {
  type: string
  to: string
  error?: string
  revertReason?: string
  calls?: Frame[]
  gas: Hex
  gasUsed: Hex
  logs?: unknown[]
}

describe('callTracer', () => {
  test('tells a plain call of a static frame from a static one, and a write in it by geth’s words', async () => {
    const at = (end: string) => `0x${end.padStart(40, '0')}`
    const stateOverrides = {
      // staticcall(gas, 0xbb, …), call(gas, 0xcc, …), sstore(0, 1)
      [at('aa')]: { code: '0x600060006000600060bb5afa00' },
      [at('bb')]: { code: '0x6000600060006000600060cc5af100' },
      [at('cc')]: { code: '0x6001600055' },
    }
    const options = { tracer: 'callTracer', stateOverrides }
    const { result } = await world.rpc('debug_traceCall', { to: at('aa'), gas: '0x100000' }, 'latest', options)
    expect(result).toMatchObject({
      type: 'CALL',
      calls: [{ type: 'STATICCALL', to: at('bb'), calls: [{ type: 'CALL', to: at('cc'), error: 'write protection' }] }],
    })
  })

  test('names no contract where a creation failed', async () => {
    const { result } = await world.rpc('debug_traceCall', { data: '0xfe', gas: '0x100000' }, 'latest', {
      tracer: 'callTracer',
    })
    expect(result).toMatchObject({ type: 'CREATE', error: expect.any(String) })
    expect(result).not.toHaveProperty('to')
  })

  test('shows the tree of a transaction as its receipt ended', async () => {
    const { result } = await world.rpc('debug_traceTransaction', nested, {
      tracer: 'callTracer',
      tracerConfig: { withLog: true },
    })
    const receipt = await world.publicClient().getTransactionReceipt({ hash: nested })
    const transaction = await world.publicClient().getTransaction({ hash: nested })
    const root = result as Frame
    expect(root).toMatchObject({
      type: 'CALL',
      from,
      to: probe,
      value: '0x0',
      gasUsed: `0x${receipt.gasUsed.toString(16)}`,
    })
    expect(root.gas).toBe(`0x${transaction.gas.toString(16)}`)
    expect(root).not.toHaveProperty('error')
    expect(root.calls).toMatchObject([
      { type: 'CALL', from: probe, to: probe, input: data('set', 2n), logs: [{ address: probe }] },
      { type: expect.stringMatching(/CALL$/), to: probe, error: 'execution reverted', revertReason: 'inner' },
      { type: 'CREATE', from: probe, to: expect.stringMatching(/^0x[0-9a-f]{40}$/) },
    ])
  })

  test('only the top call where asked', async () => {
    const config = { tracer: 'callTracer', tracerConfig: { onlyTopCall: true } }
    const { result } = await world.rpc('debug_traceTransaction', nested, config)
    expect(result).not.toHaveProperty('calls')
  })

  test('traces a call that was never sent, with its failure', async () => {
    const call = { from, to: probe, data: data('refuse', 'why not') }
    const { result } = await world.rpc('debug_traceCall', call, 'latest', { tracer: 'callTracer' })
    expect(result).toMatchObject({ type: 'CALL', error: 'execution reverted', revertReason: 'why not' })
  })

  test('a block is the list of its transactions', async () => {
    const { result } = await world.rpc('debug_traceBlockByNumber', 'latest', { tracer: 'callTracer' })
    const block = await world.publicClient().getBlock()
    expect((result as { txHash: Hex }[]).map(({ txHash }) => txHash)).toEqual(block.transactions)
  })
})

describe('prestateTracer', () => {
  const zero = `0x${'0'.repeat(64)}`
  const word = (digit: number) => `0x${digit.toString().padStart(64, '0')}`

  test('names what the transaction needs, as it was before it', async () => {
    const { result } = await world.rpc('debug_traceTransaction', nested, { tracer: 'prestateTracer' })
    const pre = result as Record<string, { nonce?: number; code?: string; storage?: Record<string, string> }>
    expect(pre[probe]?.code).toMatch(/^0x60/)
    expect(pre[probe]?.storage?.[zero]).toBe(word(1))
    expect(pre[String(from)]?.nonce).toBe(2)
  })

  test('as a difference, names what it changed', async () => {
    const config = { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }
    const { result } = await world.rpc('debug_traceTransaction', nested, config)
    const { pre, post } = result as Record<
      'pre' | 'post',
      Record<string, { nonce?: number; storage?: Record<string, string> }>
    >
    expect(pre[probe]?.storage?.[zero]).toBe(word(1))
    expect(post[probe]?.storage?.[zero]).toBe(word(2))
    expect([pre[String(from)]?.nonce, post[String(from)]?.nonce]).toEqual([2, 3])
  })
})

describe('other tracers', () => {
  test('the default one lists the opcodes', async () => {
    const { result } = await world.rpc('debug_traceTransaction', nested, {})
    const { structLogs, failed } = result as {
      structLogs: { op: string; depth: number; stack: string[] }[]
      failed: boolean
    }
    expect(failed).toBe(false)
    expect(structLogs[0]).toMatchObject({ pc: 0, op: 'PUSH1', depth: 1, stack: [] })
    expect(structLogs.some(({ op }) => op === 'SSTORE')).toBe(true)
    expect(Math.max(...structLogs.map(({ depth }) => depth))).toBe(2)
    const limited = await world.rpc('debug_traceTransaction', nested, { limit: 5, disableStack: true })
    expect((limited.result as { structLogs: unknown[] }).structLogs).toHaveLength(5)
  })

  test.each([
    [[`0x${'00'.repeat(32)}`, {}], 'transaction not found'],
    [['0x12', {}], 'hash must be'],
  ])('%o is refused', async (params, message) => {
    expect((await world.rpc('debug_traceTransaction', ...params)).error?.message).toContain(message)
  })
})
