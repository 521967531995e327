import { decodeEip1559Params } from '../../../protocol/base-fee.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { feeScalars, operatorFeeParams } from '../../../protocol/l1-info.ts'
import { encodeOutputV0, outputRootV0 } from '../../../protocol/output-root.ts'
import type { FeeConstants, RollupConfig } from '../../../protocol/rollup-config.ts'
import { parseRollupConfig, rollupConfigJson } from '../../../protocol/rollup-config-json.ts'
import {
  casesHaveAny,
  type Fields,
  failUnknownSections,
  hash,
  integer,
  isFields,
  list,
  requireKnown,
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** Output roots. */
export const outputRootRunner: VectorRunner = {
  name: 'output roots',
  matches: (folder, json) => folder === 'protocol' && casesHaveAny(json, 'outputRoot'),
  run: async (json, report) => {
    failUnknownSections(json, ['cases'], report)
    for (const [index, one] of list(json, 'cases').entries()) {
      await report.check(`cases[${index}]`, () => {
        requireKnown(one, ['stateRoot', 'messagePasserStorageRoot', 'blockHash', 'encoded', 'outputRoot'])
        const output = {
          stateRoot: hash(one['stateRoot']),
          withdrawalStorageRoot: hash(one['messagePasserStorageRoot']),
          blockHash: hash(one['blockHash']),
        }
        if (one['encoded'] !== undefined) expectEqual(bytesToHex(encodeOutputV0(output)), one['encoded'], 'preimage')
        expectEqual(outputRootV0(output), hash(one['outputRoot']), 'output root')
      })
    }
  },
}

/** Files of rollup.json objects: each must parse and survive a round trip, those with an unknown field must be refused. */
export const rollupConfigsRunner: VectorRunner = {
  name: 'rollup configs',
  matches: (folder, json) => folder === 'protocol' && isFields(json) && rollupConfigs(json).length > 0,
  run: async (json, report) => {
    if (!isFields(json)) return
    for (const { name, config } of rollupConfigs(json)) {
      if (Object.keys(config).some((key) => key.startsWith('unknown'))) {
        await report.check(`${name} (unknown field)`, () =>
          expectThrows(() => parseRollupConfig(config), 'strict parsing'),
        )
      } else if (config['alt_da'] !== undefined && config['alt_da'] !== null) {
        await report.check(`${name} (alternative DA)`, () => expectThrows(() => parseRollupConfig(config), 'alt_da'))
      } else {
        await report.check(name, () => checkConfig(config))
      }
    }
  },
}

type Named = { readonly name: string; readonly config: Fields }

function rollupConfigs(json: Fields): Named[] {
  return Object.entries(json).flatMap(([key, value]) => {
    if (!Array.isArray(value)) return isRollupConfig(value) ? [{ name: key, config: value }] : []
    return value.flatMap((one, index) => (isRollupConfig(one) ? [{ name: `${key}[${index}]`, config: one }] : []))
  })
}

function isRollupConfig(value: unknown): value is Fields {
  return isFields(value) && value['genesis'] !== undefined && value['l2_chain_id'] !== undefined
}

function checkConfig(config: Fields): void {
  const parsed = parseRollupConfig(config)
  const written = rollupConfigJson(parsed)
  expectEqual(parseRollupConfig(JSON.parse(JSON.stringify(written))), parsed, 'written and parsed again')
  for (const [key, value] of Object.entries(config)) {
    if (typeof value === 'number' && written[key] !== undefined) expectEqual(integer(written[key]), integer(value), key)
    if (typeof value === 'string' && written[key] !== undefined) expectEqual(written[key], value.toLowerCase(), key)
  }
  const genesis = config['genesis'] as Fields
  expectEqual(parsed.genesis.l2Time, integer(genesis['l2_time']), 'genesis.l2_time')
  for (const layer of ['l1', 'l2'] as const) {
    const block = genesis[layer] as Fields
    expectEqual(
      parsed.genesis[layer],
      { hash: hash(block['hash']), number: integer(block['number']) },
      `genesis.${layer}`,
    )
  }
  checkSystemConfig(parsed, genesis['system_config'] as Fields)
  if (isFields(config['chain_op_config'])) {
    for (const [key, value] of Object.entries(config['chain_op_config'])) {
      const name = key.replaceAll(/_(.)/g, (_match, letter: string) => letter.toUpperCase()) as keyof FeeConstants
      expectEqual(parsed.feeConstants[name], integer(value), `chain_op_config.${key}`)
    }
  }
  expectThrows(() => parseRollupConfig({ ...config, unknown_field: 1 }), 'an added unknown field')
}

function checkSystemConfig(parsed: RollupConfig, fields: Fields): void {
  const { systemConfig } = parsed.genesis
  const params = decodeEip1559Params(systemConfig.eip1559Params)
  const operator = operatorFeeParams(systemConfig.operatorFeeParams)
  const scalars = feeScalars(systemConfig.scalar)
  const actual: Readonly<Record<string, bigint>> = {
    batcherAddr: BigInt(systemConfig.batcherAddr),
    batcherAddress: BigInt(systemConfig.batcherAddr),
    overhead: BigInt(systemConfig.overhead),
    // Scalars given one by one are packed into the same word, in the newer form.
    ...(fields['baseFeeScalar'] === undefined ? { scalar: BigInt(systemConfig.scalar) } : {}),
    gasLimit: systemConfig.gasLimit,
    baseFeeScalar: BigInt(scalars.baseFeeScalar),
    blobBaseFeeScalar: BigInt(scalars.blobBaseFeeScalar),
    eip1559Params: BigInt(systemConfig.eip1559Params),
    eip1559Denominator: params.denominator,
    eip1559Elasticity: params.elasticity,
    operatorFeeParams: BigInt(systemConfig.operatorFeeParams),
    operatorFeeScalar: BigInt(operator.operatorFeeScalar),
    operatorFeeConstant: operator.operatorFeeConstant,
    minBaseFee: systemConfig.minBaseFee,
    daFootprintGasScalar: BigInt(systemConfig.daFootprintGasScalar),
  }
  for (const [key, value] of Object.entries(fields)) {
    const mine = actual[key]
    if (mine !== undefined && value !== null) expectEqual(mine, integer(value), `system_config.${key}`)
  }
}
