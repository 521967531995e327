import { concatBytes } from '../../protocol/bytes.ts'
import { fastLzLength } from '../../protocol/fastlz.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import {
  daFootprintUnits,
  dataShape,
  fjordCost,
  type L1Cost,
  type L1FeeEra,
  type L1FeeParams,
  l1Cost,
  l1FeeEra,
} from '../../protocol/l1-fee.ts'
import {
  bytes,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  integer,
  isFields,
  list,
  requireKnown,
  text,
} from './fields.ts'
import { expectEqual, type Report, type VectorRunner } from './vector.ts'

const sections = ['flz', 'fjordBySize', 'txs', 'opMainnetTxsDerived']

/** L1 data fees of every era and FastLZ lengths. */
const l1FeesRunner: VectorRunner = {
  name: 'L1 fees',
  matches: (folder, json) =>
    folder === 'l1-fees' && isFields(json) && (hasAny(json, ...sections) || sectionsOfRows(json).length > 0),
  run: async (json, report) => {
    if (!isFields(json)) return
    const withRows = sectionsOfRows(json)
    failUnknownSections(json, [...sections, ...withRows], report)
    for (const [index, one] of list(json, 'flz').entries()) await report.check(`flz[${index}]`, () => checkFlz(one))
    if (hasAny(json, 'fjordBySize')) await runBySize(child(json, 'fjordBySize'), report)
    for (const [index, one] of list(json, 'txs').entries()) {
      await report.check(`txs[${index}] ${String(one['name'] ?? '')}`, () =>
        checkTransaction(one, child(one, 'params')),
      )
    }
    if (hasAny(json, 'firstEcotoneBlock')) await report.check('firstEcotoneBlock', checkFirstEcotoneBlock)
    for (const section of withRows) await runRows(section, child(json, section), report)
  },
}

/** Runners of folder `l1-fees`. */
export const runners: readonly VectorRunner[] = [l1FeesRunner]

/** Sections `{ params, rows }`, such as the 60 transactions of OP Mainnet. */
function sectionsOfRows(json: Fields): string[] {
  return Object.keys(json).filter((key) => hasAny(json[key], 'rows'))
}

async function runRows(section: string, group: Fields, report: Report): Promise<void> {
  requireKnown(group, ['params', 'rows'])
  for (const [index, one] of list(group, 'rows').entries()) {
    await report.check(`${section}[${index}]`, () =>
      checkTransaction(one, one['params'] === undefined ? child(group, 'params') : child(one, 'params')),
    )
  }
}

function checkFlz(one: Fields): void {
  requireKnown(one, ['input', 'repeat', 'count', 'size'])
  const unit = bytes(one['input'] ?? one['repeat'])
  const count = one['count'] === undefined ? 1 : Number(integer(one['count']))
  expectEqual(
    fastLzLength(concatBytes(...Array.from({ length: count }, () => unit))),
    Number(integer(one['size'])),
    'FastLZ length',
  )
}

async function runBySize(group: Fields, report: Report): Promise<void> {
  for (const [key, value] of Object.entries(group)) {
    if (key === 'params') continue
    if (Array.isArray(value)) {
      for (const [index, one] of list(group, key).entries()) {
        await report.check(`fjordBySize.${key}[${index}]`, () => checkBySize(one, child(group, 'params')))
      }
    } else if (isFields(value)) {
      await report.check(`fjordBySize.${key}`, () => checkBySize(value, value))
    }
  }
}

function checkBySize(one: Fields, params: Fields): void {
  requireKnown(one, ['fastLzSize', 'gasUsed', 'fee', ...paramNames])
  expectCost(fjordCost(feeParams(params), Number(integer(one['fastLzSize']))), one)
}

/** While L1Block has none of Ecotone's values, Bedrock's formula holds, with Fjord active too. */
function checkFirstEcotoneBlock(): void {
  const forkTimes = { regolith: 0n, canyon: 0n, delta: 0n, ecotone: 10n, fjord: 10n }
  const unset = feeParams({ baseFee: 7, overhead: 50, scalar: 7_000_000 })
  expectEqual(l1FeeEra(forkTimes, 10n, unset), 'regolith', 'formula of the first block')
  for (const key of ['blobBaseFee', 'baseFeeScalar', 'blobBaseFeeScalar']) {
    expectEqual(l1FeeEra(forkTimes, 10n, { ...unset, [key]: 1n }), 'fjord', `formula with ${key}`)
  }
}

function checkTransaction(one: Fields, params: Fields): void {
  requireKnown(one, ['tx', 'params', 'hash', 'txHashMatches', 'expected'])
  const raw = bytes(one['tx'])
  if (one['hash'] !== undefined) expectEqual(keccakHex(raw), text(one['hash']), 'hash')
  if (one['txHashMatches'] !== undefined) {
    const named = /0x[0-9a-f]{64}/.exec(text(one['name']))?.[0]
    expectEqual(named === keccakHex(raw), one['txHashMatches'], 'the hash in the name matches')
  }
  const expected = child(one, 'expected')
  requireKnown(expected, ['length', 'zeroes', 'ones', 'fastLzSize', 'daFootprintUnits', ...eras])
  const shape = dataShape(raw)
  const actual: Readonly<Record<string, number | bigint>> = {
    length: raw.length,
    zeroes: shape.zeroes,
    ones: shape.nonZeroes,
    fastLzSize: fastLzLength(raw),
    daFootprintUnits: daFootprintUnits(fastLzLength(raw)),
  }
  for (const [key, value] of Object.entries(actual)) {
    if (expected[key] !== undefined) expectEqual(BigInt(value), integer(expected[key]), key)
  }
  for (const era of eras) {
    if (expected[era] !== undefined) expectCost(l1Cost(feeParams(params), era, shape), child(expected, era), era)
  }
}

const eras = ['bedrock', 'regolith', 'ecotone', 'fjord'] as const satisfies readonly L1FeeEra[]
const paramNames = ['baseFee', 'overhead', 'scalar', 'blobBaseFee', 'baseFeeScalar', 'blobBaseFeeScalar']

function expectCost(actual: L1Cost, expected: Fields, era = 'fjord'): void {
  if (expected['fee'] !== undefined) expectEqual(actual.fee, integer(expected['fee']), `${era} fee`)
  if (expected['gasUsed'] !== undefined) expectEqual(actual.gasUsed, integer(expected['gasUsed']), `${era} gas`)
}

function feeParams(params: Fields): L1FeeParams {
  const value = (key: string) => (params[key] === undefined ? 0n : integer(params[key], key))
  return {
    l1BaseFee: value('baseFee'),
    overhead: value('overhead'),
    scalar: value('scalar'),
    blobBaseFee: value('blobBaseFee'),
    baseFeeScalar: value('baseFeeScalar'),
    blobBaseFeeScalar: value('blobBaseFeeScalar'),
    operatorFeeScalar: 0n,
    operatorFeeConstant: 0n,
    daFootprintGasScalar: 400n,
  }
}
