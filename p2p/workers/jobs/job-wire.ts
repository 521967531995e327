import { type AttributionEntry, type EntryClass, entryClasses } from '../../../protocol/attribution-entry.ts'
import { bytesToHex, concatBytes, FormatError, hexToBytes } from '../../../protocol/bytes.ts'
import { receiptFields } from '../../../protocol/inference-receipt.ts'
import { cancelFields, voucherFields } from '../../../protocol/voucher.ts'
import { Container, decodeRows, encodeRows, type FieldType } from '../wire/container.ts'
import { ByteReader } from './byte-reader.ts'
import {
  adaptersMax,
  detailBytesMax,
  entriesMax,
  eventTokensMax,
  type Job,
  type JobEvent,
  promptTokensMax,
  refusalCodes,
  type SignedCancel,
  stopBytesMax,
  stopsMax,
} from './job.ts'

const signature = ['signature', 'bytes64'] as const
const samplingFields = [
  ['tempQ16', 'uint32'],
  ['topK', 'uint16'],
  ['topPQ16', 'uint32'],
  ['maxTokens', 'uint32'],
  ['stopHash', 'bytes32'],
] as const
const requestRow = new Container([
  ['chainId', 'uint256'],
  ['payer', 'address'],
  ['nonce', 'uint64'],
  ['modelVersion', 'bytes32'],
  ['templateHash', 'bytes32'],
  ['promptRoot', 'bytes32'],
  ...samplingFields,
  ['class', 'uint8'],
  ['priceVersion', 'uint32'],
  ['maxFee', 'uint128'],
  ['appCode', 'bytes32'],
  ['deadline', 'uint64'],
] as const)
const adapterRow = new Container([
  ['root', 'bytes32'],
  ['weight', 'uint16'],
] as const)
const voucherRow = new Container([...voucherFields, signature] as const)
const cancelRow = new Container([...cancelFields, signature] as const)
const answerRow = new Container([
  ['requestId', 'bytes32'],
  ['outputRoot', 'bytes32'],
  ['final', 'uint8'],
  signature,
] as const)
const receiptRow = new Container([...receiptFields, signature] as const)
const entryRow = new Container([
  ['payee', 'address'],
  ['id', 'uint64'],
  ['class', 'uint8'],
  ['evidenceHash', 'bytes32'],
  ['weight', 'uint64' satisfies FieldType],
] as const)

/** A job in one frame: request, voucher, counts, adapters, stop strings each with its length, tokens. */
export const jobBytesMax =
  requestRow.byteLength +
  voucherRow.byteLength +
  6 +
  adaptersMax * adapterRow.byteLength +
  stopsMax * (1 + stopBytesMax) +
  4 * promptTokensMax

/** Throws {@link FormatError} for what no job holds. */
export function encodeJob({ request, voucher, tokens, stops }: Job): Uint8Array {
  const { sampling, adapters, ...rest } = request
  limit('adapters', adapters.length, adaptersMax)
  limit('stop strings', stops.length, stopsMax)
  limit('prompt tokens', tokens.length, promptTokensMax)
  for (const stop of stops) limit('bytes of a stop string', stop.length, stopBytesMax)
  return concatBytes(
    requestRow.encode({ ...rest, ...sampling }),
    voucherRow.encode({ ...voucher.value, signature: bytesToHex(voucher.signature) }),
    Uint8Array.of(adapters.length, stops.length),
    encodeTokens([tokens.length]),
    encodeRows(adapterRow, adapters),
    ...stops.flatMap((stop) => [Uint8Array.of(stop.length), stop]),
    encodeTokens(tokens),
  )
}

/** Throws {@link FormatError}. */
export function decodeJob(bytes: Uint8Array): Job {
  const reader = new ByteReader(bytes)
  const { tempQ16, topK, topPQ16, maxTokens, stopHash, ...rest } = requestRow.decode(reader.take(requestRow.byteLength))
  const { signature: voucherSignature, ...value } = voucherRow.decode(reader.take(voucherRow.byteLength))
  const [adapters = 0, stopCount = 0] = reader.take(2)
  const [tokenCount = 0] = decodeTokens(reader.take(4))
  limit('adapters', adapters, adaptersMax)
  limit('stop strings', stopCount, stopsMax)
  limit('prompt tokens', tokenCount, promptTokensMax)
  const request = {
    ...rest,
    adapters: decodeRows(adapterRow, reader.take(adapters * adapterRow.byteLength)),
    sampling: { tempQ16, topK, topPQ16, maxTokens, stopHash },
  }
  const stops = Array.from({ length: stopCount }, () => {
    const [length = 0] = reader.take(1)
    limit('bytes of a stop string', length, stopBytesMax)
    return reader.take(length).slice()
  })
  const tokens = decodeTokens(reader.take(4 * tokenCount))
  reader.end()
  return { request, voucher: { value, signature: hexToBytes(voucherSignature) }, tokens, stops }
}

