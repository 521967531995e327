import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { type Span, type SpanKind, spanKinds, spansMax } from '../../protocol/agent-trail.ts'
import { FormatError, fixedHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { integer, objectOf } from '../money/papers.ts'

/** Whose trail it is. */
export type TrailHead = { readonly chainId: bigint; readonly agentId: bigint; readonly trailId: Hex }
export type TrailFile = TrailHead & { readonly spans: readonly Span[] }

/** Longest name of an action, bytes. */
const nameBytesMax = 256
/** Above what {@link spansMax} lines of the longest names take. */
const fileBytesMax = 64 * 1024 * 1024

/**
 * Begins a trail with the action that all others are part of. A trail is a file of JSON lines: whose it is, then an action each;
 * it is only ever added to. Throws {@link UsageError} where there is a file.
 */
export function beginTrail(path: string, { chainId, agentId, trailId }: TrailHead, nowSeconds: number): void {
  if (existsSync(path)) throw new UsageError(`${path} is there already`)
  const head = { trail: 1, chainId: String(chainId), agentId: String(agentId), trailId }
  const session: Span = {
    ...{ parent: 0, kind: 'tool', at: BigInt(nowSeconds), name: 'session' },
    ...{ input: zeroHash, output: zeroHash, ref: zeroHash, fee: 0n },
  }
  writeFileSync(path, `${JSON.stringify(head)}\n${spanLine(session)}`, { flag: 'wx', flush: true })
}

/** Adds an action; it is on disk when this returns. */
export function addSpan(path: string, span: Span): void {
  appendFileSync(path, spanLine(span), { flush: true })
}

/** Throws {@link UsageError} for a file that is no trail, naming the line. */
export function readTrail(path: string): TrailFile {
  let line = 0
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length > fileBytesMax) throw new FormatError('too long')
    const [first = '', ...rest] = text.split('\n').filter((each) => each !== '')
    const head = objectOf(JSON.parse(first), 'the first line')
    if (head['trail'] !== 1) throw new FormatError('the first line is not that of a trail')
    if (rest.length > spansMax) throw new FormatError(`${rest.length} actions; ${spansMax} are allowed`)
    const spans = rest.map((each) => {
      line++
      return readSpan(objectOf(JSON.parse(each), 'the action'))
    })
    return {
      chainId: integer(head['chainId'], 64, 'chainId'),
      agentId: integer(head['agentId'], 64, 'agentId'),
      trailId: fixedHex(head['trailId'], 32, 'trailId'),
      spans,
    }
  } catch (cause) {
    throw new UsageError(`${path} is no trail: line ${line + 1}: ${errorMessage(cause)}`)
  }
}

function readSpan(json: Readonly<Record<string, unknown>>): Span {
  const { kind, name } = json
  if (!spanKinds.includes(kind as SpanKind)) throw new FormatError(`kind must be one of ${spanKinds.join(', ')}`)
  if (typeof name !== 'string' || Buffer.byteLength(name) > nameBytesMax) {
    throw new FormatError(`name must be a text of at most ${nameBytesMax} bytes`)
  }
  return {
    parent: Number(integer(json['parent'], 32, 'parent')),
    kind: kind as SpanKind,
    at: integer(json['at'], 64, 'at'),
    name,
    input: fixedHex(json['input'], 32, 'input'),
    output: fixedHex(json['output'], 32, 'output'),
    ref: fixedHex(json['ref'], 32, 'ref'),
    fee: integer(json['fee'], 128, 'fee'),
  }
}

function spanLine({ at, fee, ...rest }: Span): string {
  return `${JSON.stringify({ ...rest, at: String(at), fee: String(fee) })}\n`
}
