import { KzgWorker, versionedHash } from '../../../chain/tx/kzg.ts'
import { decodeBatch, readChannelBatch } from '../../../protocol/batch.ts'
import { bitAt } from '../../../protocol/bitlist.ts'
import { blobBytes, decodeBlob } from '../../../protocol/blob-codec.ts'
import { bytesToHex, concatBytes, FormatError } from '../../../protocol/bytes.ts'
import {
  channelCompression,
  decompressChannel,
  rlpBytesPerChannelMaxFjord,
  unbrotli,
} from '../../../protocol/channel-compression.ts'
import { type Frame, parseFrames } from '../../../protocol/frame.ts'
import { keccak256, keccakHex } from '../../../protocol/keccak.ts'
import { decodeSingularBatch, type SingularBatch } from '../../../protocol/singular-batch.ts'
import { deriveSpanBatch, type RawSpanBatch, type SpanBatchChain } from '../../../protocol/span-batch.ts'
import { decodeTransaction, transactionHash, transactionSender } from '../../../protocol/transaction.ts'
import { bytes, child, type Fields, hasAny, integer, isFields, isRefusal, list } from '../fields.ts'
import { expectEqual, type Report, type VectorRunner } from '../vector.ts'

/** A whole channel, or the batcher transaction that carries it: decompressed, decoded, every block rebuilt. */
const channelRunner: VectorRunner = {
  name: 'channel',
  matches: (_folder, json) => hasAny(json, 'channel', 'rawTx') && (hasAny(json, 'expected') || isRefusal(json)),
  run: async (json, report) => {
    const vector = json as Fields
    if (isRefusal(vector)) return report.check('refused', () => expectNoBatch(vector))
    const expected = child(vector, 'expected')
    let channel: Uint8Array
    if (vector['rawTx'] === undefined) channel = bytes(vector['channel'], 'channel')
    else {
      const frames = batcherTransaction(bytes(vector['rawTx'], 'rawTx'), expected)
      await report.check('batcher transaction', frames.check)
      channel = concatBytes(...frames.frames.map((frame) => frame.data))
    }
    if (vector['blobs'] !== undefined) await report.check('blobs', () => checkBlobs(vector, channel, expected))
    const plain = await decompressChannel(channel, true, rlpBytesPerChannelMaxFjord)
    await report.check('decompression', () => {
      expectEqual(channelCompression(channel, true), String(expected['compression']), 'compression')
      expectEqual(BigInt(plain.length), integer(expected['decompressedLength']), 'decompressed length')
      expectEqual(keccakHex(plain), expected['decompressedKeccak'], 'decompressed keccak')
    })
    const batches = batchesOf(plain)
    await report.check('batch versions', () => {
      if (!Array.isArray(expected['batchVersions'])) return
      expectEqual(
        batches.map((data) => BigInt(data[0] ?? 0)),
        expected['batchVersions'].map((v: unknown) => integer(v)),
        'batch versions',
      )
    })
    if (hasAny(expected, 'span')) await checkSpan(batches, child(expected, 'span'), vector, report)
  },
}

/** Frames of one channel that hold raw brotli over a single version 0 batch. */
const framesRunner: VectorRunner = {
  name: 'frames of a brotli channel',
  matches: (_folder, json) => hasAny(json, 'frames') && hasAny(json, 'expected') && !hasAny(json, 'parseFrames'),
  run: async (json, report) => {
    const vector = json as Fields
    const expected = child(vector, 'expected')
    const given = vector['frames']
    const hex = (one: unknown) => (isFields(one) ? (one['bytes'] ?? one['raw'] ?? one['frame']) : one)
    const data = (Array.isArray(given) ? given : [given]).map((one) => bytes(hex(one), 'frames'))
    const frames = data.flatMap(framesOf)
    await report.check('frames', () => checkFrames(frames, expected))
    const channel = concatBytes(...frames.map((frame) => frame.data))
    await report.check('channel data', () => expectBytes(channel, expected['channelData'], 'channel data'))
    const plain = await unbrotli(channel, rlpBytesPerChannelMaxFjord)
    await report.check('decompressed', () => expectBytes(plain, expected['decompressed'], 'decompressed'))
    await report.check('batch', () => {
      expectEqual(BigInt(plain[0] ?? 0), integer(expected['batchType'] ?? 0), 'batch type')
      checkSingular(decodeSingularBatch(plain.subarray(1)), expected)
    })
  },
}