/** Largest frame of an event. */
export const eventBytesMax = 16_384 + 8
const eventKinds = { accepted: 1, tokens: 2, answer: 3, entries: 4, receipt: 5, refused: 6 } as const

/** Throws {@link FormatError} for what no event holds. */
export function encodeEvent(event: JobEvent): Uint8Array {
  const kind = Uint8Array.of(eventKinds[event.kind])
  switch (event.kind) {
    case 'accepted':
      return concatBytes(kind, encodeTokens([event.queued]))
    case 'tokens':
      limit('tokens of an event', event.tokens.length, eventTokensMax)
      return concatBytes(kind, encodeTokens([event.first]), encodeTokens(event.tokens))
    case 'answer': {
      const { value, signature: signed } = event.answer
      return concatBytes(
        kind,
        answerRow.encode({ ...value, final: value.final ? 1 : 0, signature: bytesToHex(signed) }),
      )
    }
    case 'entries':
      limit('entries', event.entries.length, entriesMax)
      return concatBytes(
        kind,
        encodeRows(
          entryRow,
          event.entries.map((entry) => ({ ...entry, weight: BigInt(entry.weight) })),
        ),
      )
    case 'receipt': {
      const { value, signature: signed } = event.receipt
      return concatBytes(kind, receiptRow.encode({ ...value, signature: bytesToHex(signed) }))
    }
    case 'refused': {
      const { code, retryAfterMs, detail } = event.refusal
      const text = new TextEncoder().encode(detail).subarray(0, detailBytesMax)
      return concatBytes(kind, Uint8Array.of(refusalCodes.indexOf(code)), encodeTokens([retryAfterMs]), text)
    }
  }
}

/** Throws {@link FormatError}. */
export function decodeEvent(bytes: Uint8Array): JobEvent {
  const [kind] = bytes
  const reader = new ByteReader(bytes.subarray(1))
  switch (kind) {
    case eventKinds.accepted: {
      const [queued = 0] = decodeTokens(reader.take(4))
      reader.end()
      return { kind: 'accepted', queued }
    }
    case eventKinds.tokens: {
      const [first = 0] = decodeTokens(reader.take(4))
      const tokens = decodeTokens(reader.rest())
      if (tokens.length === 0) throw new FormatError('no tokens')
      limit('tokens of an event', tokens.length, eventTokensMax)
      return { kind: 'tokens', first, tokens }
    }
    case eventKinds.answer: {
      const { final, signature: signed, ...value } = answerRow.decode(reader.rest())
      if (final > 1) throw new FormatError(`final is ${final}`)
      return { kind: 'answer', answer: { value: { ...value, final: final === 1 }, signature: hexToBytes(signed) } }
    }
    case eventKinds.entries: {
      const rows = decodeRows(entryRow, reader.rest())
      limit('entries', rows.length, entriesMax)
      return { kind: 'entries', entries: rows.map(entryOf) }
    }
    case eventKinds.receipt: {
      const { signature: signed, ...value } = receiptRow.decode(reader.rest())
      return { kind: 'receipt', receipt: { value, signature: hexToBytes(signed) } }
    }
    case eventKinds.refused: {
      const code = refusalCodes[reader.take(1)[0] ?? 255]
      const [retryAfterMs = 0] = decodeTokens(reader.take(4))
      const text = reader.rest()
      if (code === undefined) throw new FormatError('an unknown refusal')
      limit('bytes of a refusal', text.length, detailBytesMax)
      return { kind: 'refused', refusal: { code, retryAfterMs, detail: new TextDecoder().decode(text) } }
    }
    default:
      throw new FormatError(`an event of kind ${kind}`)
  }
}

export const cancelBytes = cancelRow.byteLength

export function encodeCancel({ value, signature: signed }: SignedCancel): Uint8Array {
  return cancelRow.encode({ ...value, signature: bytesToHex(signed) })
}

/** Throws {@link FormatError}. */
export function decodeCancel(bytes: Uint8Array): SignedCancel {
  const { signature: signed, ...value } = cancelRow.decode(bytes)
  return { value, signature: hexToBytes(signed) }
}

type EntryRow = ReturnType<typeof entryRow.decode>

function entryOf(row: EntryRow): AttributionEntry {
  const isClass = (value: number): value is EntryClass => Object.values(entryClasses).some((known) => known === value)
  if (!isClass(row.class)) throw new FormatError(`an entry of class ${row.class}`)
  if (row.weight > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`a weight of ${row.weight}`)
  return { ...row, class: row.class, weight: Number(row.weight) }
}

function encodeTokens(tokens: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * tokens.length))
  for (let i = 0; i < tokens.length; i++) view.setUint32(4 * i, tokens[i] ?? 0, true)
  return new Uint8Array(view.buffer)
}

function decodeTokens(bytes: Uint8Array): Uint32Array {
  if (bytes.length % 4 !== 0) throw new FormatError(`${bytes.length} bytes are no tokens`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true))
}

function limit(what: string, count: number, max: number): void {
  if (count > max) throw new FormatError(`${count} ${what}, at most ${max} are allowed`)
}
