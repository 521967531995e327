import { expect, test } from 'vitest'
import { FormatError } from '../../protocol/bytes.ts'
import { parseRollupConfig, rollupConfigJson } from '../../protocol/rollup-config-json.ts'
import { testRollupConfig } from '../fakes/rollup-config.ts'

const config = testRollupConfig({
  genesis: { ...testRollupConfig().genesis, l2Time: 5n },
})
const json = rollupConfigJson(config)

test('a config survives writing and reading', () => {
  expect(parseRollupConfig(JSON.parse(JSON.stringify(json)))).toEqual(config)
})

test('parameters of later forks are written only where they are set, since old op-nodes refuse unknown fields', () => {
  expect(Object.keys((json['genesis'] as { system_config: object }).system_config)).toEqual([
    'batcherAddr',
    'overhead',
    'scalar',
    'gasLimit',
  ])
  const genesis = {
    ...config.genesis,
    systemConfig: { ...config.genesis.systemConfig, minBaseFee: 5n, daFootprintGasScalar: 7 },
  }
  expect(parseRollupConfig(rollupConfigJson({ ...config, genesis })).genesis).toEqual(genesis)
})

test('alternative data availability is refused by name', () => {
  const altDa = { da_challenge_contract_address: '0x97A2dA87d3439b172e6DD027220e01c9Cb565B80' }
  expect(() => parseRollupConfig({ ...json, alt_da: altDa })).toThrow(/alternative data availability.*alt_da/)
  expect(parseRollupConfig({ ...json, alt_da: null })).toEqual(config)
})

test.each<[string, Record<string, unknown>]>([
  ['an unknown field', { blok_time: 2 }],
  ['a fork without the one before it', { granite_time: undefined, fjord_time: undefined }],
  ['a fork before its predecessor', { canyon_time: 10, delta_time: 5 }],
  ['no block time', { block_time: 0 }],
  ['a number in a string', { block_time: '2' }],
  ['a fraction', { block_time: 1.5 }],
  ['a sequencing window of one block', { seq_window_size: 1 }],
  ['equal chain ids', { l1_chain_id: 901 }],
  ['a short address', { batch_inbox_address: '0x00' }],
  ['no batch inbox', { batch_inbox_address: `0x${'00'.repeat(20)}` }],
  ['a fork this node does not know', { interop_time: 99 }],
])('refuses %s', (_name, change) => {
  expect(() => parseRollupConfig({ ...json, ...change })).toThrow(FormatError)
})