/** Compressed and plain bytes of brotli streams. */
const brotliRunner: VectorRunner = {
  name: 'brotli pairs',
  matches: (_folder, json) => list2(json).some((one) => hasAny(one, 'compressed')),
  run: async (json, report) => {
    for (const [i, one] of list(json, 'cases').entries()) {
      await report.check(`cases[${i}]`, async () => {
        const plain = await unbrotli(bytes(one['compressed']), rlpBytesPerChannelMaxFjord)
        expectBytes(plain, one['decompressed'], 'decompressed')
      })
    }
  },
}

export const channelRunners: readonly VectorRunner[] = [channelRunner, framesRunner, brotliRunner]

function list2(json: unknown): readonly Fields[] {
  return hasAny(json, 'cases') && Array.isArray(json['cases']) ? list(json, 'cases') : []
}

function batcherTransaction(raw: Uint8Array, expected: Fields) {
  const tx = decodeTransaction(raw)
  const frames = parseFrames(tx.data)
  const check = () => {
    const actual: Readonly<Record<string, unknown>> = {
      txHash: bytesToHex(transactionHash(raw)),
      sender: bytesToHex(transactionSender(tx)),
      nonce: tx.type === 0x7e ? undefined : tx.nonce,
      to: tx.to === undefined ? null : bytesToHex(tx.to),
      calldataLength: BigInt(tx.data.length),
    }
    for (const [key, value] of Object.entries(actual)) {
      const wanted = expected[key]
      if (wanted !== undefined) expectEqual(value, typeof value === 'bigint' ? integer(wanted) : lower(wanted), key)
    }
    checkFrames(frames, expected)
  }
  return { frames, check }
}

/** One for all files: it takes seconds to load. Idle it keeps no process alive. */
const kzg = new KzgWorker()

/** The blobs, written without their trailing zero bytes, have the versioned hashes and carry the channel's frames. */
async function checkBlobs(vector: Fields, channel: Uint8Array, expected: Fields): Promise<void> {
  const blobs = (vector['blobs'] as unknown[]).map((one) => {
    const blob = new Uint8Array(blobBytes)
    blob.set(bytes(one, 'blob'))
    return blob
  })
  const hashes = await Promise.all(blobs.map(async (blob) => versionedHash(await kzg.commitment(blob))))
  expectEqual(hashes, vector['versionedHashes'], 'versioned hashes')
  const frames = blobs.flatMap((blob) => parseFrames(decodeBlob(blob)))
  checkFrames(frames, expected)
  expectBytes(concatBytes(...frames.map((frame) => frame.data)), bytesToHex(channel), 'channel in the blobs')
}

/** Frames of batcher data, or bare ones without the version byte in front. */
function framesOf(data: Uint8Array): Frame[] {
  try {
    return parseFrames(data)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return parseFrames(concatBytes(Uint8Array.of(0), data))
  }
}

function checkFrames(frames: readonly Frame[], expected: Fields): void {
  const count = expected['frames']
  if (count !== undefined && !Array.isArray(count)) {
    expectEqual(BigInt(frames.length), integer(count), 'number of frames')
    return
  }
  if (count === undefined) return
  const wanted = list(expected, 'frames')
  expectEqual(frames.length, wanted.length, 'number of frames')
  for (const [i, one] of wanted.entries()) {
    const frame = frames[i]
    const id = one['channelId'] ?? one['id']
    const number = one['frameNumber'] ?? one['number']
    if (id !== undefined) expectEqual(frame?.channelId, lower(id), `frame ${i} channel`)
    if (number !== undefined) expectEqual(BigInt(frame?.frameNumber ?? -1), integer(number), `frame ${i} number`)
    if (one['dataLength'] !== undefined)
      expectEqual(BigInt(frame?.data.length ?? -1), integer(one['dataLength']), `frame ${i} length`)
    if (one['data'] !== undefined) expectBytes(frame?.data ?? new Uint8Array(0), one['data'], `frame ${i} data`)
    if (one['isLast'] !== undefined) expectEqual(frame?.isLast, one['isLast'], `frame ${i} is last`)
  }
}

