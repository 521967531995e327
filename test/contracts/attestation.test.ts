import { type Abi, decodeFunctionResult, encodeFunctionData, toFunctionSelector } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'

const context: Hex = '0x4f4c000000000000000000000000000000000010'
const probe: Hex = `0x${'9b'.repeat(20)}`
const hash = (text: string) => bytesToHex(keccak256(new TextEncoder().encode(text))).slice(2)
const requestId = hash('req-1').slice(0, 32)
const root = hash('root-1')
const outer: Hex = '0x01010100000000000000aa'
const inner: Hex = `0x010205${'00000000000000bb'}${requestId}`

let chain: MoneyChain
let alice: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  alice = chain.actor('alice')
  const { abi, bytecode } = loadArtifact('ContextProbe')
  await chain.evm.place(probe, abi, hexToBytes(bytecode))
})

const probeAbi = loadArtifact('ContextProbe').abi as unknown as Abi
const probeData = (functionName: string, args: unknown[] = []) =>
  encodeFunctionData({ abi: probeAbi, functionName, args })
const withAttribution = (payload: Hex, target: Hex, data: Hex, value = 0n) =>
  chain.send(alice, 'AttributionLedger', 'withAttribution', [payload, target, data], { value })
/** What the probe returned through `withAttribution`. */
const decoded = (functionName: string, result: unknown) =>
  decodeFunctionResult({ abi: probeAbi, functionName, data: result as Hex })

describe('attest', () => {
  const zero: Hex = `0x${'00'.repeat(16)}`
  const declared = async (payload: Hex) => {
    const { events } = await chain.send(alice, 'AttributionLedger', 'attest', [payload])
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ name: 'AttributionDeclared', args: { payload } })
    const { sender, kind, modelId, datanetId, requestId } = events[0]?.args ?? {}
    expect(String(sender).toLowerCase()).toBe(alice.address)
    return { kind, modelId, datanetId, requestId }
  }

  test('declares what the golden payloads say', async () => {
    const id: Hex = `0x${requestId}`
    expect(await declared(`0x0101050000000000000007${requestId}`)).toEqual({
      ...{ kind: 1, modelId: 7n, datanetId: 0n, requestId: id },
    })
    expect(await declared(`0x01020f0000000000000007000000000000000300000002${requestId}${root}`)).toEqual({
      ...{ kind: 2, modelId: 7n, datanetId: 3n, requestId: id },
    })
    expect(await declared(`0x01030a000000000000000300000002${root}`)).toEqual({
      ...{ kind: 3, modelId: 0n, datanetId: 3n, requestId: zero },
    })
    const weights: Hex = '0x0105210000000000000007030000000000000003177000000000000000040bb8000000000000000903e8'
    expect(await declared(weights)).toEqual({ kind: 5, modelId: 7n, datanetId: 0n, requestId: zero })
    expect(await declared('0x010600')).toEqual({ kind: 6, modelId: 0n, datanetId: 0n, requestId: zero })
    expect(await declared(`0x010610${root}`)).toMatchObject({ kind: 6 })
    expect(await declared('0x010640')).toMatchObject({ kind: 6 })
  })

  test('records what is malformed or of another version as kind 0, and says nothing for it', async () => {
    const weight = (n: number, bps: string) => `${n.toString(16).padStart(2, '0')}${`0000000000000001${bps}`.repeat(n)}`
    const bad: readonly Hex[] = [
      '0x',
      '0x0101',
      '0x020100',
      '0x000100',
      '0x010000',
      '0x010700',
      '0x010180',
      '0x01010100000000000000',
      '0x0101010000000000000007ff',
      '0x010102000000000000000300000',
      '0x01010200000000000000030000',
      `0x010104${requestId.slice(2)}`,
      `0x010108${root.slice(2)}`,
      `0x010118${root}`,
      '0x010120',
      `0x010120${weight(1, '270f')}`,
      `0x010120${weight(2, '2710')}`,
      `0x010120${weight(17, '0100')}`,
      '0x01012000',
      '0x010120020000000000000001271000',
    ].map((hex) => (hex.length % 2 === 0 ? hex : `${hex}0`) as Hex)
    for (const payload of bad) {
      expect(await declared(payload), payload).toEqual({ kind: 0, modelId: 0n, datanetId: 0n, requestId: zero })
    }
    expect(await declared(`0x010120${weight(1, '2710')}`)).toMatchObject({ kind: 1 })
  })

  test('refuses what the context would not hold', async () => {
    await chain.send(alice, 'AttributionLedger', 'attest', [`0x${'00'.repeat(512)}`])
    const long = [`0x${'00'.repeat(513)}`]
    expect((await chain.fails(alice, 'AttributionLedger', 'attest', long)).error).toBe('PayloadTooLong')
  })
})

