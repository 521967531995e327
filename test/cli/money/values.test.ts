import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { asTokens, readStruct } from '../../../cli/money/papers.ts'
import * as parsers from '../../../cli/money/parsers.ts'
import { Amount, formatOpen, parseOpen, Time, toJson, toLines } from '../../../cli/money/values.ts'
import { errorWords, eventWords } from '../../../cli/money/words.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import type { InferenceRequest } from '../../../protocol/inference-request.ts'
import { requestTypes } from '../../../protocol/inference-request.ts'

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytesToHex)
const uint = (bits: number) => fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })

const arbitraryRequest: fc.Arbitrary<InferenceRequest> = fc.record({
  chainId: uint(64),
  payer: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytesToHex),
  nonce: uint(64),
  modelVersion: hash,
  adapters: fc.array(fc.record({ root: hash, weight: fc.nat(0xffff) }), { maxLength: 3 }),
  templateHash: hash,
  promptRoot: hash,
  sampling: fc.record({
    tempQ16: fc.nat(),
    topK: fc.nat(0xffff),
    topPQ16: fc.nat(),
    maxTokens: fc.nat(),
    stopHash: hash,
  }),
  class: fc.nat(255),
  priceVersion: fc.nat(),
  maxFee: uint(128),
  appCode: hash,
  deadline: uint(64),
})

describe('amounts', () => {
  test('what is shown of an amount reads as that amount, to the wei', () => {
    fc.assert(fc.property(uint(128), (wei) => parseOpen(formatOpen(wei)) === wei && parseOpen(`${wei}wei`) === wei))
  })

  test.each(['', '1,5', '-1', '1e18', '0x10', '1.', '.5', '1.0000000000000000001', '5 OPEN', ' 5', '5gwei'])(
    '%j is no amount',
    (text) => {
      expect(parseOpen(text)).toBeUndefined()
      expect(() => parsers.asOpen(text)).toThrow('must be OPEN such as 1.5')
    },
  )

  test('more than a u128 is refused', () => {
    expect(() => parsers.asOpen(`${1n << 128n}wei`)).toThrow('more than all OPEN')
  })

  test('people read OPEN and dates, scripts read wei and seconds', () => {
    const row = { fee: new Amount(15n * 10n ** 17n), at: new Time(1_700_000_000n), list: [1n] }
    expect(toLines(row)).toEqual(['fee   1.5 OPEN', 'at    2023-11-14 22:13:20 UTC', 'list', '  - 1'])
    expect(toJson(row)).toBe('{"fee":"1500000000000000000","at":"1700000000","list":["1"]}')
    expect(String(new Time(0n))).toBe('never')
    expect(String(new Time((1n << 64n) - 1n))).toBe('second 18446744073709551615')
  })
})

describe('arguments', () => {
  test.each([
    [parsers.asWhen, '90s', { afterSeconds: 90n }],
    [parsers.asWhen, '30d', { afterSeconds: 2_592_000n }],
    [parsers.asWhen, '1700000000', { atSeconds: 1_700_000_000n }],
    [parsers.asModelRef, '7.2', { id: 7n, version: 2 }],
    [parsers.asModelRef, '7', { id: 7n, version: 1 }],
    [parsers.asPool, 'datanet:3', { kind: 1, id: 3n }],
    [parsers.asClasses, '0,1,5', 0b100011],
    [parsers.asParents, '3:merge:500', [{ id: 3n, relation: 1, bps: 500, policy: 0 }]],
    [parsers.asParents, '3:adapter:500:of-child', [{ id: 3n, relation: 4, bps: 500, policy: 1 }]],
    [
      parsers.asTrainedOn,
      '4:1:1,1:2:5000',
      [
        { id: 1n, version: 2, weightBps: 5000 },
        { id: 4n, version: 1, weightBps: 1 },
      ],
    ],
    [parsers.asHashOrName, 'MIT', `0x4d4954${'00'.repeat(29)}`],
  ] as readonly [(text: string) => unknown, string, unknown][])('%o reads %j', (parse, text, expected) => {
    expect(parse(text)).toEqual(expected)
  })

  test.each([
    [parsers.asWhen, '1w'],
    [parsers.asModelRef, '7.2.1'],
    [parsers.asModelRef, 'x'],
    [parsers.asPool, 'datanet'],
    [parsers.asPool, 'datanet:-1'],
    [parsers.asClasses, '6'],
    [parsers.asClasses, ''],
    [parsers.asParents, '3:cousin:500'],
    [parsers.asParents, '3:merge:10001'],
    [parsers.asTrainedOn, '1:2'],
    [parsers.asTrainedOn, '1:2:500,3:1:1,1:3:500'],
    [parsers.asTrainedOn, '1:2:0'],
    [parsers.asHash, '0x12'],
    [parsers.asHashOrName, 'a'.repeat(33)],
    [parsers.asUint32, '4294967296'],
    [parsers.asUint64, '18446744073709551616'],
    [parsers.asBytes, '0x123'],
    [asTokens, '4294967296'],
    [asTokens, '/no/such/file'],
  ] as readonly [(text: string) => unknown, string][])('%o refuses %j', (parse, text) => {
    expect(() => parse(text)).toThrow()
  })
})

describe('files', () => {
  test('a request reads back as it was written', () => {
    fc.assert(
      fc.property(arbitraryRequest, (request) => {
        expect(readStruct(requestTypes, 'Request', JSON.parse(toJson(request)))).toEqual(request)
      }),
    )
  })

  test.each([
    ['maxFee', '-1'],
    ['maxFee', 1.5],
    ['maxFee', String(1n << 128n)],
    ['class', 256],
    ['payer', '0x12'],
    ['adapters', {}],
    ['sampling', null],
    ['deadline', undefined],
    ['nonce', [1]],
  ])('a request whose %s is %j is refused by that name', (field, value) => {
    const [request] = fc.sample(arbitraryRequest, { numRuns: 1, seed: 1 })
    const json = { ...(JSON.parse(toJson(request)) as object), [field]: value }
    expect(() => readStruct(requestTypes, 'Request', json)).toThrow(field === 'sampling' ? 'Sampling' : field)
  })
})

describe('words', () => {
  test('an error says its amounts in OPEN, its times as dates, and whose it is where two have one name', () => {
    const worker = '0x1'
    const market = {
      contract: 'InferenceMarket',
      name: 'UnderStaked',
      args: { worker, cover: 3n * 10n ** 18n, free: 0n },
    }
    expect(errorWords(market)).toContain('would need 3 OPEN of stake and it has 0 OPEN')
    const registry = { contract: 'WorkerRegistry', name: 'UnderStaked', args: { required: 10n ** 20n, stake: 1n } }
    expect(errorWords(registry)).toContain('need 100 OPEN of stake and 0.000000000000000001 OPEN would be there')
    const early = {
      contract: 'InferenceMarket',
      name: 'TooEarly',
      args: { channel: '0x2', availableAt: 1_700_000_000n },
    }
    expect(errorWords(early)).toContain('paid from 2023-11-14 22:13:20 UTC on')
  })

  test('what has no words is told by name and arguments', () => {
    expect(errorWords({ contract: 'X', name: 'Odd', args: { a: 1n, b: ['0x'] } })).toBe('Odd: a 1, b ["0x"]')
    expect(eventWords({ contract: 'X', name: 'Odd', args: {} })).toBe('Odd')
  })
})