/** Hex, or where an object is given, its length and keccak. */
export function expectBytes(actual: Uint8Array, expected: unknown, what: string): void {
  if (expected === undefined) return
  if (typeof expected === 'string') {
    const isHash = expected.length === 66 && actual.length !== 32
    expectEqual(isHash ? keccakHex(actual) : bytesToHex(actual), expected.toLowerCase(), what)
    return
  }
  if (!hasAny(expected, 'length', 'keccak')) throw new Error(`${what}: unknown form of expectation`)
  if (expected['length'] !== undefined)
    expectEqual(BigInt(actual.length), integer(expected['length']), `${what} length`)
  if (expected['keccak'] !== undefined) expectEqual(keccakHex(actual), expected['keccak'], `${what} keccak`)
}

function checkSingular(batch: SingularBatch, expected: Fields): void {
  if (expected['parentHash'] !== undefined) expectEqual(batch.parentHash, expected['parentHash'], 'parent hash')
  if (expected['epochNum'] !== undefined) expectEqual(batch.epochNum, integer(expected['epochNum']), 'epoch number')
  if (expected['epochHash'] !== undefined) expectEqual(batch.epochHash, expected['epochHash'], 'epoch hash')
  if (expected['timestamp'] !== undefined) expectEqual(batch.timestamp, integer(expected['timestamp']), 'timestamp')
  const wanted = expected['transactions']
  if (Array.isArray(wanted)) expectEqual(batch.transactions.map(bytesToHex), wanted.map(lower), 'transactions')
  else if (wanted !== undefined)
    expectEqual(BigInt(batch.transactions.length), integer(wanted), 'number of transactions')
}

