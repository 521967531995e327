import { describe, expect, test } from 'vitest'
import { attributesMismatch } from '../../../node/driver/attributes-match.ts'
import type { ExecutionPayload, PayloadAttributes, PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverWorld } from '../../fakes/driver-world.ts'
import { address, hash } from '../../fakes/rollup-config.ts'

const world = await DriverWorld.create()
const parent = world.state.heads.safe
const attributes = world.attributes(parent, parent.l1Origin, [Uint8Array.of(2, 1)])
const envelope = world.engine.assemble(parent.hash, attributes)
const check = (a: Partial<PayloadAttributes>, p: Partial<ExecutionPayload> = {}, e: Partial<PayloadEnvelope> = {}) =>
  attributesMismatch(world.config, { ...attributes, ...a }, parent, {
    ...envelope,
    ...e,
    executionPayload: { ...envelope.executionPayload, ...p },
  })

describe('consolidation', () => {
  test('a block with exactly the derived attributes matches', () => {
    expect(check({})).toBeUndefined()
  })

  test.each<[string, Partial<PayloadAttributes>, Partial<ExecutionPayload>, Partial<PayloadEnvelope>]>([
    ['parent hash', {}, { parentHash: hash(1) }, {}],
    ['timestamp', { timestamp: 3n }, {}, {}],
    ['prevRandao', { prevRandao: hash(1) }, {}, {}],
    ['fee recipient', { suggestedFeeRecipient: address(1) }, {}, {}],
    ['gas limit', { gasLimit: 1n }, {}, {}],
    ['beacon root', {}, {}, { parentBeaconBlockRoot: hash(1) }],
    ['absent beacon root', { parentBeaconBlockRoot: undefined }, {}, {}],
    ['withdrawals', { withdrawals: undefined }, {}, {}],
    ['a transaction less', { transactions: attributes.transactions.slice(0, 1) }, {}, {}],
    ['another transaction', { transactions: [...attributes.transactions.slice(0, 1), Uint8Array.of(2, 2)] }, {}, {}],
    ['EIP-1559 parameters', { eip1559Params: '0x0000003200000006' }, {}, {}],
    ['minimum base fee', { minBaseFee: 1n }, {}, {}],
    ['extraData of another length', {}, { extraData: new Uint8Array(9) }, {}],
  ])('a block that differs in %s does not', (_, a, p, e) => {
    expect(check(a, p, e)).toBeTypeOf('string')
  })

  test('parameters that are spelled out match as zeros do', () => {
    expect(check({ eip1559Params: '0x000000fa00000006' })).toBeUndefined()
  })

  test('Holocene blocks carry nine bytes', () => {
    const extraData = envelope.executionPayload.extraData.slice(0, 9)
    extraData[0] = 0
    expect(check({ minBaseFee: undefined }, { extraData })).toBeUndefined()
  })

  test('before Holocene extraData is not compared', () => {
    expect(check({ eip1559Params: undefined, minBaseFee: undefined }, { extraData: new Uint8Array(3) })).toBeUndefined()
  })
})
