import {
  attributesEip1559Params,
  attributesExtraData,
  decodeExtraData,
  encodeEip1559Params,
  encodeExtraData,
  nextBaseFee,
} from '../../../protocol/base-fee.ts'
import { bytesToHex, emptyBytes, type Hex } from '../../../protocol/bytes.ts'
import type { FeeConstants } from '../../../protocol/rollup-config.ts'
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
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'
import { forksUpTo } from './rollup-fixture.ts'

/** Base fees, extra data and the EIP-1559 parameters of payload attributes. */
export const eip1559Runner: VectorRunner = {
  name: 'EIP-1559',
  matches: (folder, json) => folder === 'protocol' && hasAny(json, ...Object.keys(sections)),
  run: async (json, report) => {
    failUnknownSections(json, Object.keys(sections), report)
    for (const [section, check] of Object.entries(sections)) {
      for (const [index, one] of list(json, section).entries()) {
        await report.check(`${section}[${index}]`, () => check(one))
      }
    }
  },
}

const sections: Readonly<Record<string, (one: Fields) => void>> = {
  canyon: checkCanyon,
  holocene: (one) => checkFromExtraData(one, 'holocene'),
  jovian: (one) => checkFromExtraData(one, 'jovian'),
  jovian_derived: (one) => checkFromExtraData(one, 'jovian'),
  extraData: checkExtraData,
  encode: checkEncode,
  attributesParams: checkAttributesParams,
}

const parentFields = ['parentBaseFee', 'parentGasLimit', 'parentGasUsed', 'expected']

function checkCanyon(one: Fields): void {
  requireKnown(one, [...parentFields, 'childCanyon', 'denominator', 'elasticity'])
  const denominator = integer(one['denominator'])
  const feeConstants: FeeConstants = {
    eip1559Elasticity: integer(one['elasticity']),
    // The one that must not be used is wrong on purpose.
    eip1559Denominator: one['childCanyon'] === true ? denominator + 1n : denominator,
    eip1559DenominatorCanyon: one['childCanyon'] === true ? denominator : denominator + 1n,
  }
  const forkTimes = one['childCanyon'] === true ? { regolith: 0n, canyon: 12n } : { regolith: 0n }
  expectBaseFee(one, () => nextBaseFee({ forkTimes, feeConstants }, parent(one), 12n))
}

function checkFromExtraData(one: Fields, fork: 'holocene' | 'jovian'): void {
  requireKnown(one, [...parentFields, 'parentBlobGasUsed', 'parentExtraData'])
  const feeConstants = { eip1559Elasticity: 3n, eip1559Denominator: 11n, eip1559DenominatorCanyon: 13n }
  expectBaseFee(one, () => nextBaseFee({ forkTimes: forksUpTo(fork), feeConstants }, parent(one), 12n))
}

function parent(one: Fields) {
  return {
    baseFeePerGas: integer(one['parentBaseFee']),
    gasLimit: integer(one['parentGasLimit']),
    gasUsed: integer(one['parentGasUsed']),
    blobGasUsed: one['parentBlobGasUsed'] === undefined ? undefined : integer(one['parentBlobGasUsed']),
    extraData: one['parentExtraData'] === undefined ? emptyBytes : bytes(one['parentExtraData']),
    timestamp: 10n,
  }
}

function expectBaseFee(one: Fields, compute: () => bigint): void {
  const isError = one['expected'] === null || (typeof one['expected'] === 'string' && /^error/.test(one['expected']))
  if (isError) expectThrows(compute, 'base fee')
  else expectEqual(compute(), integer(one['expected']), 'base fee')
}

function checkExtraData(one: Fields): void {
  requireKnown(one, ['fork', 'extraData', 'denominator', 'elasticity', 'minBaseFee', 'valid'])
  const fork = text(one['fork'])
  if (fork !== 'holocene' && fork !== 'jovian')
    throw new Error(`extra data of a fork this runner does not know: ${fork}`)
  const extraData = bytes(one['extraData'])
  if (one['valid'] === false) {
    expectThrows(() => decodeExtraData(extraData, fork), 'decoding')
    return
  }
  const params = decodeExtraData(extraData, fork)
  expectEqual(params.denominator, integer(one['denominator']), 'denominator')
  expectEqual(params.elasticity, integer(one['elasticity']), 'elasticity')
  const minBaseFee = one['minBaseFee'] === undefined ? undefined : integer(one['minBaseFee'])
  expectEqual(params.minBaseFee, minBaseFee, 'minBaseFee')
  expectEqual(bytesToHex(encodeExtraData(params)), bytesToHex(extraData), 'encoded')
}

function checkEncode(one: Fields): void {
  const minimum = one['minBaseFee'] ?? one['attributesMinBaseFee']
  requireKnown(one, [
    'fork',
    'chainOpConfig',
    'attributesEip1559Params',
    'minBaseFee',
    'attributesMinBaseFee',
    'result',
    'extraData',
  ])
  const constants = child(one, 'chainOpConfig')
  const isJovian = one['fork'] === 'jovian' || (one['fork'] === undefined && minimum !== undefined)
  const params = one['attributesEip1559Params']
  const encode = () =>
    attributesExtraData(
      {
        forkTimes: forksUpTo(isJovian ? 'jovian' : 'holocene'),
        feeConstants: {
          eip1559Denominator: integer(constants['eip1559Denominator']),
          eip1559Elasticity: integer(constants['eip1559Elasticity']),
          eip1559DenominatorCanyon: integer(constants['eip1559DenominatorCanyon']),
        },
      },
      {
        timestamp: 1n,
        eip1559Params: params === null || params === undefined ? undefined : (text(params) as Hex),
        minBaseFee: minimum === undefined || minimum === null ? undefined : integer(minimum),
      },
    )
  if (one['extraData'] === undefined) expectThrows(encode, text(one['result'], 'result'))
  else expectEqual(bytesToHex(encode()), one['extraData'], 'extra data')
}

function checkAttributesParams(one: Fields): void {
  requireKnown(one, ['systemConfig', 'holoceneTime', 'parentTime', 'nextTime', 'expected'])
  const sysConfig = isFields(one['systemConfig']) ? one['systemConfig'] : {}
  const value = (key: string) =>
    sysConfig[key] === null || sysConfig[key] === undefined ? 0n : integer(sysConfig[key])
  const params = encodeEip1559Params({ denominator: value('denominator'), elasticity: value('elasticity') })
  const holocene = one['holoceneTime']
  const times = holocene === null || holocene === undefined ? {} : { holocene: integer(holocene) }
  const actual = attributesEip1559Params(times, params, integer(one['parentTime']), integer(one['nextTime']))
  expectEqual(actual, one['expected'] ?? undefined, 'eip1559Params')
}