describe('withAttribution', () => {
  test('callees read the payload while the call lasts, and nothing after it', async () => {
    const { result, events } = await withAttribution(outer, probe, probeData('look'))
    expect(decoded('look', result)).toBe(outer)
    expect(events).toMatchObject([{ name: 'AttributionDeclared', args: { kind: 1, modelId: 0xaan } }])
    expect(await chain.evm.call({ abi: probeAbi, address: probe }, 'current')).toBe('0x')
  })

  test('the innermost payload counts, and the outer one again behind it, also behind a call that failed', async () => {
    const { result, events } = await withAttribution(outer, probe, probeData('nest', [inner]))
    expect(decoded('nest', result)).toEqual([outer, inner, outer, outer])
    expect(events.map(({ args }) => args['kind'])).toEqual([1, 2])
  })

  test('contexts go sixteen deep', async () => {
    await withAttribution(outer, probe, probeData('dig', [15n, inner]))
    await expect(withAttribution(outer, probe, probeData('dig', [16n, inner]))).rejects.toThrow(
      toFunctionSelector('TooDeep()'),
    )
  })

  test('a call that fails fails with its own reason, and declares nothing', async () => {
    const failure = await chain.sendRaw(
      alice,
      openLedgerPredeploys.attributionLedger,
      hexToBytes(
        encodeFunctionData({
          abi: loadArtifact('AttributionLedger').abi as unknown as Abi,
          functionName: 'withAttribution',
          args: [outer, probe, probeData('fail')],
        }),
      ),
    )
    const { exceptionError, returnValue, logs } = failure.result.execResult
    expect(exceptionError).toBeDefined()
    expect(bytesToHex(returnValue).slice(0, 10)).toBe(toFunctionSelector('Failed(bytes)'))
    expect(bytesToHex(returnValue)).toContain(outer.slice(2))
    expect(logs ?? []).toEqual([])
  })

  test('value goes to the target, which never sees the ledger as its caller', async () => {
    await withAttribution(outer, probe, probeData('look'), open)
    expect(chain.balance(probe)).toBe(open)
    const caller = (await chain.evm.call({ abi: probeAbi, address: probe }, 'lastCaller')) as string
    expect(caller.toLowerCase()).toBe(openLedgerPredeploys.attributionCaller)
    expect(chain.balance(openLedgerPredeploys.attributionCaller)).toBe(0n)
    expect(chain.balance(openLedgerPredeploys.attributionLedger)).toBe(0n)
  })

  test('lends nobody the rights of the ledger', async () => {
    const vaultAbi = loadArtifact('RoyaltyVault').abi as unknown as Abi
    const publish = encodeFunctionData({ abi: vaultAbi, functionName: 'publishRoot', args: [1n, `0x${root}`, 1n] })
    await expect(withAttribution(outer, openLedgerPredeploys.royaltyVault, publish)).rejects.toThrow('NotLedger')
    const push = encodeFunctionData({
      abi: loadArtifact('AttributionContext').abi as unknown as Abi,
      functionName: 'push',
      args: [inner],
    })
    await expect(withAttribution(outer, context, push)).rejects.toThrow('NotLedger')
    const forward = [probe, probeData('look')]
    expect((await chain.fails(alice, 'AttributionCaller', 'forward', forward)).error).toBe('NotLedger')
  })
})
