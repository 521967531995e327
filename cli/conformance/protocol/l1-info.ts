import { bytesToHex, type Hex, zeroHash } from '../../../protocol/bytes.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import type { L1BlockInfo } from '../../../protocol/l1-block.ts'
import {
  decodeL1Info,
  encodeFeeScalars,
  encodeL1Info,
  encodeOperatorFeeParams,
  type L1Info,
  type L1InfoFormat,
  l1InfoDeposit,
  l1InfoDepositOf,
} from '../../../protocol/l1-info.ts'
import type { SystemConfig } from '../../../protocol/system-config.ts'
import { decodeTransaction, encodeTransaction } from '../../../protocol/transaction.ts'
import {
  address,
  bytes,
  casesHaveAny,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  hash,
  integer,
  list,
  requireKnown,
  text,
  word,
} from '../fields.ts'
import { expectEqual, expectThrows, type Report, type VectorRunner } from '../vector.ts'
import { testRollupConfig } from './rollup-fixture.ts'

/** L1 attributes: calldata and fields in both directions, the deposit around them, malformed calldata. */
export const l1InfoRunner: VectorRunner = {
  name: 'L1 attributes',
  matches: (folder, json) =>
    folder === 'protocol' && (casesHaveAny(json, 'calldata') || (hasAny(json, 'errors') && !hasAny(json, 'cases'))),
  run: async (json, report) => {
    failUnknownSections(json, ['cases', 'errors'], report)
    for (const one of list(json, 'cases')) await runCase(one, report)
    for (const [index, one] of list(json, 'errors').entries()) {
      await report.check(`errors[${index}] ${String(one['error'])}`, () => {
        requireKnown(one, ['calldata', 'error'])
        expectThrows(() => decodeL1Info(bytes(one['calldata'])), 'decoding')
      })
    }
  },
}

async function runCase(one: Fields, report: Report): Promise<void> {
  const name = text(one['fork'], 'fork')
  const format = name.split(' ')[0] as L1InfoFormat
  const deposits = Object.keys(one).filter((key) => key.startsWith('depositTx'))
  await report.check(`${name} calldata`, () => {
    requireKnown(one, ['fork', 'length', 'fields', 'calldata', ...deposits])
    const info = expectedInfo(format, child(one, 'fields'))
    const calldata = bytes(one['calldata'])
    if (one['length'] !== undefined) expectEqual(calldata.length, Number(integer(one['length'])), 'length')
    expectEqual(decodeL1Info(calldata), info, 'decoded fields')
    expectEqual(bytesToHex(encodeL1Info(info)), bytesToHex(calldata), 'encoded fields')
  })
  for (const key of deposits) {
    const isRegolith = !/PreRegolith/i.test(key)
    await report.check(`${name} ${key}`, () => checkDeposit(format, one, child(one, key), isRegolith))
  }
}

function checkDeposit(format: L1InfoFormat, one: Fields, deposit: Fields, isRegolith: boolean): void {
  requireKnown(deposit, ['raw', 'hash'])
  const info = expectedInfo(format, child(one, 'fields'))
  const tx = l1InfoDepositOf(info, isRegolith)
  const raw = encodeTransaction(tx)
  expectEqual(bytesToHex(raw), deposit['raw'], 'deposit')
  expectEqual(keccakHex(raw), deposit['hash'], 'hash')
  expectEqual(decodeTransaction(raw), tx, 'decoded deposit')
  // A blob base fee of 1 wei is what a header without excess blob gas has: then the whole path can be driven.
  if (info.blobBaseFee <= 1n) expectEqual(throughSystemConfig(info, isRegolith), tx, 'deposit from the system config')
}

/** The deposit as derivation makes it, from the system config and the L1 block. */
function throughSystemConfig(info: L1Info, isRegolith: boolean) {
  const sysConfig: SystemConfig = {
    batcherAddr: info.batcherAddr,
    overhead: info.overhead,
    scalar: info.format === 'bedrock' ? info.scalar : encodeFeeScalars(info),
    gasLimit: 30_000_000n,
    eip1559Params: '0x0000000000000000',
    operatorFeeParams: encodeOperatorFeeParams(info.operatorFeeScalar, info.operatorFeeConstant),
    minBaseFee: 0n,
    daFootprintGasScalar: info.daFootprintGasScalar,
  }
  const l1: L1BlockInfo = {
    hash: info.blockHash,
    number: info.number,
    parentHash: zeroHash,
    timestamp: info.timestamp,
    prevRandao: zeroHash,
    baseFee: info.baseFee,
    gasUsed: 0n,
    gasLimit: 0n,
  }
  const newest = info.format === 'bedrock' && isRegolith ? 'regolith' : info.format
  return l1InfoDeposit(testRollupConfig(newest), sysConfig, info.sequenceNumber, l1, 1_000_000n)
}

function expectedInfo(format: L1InfoFormat, fields: Fields): L1Info {
  requireKnown(fields, [...commonFields, ...Object.keys(laterFields), 'l1FeeOverhead', 'l1FeeScalar'])
  const optional = (key: keyof typeof laterFields) => (fields[key] === undefined ? 0n : integer(fields[key], key))
  const bedrockWord = (key: string): Hex => (fields[key] === undefined ? zeroHash : word(fields[key], key))
  return {
    format,
    number: integer(fields['number'], 'number'),
    timestamp: integer(fields['time'], 'time'),
    baseFee: integer(fields['baseFee'], 'baseFee'),
    blockHash: hash(fields['blockHash']),
    sequenceNumber: integer(fields['sequenceNumber'], 'sequenceNumber'),
    batcherAddr: address(fields['batcherAddress']),
    overhead: bedrockWord('l1FeeOverhead'),
    scalar: bedrockWord('l1FeeScalar'),
    baseFeeScalar: Number(optional('baseFeeScalar')),
    blobBaseFeeScalar: Number(optional('blobBaseFeeScalar')),
    blobBaseFee: optional('blobBaseFee'),
    operatorFeeScalar: Number(optional('operatorFeeScalar')),
    operatorFeeConstant: optional('operatorFeeConstant'),
    daFootprintGasScalar: Number(optional('daFootprintGasScalar')),
  }
}

const commonFields = ['number', 'time', 'baseFee', 'blockHash', 'sequenceNumber', 'batcherAddress']
const laterFields = {
  baseFeeScalar: 1,
  blobBaseFeeScalar: 1,
  blobBaseFee: 1,
  operatorFeeScalar: 1,
  operatorFeeConstant: 1,
  daFootprintGasScalar: 1,
} as const
