import { decodeEip1559Params } from '../../../protocol/base-fee.ts'
import { bytesToBigint, bytesToHex, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { operatorFeeParams } from '../../../protocol/l1-info.ts'
import type { Log, Receipt } from '../../../protocol/receipt.ts'
import type { SystemConfig } from '../../../protocol/system-config.ts'
import {
  applySystemConfigUpdates,
  configUpdateTopic,
  decodeConfigUpdate,
} from '../../../protocol/system-config-updates.ts'
import {
  address,
  bytes,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  hash,
  integer,
  list,
  requireKnown,
  word,
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'
import { testRollupConfig } from './rollup-fixture.ts'

/** ConfigUpdate events: what a good one sets and that a malformed one changes nothing. */
export const systemConfigRunner: VectorRunner = {
  name: 'system config updates',
  matches: (folder, json) => folder === 'protocol' && hasAny(json, 'malformed', 'valid'),
  run: async (json, report) => {
    failUnknownSections(json, ['valid', 'malformed'], report)
    if (hasAny(json, 'topic')) {
      await report.check('topic', () => expectEqual(configUpdateTopic, hash(json['topic']), 'topic of ConfigUpdate'))
    }
    for (const [index, one] of list(json, 'valid').entries()) {
      await report.check(`valid[${index}] ${String(one['name'] ?? '')}`, () => checkValid(one))
    }
    for (const [index, one] of list(json, 'malformed').entries()) {
      await report.check(`malformed[${index}] type ${String(one['type'])}, ${String(one['why'])}`, () => {
        requireKnown(one, ['type', 'ecotone', 'log'])
        const { updated, refused, log } = apply(one)
        expectEqual(updated, before, 'system config')
        // An event without the topic of ConfigUpdate is another event, and not reported.
        if (refused === 0) expectThrows(() => decodeConfigUpdate(log), 'decoding')
      })
    }
  },
}

const config = testRollupConfig('ecotone')

/** Every field set, and to nothing that the vectors set. */
const before: SystemConfig = {
  batcherAddr: '0x1111111111111111111111111111111111111111',
  overhead: `0x${'22'.repeat(32)}`,
  scalar: `0x${'00'.repeat(28)}33333333`,
  gasLimit: 44_444_444n,
  eip1559Params: '0x5555555555555555',
  operatorFeeParams: `0x${'00'.repeat(20)}666666666666666666666666`,
  minBaseFee: 777n,
  daFootprintGasScalar: 888,
}

function checkValid(one: Fields): void {
  requireKnown(one, ['type', 'ecotone', 'log', 'sets'])
  const { updated, refused, log } = apply(one)
  const sets = one['sets'] === undefined || one['sets'] === null ? {} : child(one, 'sets')
  let untouched: SystemConfig = updated
  for (const [key, value] of Object.entries(sets)) {
    const setting = settings[key]
    if (setting === undefined) throw new Error(`a setting this runner does not know: ${key}`)
    expectEqual(setting.actual(updated, log), setting.expected(value), key)
    if (setting.field !== undefined) untouched = { ...untouched, [setting.field]: before[setting.field] }
  }
  expectEqual(untouched, before, 'settings that the event does not name')
  if (refused > 0 && Object.keys(sets).length > 0) throw new Error('the event was reported as malformed')
}

function apply(one: Fields): { updated: SystemConfig; refused: number; log: Log } {
  const fields = child(one, 'log')
  requireKnown(fields, ['address', 'topics', 'data'])
  const log: Log = {
    address: hexToBytes(config.l1SystemConfigAddress),
    topics: asArray(fields['topics'], 'topics').map((topic) => bytes(topic)),
    data: bytes(fields['data']),
  }
  // A malformed type topic is no type; any other must be the one the vector names.
  const type = log.topics[2] === undefined ? undefined : bytesToBigint(log.topics[2])
  if (typeof one['type'] === 'number' && type !== undefined && type < 256n)
    expectEqual(type, integer(one['type']), 'type')
  const receipt: Receipt = { type: 2, status: 1, cumulativeGasUsed: 0n, bloom: new Uint8Array(256), logs: [log] }
  // Ecotone is the clock of one rule only; vectors that do not name it hold with and without.
  const times = one['ecotone'] === false ? {} : config.forkTimes
  let refused = 0
  const updated = applySystemConfigUpdates(before, [receipt], { ...config, forkTimes: times }, 1n, () => refused++)
  return { updated, refused, log }
}

type Setting = {
  readonly field?: keyof SystemConfig
  readonly expected: (value: unknown) => unknown
  readonly actual: (config: SystemConfig, log: Log) => unknown
}

const settings: Readonly<Record<string, Setting>> = {
  batcherAddr: { field: 'batcherAddr', expected: (value) => address(value), actual: (c) => c.batcherAddr },
  overhead: { field: 'overhead', expected: (value) => word(value), actual: (c) => c.overhead },
  scalar: { field: 'scalar', expected: (value) => word(value), actual: (c) => c.scalar },
  gasLimit: { field: 'gasLimit', expected: (value) => integer(value), actual: (c) => c.gasLimit },
  eip1559Params: { field: 'eip1559Params', expected: lower, actual: (c) => c.eip1559Params },
  eip1559Denominator: {
    field: 'eip1559Params',
    expected: (value) => integer(value),
    actual: (c) => decodeEip1559Params(c.eip1559Params).denominator,
  },
  eip1559Elasticity: {
    field: 'eip1559Params',
    expected: (value) => integer(value),
    actual: (c) => decodeEip1559Params(c.eip1559Params).elasticity,
  },
  operatorFeeParams: {
    field: 'operatorFeeParams',
    expected: (value) => word(value),
    actual: (c) => c.operatorFeeParams,
  },
  operatorFeeScalar: {
    field: 'operatorFeeParams',
    expected: (value) => integer(value),
    actual: (c) => BigInt(operatorFeeParams(c.operatorFeeParams).operatorFeeScalar),
  },
  operatorFeeConstant: {
    field: 'operatorFeeParams',
    expected: (value) => integer(value),
    actual: (c) => operatorFeeParams(c.operatorFeeParams).operatorFeeConstant,
  },
  minBaseFee: { field: 'minBaseFee', expected: (value) => integer(value), actual: (c) => c.minBaseFee },
  daFootprintGasScalar: {
    field: 'daFootprintGasScalar',
    expected: (value) => integer(value),
    actual: (c) => BigInt(c.daFootprintGasScalar),
  },
  // No part of the system config of derivation: read from the event itself.
  unsafeBlockSigner: { expected: (value) => address(value), actual: (_c, log) => signerOf(log) },
}

function signerOf(log: Log): Hex | undefined {
  const update = decodeConfigUpdate(log)
  return update.kind === 'unsafeBlockSigner' ? update.address : undefined
}

function lower(value: unknown): string {
  return bytesToHex(bytes(value))
}
