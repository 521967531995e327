import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import type { ExecutionPayload } from '../../../protocol/engine-api.ts'
import type { TopicVersion } from '../../../protocol/gossip.ts'
import type { ForkTimes } from '../../../protocol/hardforks.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { address, bytes, type Fields, hash, integer, requireKnown } from '../fields.ts'
import { forksUpTo } from '../protocol/rollup-fixture.ts'

/** A payload as the vectors write it: numbers as JSON numbers, the base fee as a decimal string. */
export function vectorPayload(fields: Fields): ExecutionPayload {
  requireKnown(fields, payloadFields)
  const uint = (key: string) => integer(fields[key], key)
  return {
    parentHash: hash(fields['parentHash']),
    feeRecipient: address(fields['feeRecipient']),
    stateRoot: hash(fields['stateRoot']),
    receiptsRoot: hash(fields['receiptsRoot']),
    logsBloom: bytes(fields['logsBloom']),
    prevRandao: hash(fields['prevRandao']),
    blockNumber: uint('blockNumber'),
    gasLimit: uint('gasLimit'),
    gasUsed: uint('gasUsed'),
    timestamp: uint('timestamp'),
    extraData: bytes(fields['extraData']),
    baseFeePerGas: uint('baseFeePerGas'),
    blockHash: hash(fields['blockHash']),
    transactions: asArray(fields['transactions'], 'transactions').map((tx) => bytes(tx)),
    ...(isSet(fields['withdrawals']) ? { withdrawals: [] as const } : {}),
    ...(isSet(fields['blobGasUsed']) ? { blobGasUsed: uint('blobGasUsed') } : {}),
    ...(isSet(fields['excessBlobGas']) ? { excessBlobGas: uint('excessBlobGas') } : {}),
    ...(isSet(fields['withdrawalsRoot']) ? { withdrawalsRoot: hash(fields['withdrawalsRoot']) } : {}),
  }
}

/** A payload in a form that can be compared and printed. */
export function comparable(payload: ExecutionPayload): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(payload).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? bytesToHex(value) : key === 'transactions' ? hexes(value) : value,
    ]),
  )
}

/** Forks of the topic's payloads; Jovian too, from which blob gas may be used. */
export function topicForks(version: TopicVersion): ForkTimes {
  return forksUpTo((['regolith', 'canyon', 'ecotone', 'jovian'] as const)[version])
}

function hexes(list: unknown): Hex[] {
  return (list as Uint8Array[]).map(bytesToHex)
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}

const payloadFields = [
  'parentHash',
  'feeRecipient',
  'stateRoot',
  'receiptsRoot',
  'logsBloom',
  'prevRandao',
  'blockNumber',
  'gasLimit',
  'gasUsed',
  'timestamp',
  'extraData',
  'baseFeePerGas',
  'blockHash',
  'transactions',
  'withdrawals',
  'blobGasUsed',
  'excessBlobGas',
  'withdrawalsRoot',
]
