import { channelBatch } from '../../../protocol/batch.ts'
import { encodeBitlist, readBitlist } from '../../../protocol/bitlist.ts'
import { bytesToHex, concatBytes, emptyBytes, zeroHash } from '../../../protocol/bytes.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { decodeL1Info } from '../../../protocol/l1-info.ts'
import {
  decodeSpanBatch,
  deriveSpanBatch,
  encodeRawSpanBatch,
  encodeSpanBatch,
  type SpanBatchBlock,
  spanL1Origins,
} from '../../../protocol/span-batch.ts'
import { decodeTransaction, txType } from '../../../protocol/transaction.ts'
import { encodeUvarint, readUvarint } from '../../../protocol/uvarint.ts'
import {
  bytes,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  integer,
  isFields,
  isRefusal,
  list,
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'
import { bitText, chainOf, expectBytes } from './channel.ts'

/** Span batch bytes without the version byte: decoded into the listed columns, encoded back. */
const rawSpanRunner: VectorRunner = {
  name: 'raw span batch',
  matches: (_folder, json) => hasAny(json, 'raw') && (hasAny(json, 'expected') || isRefusal(json)),
  run: async (json, report) => {
    const vector = json as Fields
    if (isRefusal(vector)) {
      const chain = hasAny(vector, 'params') ? chainOf(vector) : anyChain
      return report.check('refused', () =>
        expectThrows(() => deriveSpanBatch(decodeSpanBatch(bytes(vector['raw'], 'raw')), chain), 'span batch'),
      )
    }
    const expected = child(vector, 'expected')
    const raw = bytes(vector['raw'], 'raw')
    const batch = decodeSpanBatch(raw)
    await report.check('encode back', () =>
      expectEqual(bytesToHex(encodeRawSpanBatch(batch)), bytesToHex(raw), 'bytes'),
    )
    const { txs } = batch
    const types = txs.datas.map((data) => ((data[0] ?? 0) >= 0xc0 ? 0 : (data[0] ?? 0)))
    const legacy = types.filter((type) => type === 0).length
    const columns: Record<string, () => unknown> = {
      relTimestamp: () => batch.relTimestamp,
      l1OriginNum: () => batch.l1OriginNum,
      parentCheck: () => bytesToHex(batch.parentCheck),
      l1OriginCheck: () => bytesToHex(batch.l1OriginCheck),
      blockCount: () => BigInt(batch.blockCount),
      originBits: () => bitText(batch.originBits, batch.blockCount),
      blockTxCounts: () => batch.blockTxCounts.map(BigInt),
      contractCreationBits: () => bitText(txs.contractCreationBits, txs.count),
      yParityBits: () => bitText(txs.yParityBits, txs.count),
      protectedBits: () => bitText(txs.protectedBits, legacy),
      txTypes: () => types.map(BigInt),
      nonces: () => [...txs.nonces],
      gases: () => [...txs.gases],
      sigs: () =>
        Array.from({ length: txs.count }, (_, i) =>
          [0, 32].map((at) => BigInt(bytesToHex(txs.signatures.subarray(64 * i + at, 64 * i + at + 32)))),
        ),
      tos: () =>
        Array.from({ length: txs.tos.length / 20 }, (_, i) => bytesToHex(txs.tos.subarray(20 * i, 20 * i + 20))),
      txDatas: () => txs.datas.map((data) => bytesToHex(data).slice(2)),
    }
    for (const [name, wanted] of Object.entries(expected)) {
      const column = columns[name]
      if (column === undefined) report.fail(name, 'unknown column')
      else await report.check(name, () => expectEqual(column(), asColumn(name, wanted), name))
    }
  },
}

/** Blocks to encode into a span batch, byte for byte. */
const encodeRunner: VectorRunner = {
  name: 'span batch encoding',
  matches: (_folder, json) => hasAny(json, 'blocks') && hasAny(json, 'expected') && !hasAny(json, 'headers'),
  run: async (json, report) => {
    const vector = json as Fields
    const expected = child(vector, 'expected')
    const { blocks, starts } = blocksOf(vector)
    const spans = starts.map((isEpochStart) =>
      encodeSpanBatch(
        blocks.map((block, i) => (i === 0 ? { ...block, isEpochStart } : block)),
        chainOf(vector),
      ),
    )
    const versioned = (one: Uint8Array) => concatBytes(Uint8Array.of(1), one)
    const wanted = String(expected['spanBatch']).toLowerCase()
    const span = spans.find((one) => wanted.endsWith(bytesToHex(one).slice(2))) ?? spans[0] ?? emptyBytes
    const channel = channelBatch(1, span)
    await report.check('span batch', () => {
      const isVersioned = (wanted.length - 2) / 2 === span.length + 1
      expectBytes(isVersioned ? versioned(span) : span, expected['spanBatch'], 'span batch')
    })
    await report.check('channel', () => {
      if (expected['channelPlain'] !== undefined) expectBytes(channel, expected['channelPlain'], 'channel')
    })
    await report.check('keccak', () => {
      if (expected['spanKeccak'] === undefined) return
      const digests = [keccakHex(span), keccakHex(versioned(span))]
      if (!digests.includes(expected['spanKeccak'] as `0x${string}`))
        throw new Error(`got ${digests.join(' or ')}, expected ${String(expected['spanKeccak'])}`)
    })
  },
}

const primitiveSections = [
  'bitlist',
  'bitlistInvalid',
  'uvarint',
  'originBits',
  'eip2930Example',
  'invalid',
  'note',
  'notes',
]

/** Bit lists, uvarints, the walk over origin bits, and what must be refused. */
const primitivesRunner: VectorRunner = {
  name: 'span batch primitives',
  matches: (_folder, json) =>
    isFields(json) && (hasAny(json, 'bitlist', 'uvarint') || hasAny(json, 'originBits')) && !hasAny(json, 'expected'),
  run: async (json, report) => {
    failUnknownSections(json as Fields, primitiveSections, report)
    for (const [i, one] of list(json, 'bitlist').entries()) {
      await report.check(`bitlist[${i}]`, () => {
        const length = Number(integer(one['length']))
        const set = (one['setBits'] as unknown[]).map((bit) => Number(integer(bit)))
        const bits = encodeBitlist(Array.from({ length }, (_, bit) => set.includes(bit)))
        expectEqual(bytesToHex(bits), one['encoded'], 'encoded')
        expectEqual(bitText(readBitlist(bytes(one['encoded']), 0, length), length), bitText(bits, length), 'decoded')
      })
    }
    for (const [i, one] of list(json, 'bitlistInvalid').entries()) {
      await report.check(`bitlistInvalid[${i}]`, () =>
        expectThrows(() => readBitlist(bytes(one['encoded']), 0, Number(integer(one['length']))), 'bit list'),
      )
    }
    for (const [i, one] of list(json, 'uvarint').entries()) {
      await report.check(`uvarint[${i}]`, () => {
        expectEqual(bytesToHex(encodeUvarint(integer(one['value']))), one['encoded'], 'encoded')
        expectEqual(readUvarint(bytes(one['encoded']), 0).value, integer(one['value']), 'decoded')
      })
    }
    for (const [i, one] of list(json, 'originBits').entries()) {
      await report.check(`originBits[${i}]`, () => {
        const bits = (one['originBits'] as unknown[]).map((bit) => integer(bit) === 1n)
        const origins = spanL1Origins({
          l1OriginNum: integer(one['lastL1OriginNum']),
          blockCount: bits.length,
          originBits: encodeBitlist(bits),
        })
        expectEqual(
          origins,
          (one['blockL1Origins'] as unknown[]).map((value) => integer(value)),
          'L1 origins',
        )
      })
    }
    if (hasAny(json, 'eip2930Example')) {
      const example = child(json, 'eip2930Example')
      await report.check('eip2930Example', () => {
        const tx = decodeTransaction(bytes(example['rawTx']))
        const wanted = child(example, 'decoded')
        if (tx.type !== 1) throw new Error(`type ${tx.type}`)
        expectEqual(
          [tx.chainId, tx.nonce, tx.gasPrice, tx.gasLimit, tx.value, tx.r, tx.s, BigInt(tx.yParity)],
          ['chainId', 'nonce', 'gasPrice', 'gas', 'value', 'r', 's', 'yParity'].map((key) => integer(wanted[key])),
          'fields',
        )
        expectEqual(bytesToHex(tx.to ?? new Uint8Array(0)), wanted['to'], 'to')
      })
    }
    if (hasAny(json, 'invalid'))
      for (const [name, data] of invalidSpans)
        await report.check(`invalid: ${name}`, () =>
          expectThrows(() => deriveSpanBatch(decodeSpanBatch(data), anyChain), name),
        )
  },
}

export const spanRunners: readonly VectorRunner[] = [rawSpanRunner, encodeRunner, primitivesRunner]

/** Refusals that the vectors state in words. */
const prefix = concatBytes(Uint8Array.of(0, 0), new Uint8Array(40))
const invalidSpans: readonly (readonly [string, Uint8Array])[] = [
  ['no blocks', concatBytes(prefix, Uint8Array.of(0))],
  ['more than 10,000,000 blocks', concatBytes(prefix, encodeUvarint(10_000_001n), new Uint8Array(1_250_001))],
  ['more than 10,000,000 transactions', concatBytes(prefix, Uint8Array.of(1, 0), encodeUvarint(10_000_001n))],
  ['short checks', Uint8Array.of(0, 0, 1, 2, 3)],
  ['an origin bit past the blocks', concatBytes(prefix, Uint8Array.of(1, 2, 0))],
  ['transaction data of type 0', spanOfOne(Uint8Array.of(0x00, 0xc0))],
  ['transaction data of type 3', spanOfOne(Uint8Array.of(0x03, 0xc0))],
]

const anyChain = { genesisTimestamp: 0n, blockTime: 2n, chainId: 10n }

function spanOfOne(data: Uint8Array): Uint8Array {
  return concatBytes(prefix, Uint8Array.of(1, 0, 1, 0, 0), new Uint8Array(64 + 20), data, Uint8Array.of(0, 0, 0))
}

function asColumn(name: string, wanted: unknown): unknown {
  switch (name) {
    case 'parentCheck':
    case 'l1OriginCheck':
    case 'tos':
      return wanted
    case 'txDatas':
      return (wanted as string[]).map((data) => data.replace(/^0x/, ''))
    case 'sigs':
      return (wanted as unknown[][]).map((pair) => pair.map((value) => integer(value)))
    default:
      if (typeof wanted === 'string' && name.endsWith('Bits')) return wanted
      return Array.isArray(wanted) ? wanted.map((value) => integer(value)) : integer(wanted)
  }
}

/**
 * Blocks as vectors write them: the L1 origin by fields of the block or of its `l1Origin`, or by the L1-info deposit
 * among its transactions. `starts`: whether the first one starts its epoch, both where the vector does not say.
 */
function blocksOf(vector: Fields): { blocks: SpanBatchBlock[]; starts: boolean[] } {
  const params = hasAny(vector, 'params') ? child(vector, 'params') : {}
  const given = list(vector, 'blocks')
  const last = given.length - 1
  let starts: boolean | undefined
  const blocks = given.map((block, i) => {
    const all = transactionsOf(block)
    const info = all.flatMap((raw) => (raw[0] === txType.deposit ? [decodeL1Info(decodeTransaction(raw).data)] : []))[0]
    const origin = isFields(block['l1Origin']) ? block['l1Origin'] : {}
    const epochNum =
      origin['number'] ??
      first(block, ['l1OriginNum', 'l1OriginNumber', 'epochNum', 'epochNumber', 'epoch', 'originNum']) ??
      info?.number
    const hashOfLast =
      i === last ? first(params, ['l1OriginHash', 'lastL1OriginHash', 'epochHash', 'l1OriginCheck']) : undefined
    const epochHash =
      origin['hash'] ?? first(block, ['l1OriginHash', 'epochHash', 'originHash']) ?? info?.blockHash ?? hashOfLast
    const parentHash = block['parentHash'] ?? (i === 0 ? first(params, ['parentHash', 'parentCheck']) : undefined)
    if (i === 0) starts = startsEpoch(block, params, integer(epochNum), info?.sequenceNumber)
    return {
      timestamp: integer(block['timestamp'] ?? block['time']),
      parentHash: paddedHash(parentHash),
      epochNum: integer(epochNum, 'L1 origin of a block'),
      epochHash: paddedHash(epochHash),
      isEpochStart: false,
      transactions: all.filter((raw) => raw[0] !== txType.deposit),
    }
  })
  return { blocks, starts: starts === undefined ? [false, true] : [starts] }
}

function transactionsOf(block: Fields): Uint8Array[] {
  const given = first(block, ['transactions', 'txs', 'rawTxs', 'rawTransactions']) ?? []
  return (given as unknown[]).map((tx) => bytes(isFields(tx) ? (tx['raw'] ?? tx['rawTx']) : tx, 'transaction'))
}

function startsEpoch(
  block: Fields,
  params: Fields,
  epochNum: bigint,
  sequenceNumber: bigint | undefined,
): boolean | undefined {
  const bit = block['originBit'] ?? block['originChanged'] ?? block['isFirstOfEpoch'] ?? params['firstOriginBit']
  if (typeof bit === 'boolean') return bit
  if (bit !== undefined) return integer(bit) === 1n
  const bits = params['originBits']
  if (typeof bits === 'string' || Array.isArray(bits)) return integer(bits[0]) === 1n
  const sequence = sequenceNumber ?? first(block, ['sequenceNumber', 'seqNum', 'seqNumber'])
  if (sequence !== undefined) return integer(sequence) === 0n
  const parentOrigin = first(params, ['parentL1OriginNum', 'parentOriginNum', 'parentEpochNum', 'prevL1OriginNum'])
  return parentOrigin === undefined ? undefined : integer(parentOrigin) !== epochNum
}

function first(fields: Fields, names: readonly string[]): unknown {
  return names.map((name) => fields[name]).find((value) => value !== undefined && value !== null)
}

function paddedHash(value: unknown): `0x${string}` {
  if (typeof value !== 'string') return zeroHash
  return `0x${value.slice(2).toLowerCase().padEnd(64, '0')}`
}