/** The batches of a channel up to its end or to what cannot be read, as the channel reader takes them. */
function batchesOf(plain: Uint8Array): Uint8Array[] {
  const batches: Uint8Array[] = []
  try {
    for (let next = readChannelBatch(plain, 0); next !== undefined; next = readChannelBatch(plain, next.end)) {
      decodeBatch(next.data)
      batches.push(next.data)
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
  }
  return batches
}

/** Not one batch comes of a channel that the vector says is refused. */
async function expectNoBatch(vector: Fields): Promise<void> {
  const batches = async () => {
    const channel =
      vector['rawTx'] === undefined
        ? bytes(vector['channel'], 'channel')
        : concatBytes(...batcherTransaction(bytes(vector['rawTx'], 'rawTx'), {}).frames.map((frame) => frame.data))
    const found = batchesOf(await decompressChannel(channel, true, rlpBytesPerChannelMaxFjord)).map(decodeBatch)
    return found.map((batch) => (batch.kind === 'raw-span' ? deriveSpanBatch(batch.raw, chainOf(vector)) : batch))
  }
  const found = await batches().catch((error: unknown) => {
    if (error instanceof FormatError) return []
    throw error
  })
  expectEqual(found.length, 0, 'batches of a refused channel')
}

async function checkSpan(
  batches: readonly Uint8Array[],
  expected: Fields,
  vector: Fields,
  report: Report,
): Promise<void> {
  const decoded = batches.map(decodeBatch).find((batch) => batch.kind === 'raw-span')
  if (decoded?.kind !== 'raw-span') return report.fail('span', 'the channel holds no span batch')
  const { raw } = decoded
  await report.check('span fields', () => checkSpanFields(raw, expected))
  const { blocks } = deriveSpanBatch(raw, chainOf(vector))
  const wanted = list(expected, 'blocks')
  await report.check('number of blocks', () => expectEqual(blocks.length, wanted.length, 'blocks'))
  for (const [i, one] of wanted.entries()) {
    await report.check(`block ${i}`, () => {
      const block = blocks[i]
      if (block === undefined) throw new Error('the block is missing')
      expectEqual(block.timestamp, integer(one['timestamp']), 'timestamp')
      expectEqual(block.epochNum, integer(one['l1OriginNum']), 'L1 origin')
      if (one['originBit'] !== undefined)
        expectEqual(BigInt(bitAt(raw.originBits, i)), integer(one['originBit']), 'origin bit')
      if (one['txCount'] !== undefined)
        expectEqual(BigInt(block.transactions.length), integer(one['txCount']), 'transactions')
      if (one['txHashes'] !== undefined)
        expectEqual(block.transactions.map(keccakHex), (one['txHashes'] as unknown[]).map(lower), 'transaction hashes')
      if (one['senders'] === undefined) return
      const senders = block.transactions.map((tx) => bytesToHex(transactionSender(decodeTransaction(tx))))
      expectEqual(senders, (one['senders'] as unknown[]).map(lower), 'senders')
    })
  }
  await report.check('all transactions', () => {
    const all = blocks.flatMap((block) => [...block.transactions])
    if (expected['allTxsKeccak'] !== undefined) {
      // The published digest is over the concatenated transactions or over their concatenated hashes.
      const digests = [keccakHex(concatBytes(...all)), keccakHex(concatBytes(...all.map((tx) => keccak256(tx))))]
      if (!digests.includes(expected['allTxsKeccak'] as `0x${string}`))
        throw new Error(`digest of all transactions: got ${digests.join(' or ')}`)
    }
    if (Array.isArray(expected['firstTxs'])) {
      expectEqual(all.slice(0, expected['firstTxs'].length).map(bytesToHex), expected['firstTxs'], 'first transactions')
    }
  })
}

function checkSpanFields(raw: RawSpanBatch, expected: Fields): void {
  expectEqual(raw.relTimestamp, integer(expected['relTimestamp']), 'relative timestamp')
  expectEqual(raw.l1OriginNum, integer(expected['lastL1OriginNum']), 'last L1 origin')
  expectEqual(bytesToHex(raw.parentCheck), expected['parentCheck'], 'parent check')
  expectEqual(bytesToHex(raw.l1OriginCheck), expected['l1OriginCheck'], 'L1 origin check')
  expectEqual(BigInt(raw.blockCount), integer(expected['blockCount']), 'block count')
  expectEqual(bitText(raw.originBits, raw.blockCount), expected['originBits'], 'origin bits')
  expectEqual(BigInt(raw.txs.count), integer(expected['totalTxs']), 'transactions')
  const creations = [...bitText(raw.txs.contractCreationBits, raw.txs.count)].filter((bit) => bit === '1').length
  if (expected['contractCreations'] !== undefined)
    expectEqual(BigInt(creations), integer(expected['contractCreations']), 'contract creations')
  const types = raw.txs.datas.map((data) => ((data[0] ?? 0) >= 0xc0 ? 0 : (data[0] ?? 0)))
  if (hasAny(expected['txTypes'], '0', '1', '2', '4')) {
    for (const [type, count] of Object.entries(expected['txTypes'])) {
      expectEqual(
        BigInt(types.filter((one) => one === Number(type)).length),
        integer(count),
        `transactions of type ${type}`,
      )
    }
  }
  if (expected['protectedLegacy'] !== undefined) {
    const legacy = types.filter((type) => type === 0).length
    const isProtected = [...bitText(raw.txs.protectedBits, legacy)].filter((bit) => bit === '1').length
    expectEqual(BigInt(isProtected), integer(expected['protectedLegacy']), 'protected legacy transactions')
  }
}

/** Bits as text, bit 0 first. */
export function bitText(bits: Uint8Array, length: number): string {
  return Array.from({ length }, (_, i) => bitAt(bits, i)).join('')
}

/** The chain of a vector's `params`. */
export function chainOf(vector: Fields): SpanBatchChain {
  const params = child(vector, 'params')
  return {
    chainId: integer(params['l2ChainId'] ?? params['chainId']),
    genesisTimestamp: integer(params['genesisL2Time'] ?? params['genesisTimestamp']),
    blockTime: integer(params['blockTime']),
  }
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}
