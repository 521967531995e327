import fc from 'fast-check'
import { encodeErrorResult, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { RpcError } from '../../../../../common/json-rpc.ts'
import { blockParam } from '../../../../../node/engine/embedded/rpc/block-param.ts'
import { failedCallError, revertReason } from '../../../../../node/engine/embedded/rpc/call-error.ts'
import {
  blockOverridesParam,
  callGasPrice,
  callParams,
  stateOverridesParam,
} from '../../../../../node/engine/embedded/rpc/call-params.ts'
import { logFilterParam } from '../../../../../node/engine/embedded/rpc/log-filter.ts'
import { traceOptionsParam } from '../../../../../node/engine/embedded/rpc/tracers/trace-options.ts'
import { FormatError, hexToBytes } from '../../../../../protocol/bytes.ts'

const address = `0x${'aB'.repeat(20)}`
const hash = `0x${'cD'.repeat(32)}`

describe('block parameter', () => {
  test.each([
    [undefined, { tag: 'latest' }],
    [null, { tag: 'latest' }],
    ['latest', { tag: 'latest' }],
    ['pending', { tag: 'pending' }],
    ['safe', { tag: 'safe' }],
    ['finalized', { tag: 'finalized' }],
    ['earliest', { number: 0n }],
    ['0x0', { number: 0n }],
    ['0xff', { number: 255n }],
    [hash, { hash: hash.toLowerCase(), requireCanonical: false }],
    [{ blockHash: hash }, { hash: hash.toLowerCase(), requireCanonical: false }],
    [
      { blockHash: hash, requireCanonical: true },
      { hash: hash.toLowerCase(), requireCanonical: true },
    ],
    [{ blockNumber: '0x5' }, { number: 5n }],
  ])('%o', (value, parsed) => {
    expect(blockParam(value)).toEqual(parsed)
  })

  test.each([
    '',
    'newest',
    '5',
    '0x',
    '0xg',
    5,
    [],
    {},
    { blockHash: hash, blockNumber: '0x1' },
    `0x1${'0'.repeat(16)}`,
  ])('%o is refused', (value) => {
    expect(() => blockParam(value)).toThrow(FormatError)
  })
})

describe('call object', () => {
  test('input and data are one field, and must agree', () => {
    expect(callParams({ input: '0x01' }, 1n).message.data).toEqual(Uint8Array.of(1))
    expect(callParams({ data: '0x01', input: '0x01' }, 1n).message.data).toEqual(Uint8Array.of(1))
    expect(() => callParams({ data: '0x01', input: '0x02' }, 1n)).toThrow('not equal')
  })

  test.each([
    [{ gasPrice: '0x1', maxFeePerGas: '0x1' }, 'both gasPrice'],
    [{ chainId: '0x2' }, 'chainId does not match'],
    [{ blobVersionedHashes: [hash] }, 'no blob transactions'],
    [{ from: '0x12' }, 'from must be'],
    [{ value: '12' }, 'value must be'],
    [{ gas: '0x10000000000000000' }, '64 bits'],
    [{ accessList: {} }, 'accessList must be'],
    ['0x', 'must be an object'],
  ])('%o is refused', (call, reason) => {
    expect(() => callParams(call, 1n)).toThrow(reason)
  })

  test.each([
    [{}, 0n],
    [{ gasPrice: 3n }, 3n],
    [{ maxFeePerGas: 20n, maxPriorityFeePerGas: 3n }, 13n],
    [{ maxFeePerGas: 11n, maxPriorityFeePerGas: 3n }, 11n],
    [{ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }, 0n],
  ])('fees %o make the price %d at a base fee of 10', (fees, price) => {
    expect(callGasPrice(fees, 10n)).toBe(price)
  })

  test('a fee cap below the base fee or the tip is refused', () => {
    expect(() => callGasPrice({ maxFeePerGas: 9n }, 10n)).toThrow('max fee per gas less than block base fee')
    expect(() => callGasPrice({ maxFeePerGas: 9n, maxPriorityFeePerGas: 10n }, 1n)).toThrow(
      'max priority fee per gas higher',
    )
  })

  test('overrides are normalised, and contradictions refused', () => {
    const overrides = stateOverridesParam({ [address]: { balance: '0x5', stateDiff: { '0x01': '0x02' } } })
    const word = (digit: number) => `0x${digit.toString().padStart(64, '0')}`
    expect(overrides?.get(address.toLowerCase() as `0x${string}`)).toMatchObject({
      balance: 5n,
      stateDiff: new Map([[word(1), word(2)]]),
    })
    expect(() => stateOverridesParam({ [address]: { state: {}, stateDiff: {} } })).toThrow('both state and stateDiff')
    expect(blockOverridesParam({ time: '0x5', baseFeePerGas: '0x0' })).toMatchObject({ time: 5n, baseFeePerGas: 0n })
  })
})

describe('log filter', () => {
  test('null and empty positions match everything', () => {
    const { criteria } = logFilterParam({ address: [address], topics: [null, hash, [hash, null], []] })
    expect(criteria.topics.map((alternatives) => alternatives.length)).toEqual([0, 1, 0, 0])
  })

  test.each([
    [{ blockHash: hash, fromBlock: '0x1' }, 'cannot specify both'],
    [{ topics: [null, null, null, null, null] }, 'exceed max topics'],
    [{ topics: hash }, 'topics must be an array'],
    [{ topics: ['0x12'] }, 'topic must be'],
    [{ address: Array(1001).fill(address) }, 'exceed max addresses'],
  ])('%o is refused', (filter, reason) => {
    expect(() => logFilterParam(filter)).toThrow(reason)
  })
})

describe('trace options', () => {
  test.each([
    [{ tracer: 'jsTracer' }, 'unknown tracer'],
    [{ timeout: 5 }, 'timeout must look like'],
    [{ timeout: '-5s' }, 'timeout must look like'],
    [{ tracer: 'callTracer', tracerConfig: { withLog: 1 } }, 'withLog must be a boolean'],
    [{ limit: -1 }, 'limit is a count'],
  ])('%o is refused', (options, reason) => {
    expect(() => traceOptionsParam(options)).toThrow(reason)
  })

  test('a timeout is clamped', () => {
    expect(traceOptionsParam({ timeout: '500ms' }).timeoutMs).toBe(500)
    expect(traceOptionsParam({ timeout: '999m' }).timeoutMs).toBe(30_000)
  })
})

describe('revert reasons', () => {
  const abi = parseAbi(['error Error(string)', 'error Panic(uint256)'])

  test('any string survives', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (reason) => {
        const data = encodeErrorResult({ abi, errorName: 'Error', args: [reason] })
        expect(revertReason(hexToBytes(data))).toBe(new TextDecoder().decode(new TextEncoder().encode(reason)))
      }),
    )
  })

  test('a panic is named', () => {
    const panic = (code: bigint) =>
      revertReason(hexToBytes(encodeErrorResult({ abi, errorName: 'Panic', args: [code] })))
    expect(panic(17n)).toBe('arithmetic underflow or overflow')
    expect(panic(99n)).toBe('unknown panic code: 0x63')
  })

  test('no bytes make it throw', () => {
    const selectors = fc.constantFrom('0x08c379a0', '0x4e487b71', '0x12345678')
    fc.assert(
      fc.property(selectors, fc.uint8Array({ maxLength: 200 }), (selector, rest) => {
        revertReason(Uint8Array.from([...hexToBytes(selector), ...rest]))
      }),
    )
  })

  test('a revert has code 3 and its data, another failure is a server error', () => {
    const base = { status: 0 as const, gasUsed: 0n, logs: [], touched: [], output: Uint8Array.of(1) }
    const reverted = failedCallError({ ...base, error: 'execution reverted' })
    expect(reverted).toBeInstanceOf(RpcError)
    expect(reverted).toMatchObject({ code: 3, data: '0x01', message: 'execution reverted' })
    expect(failedCallError({ ...base, error: 'out of gas' })).toMatchObject({ code: -32000, data: undefined })
  })
})
