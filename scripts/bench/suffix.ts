/**
 * Suffix indexes: built in memory and on disk, answers of 200 tokens attributed over both, and, where Python has the package
 * infini-gram, the same corpus and answers through its engine. CPU time beside wall time: a busy machine leaves it as it is.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attribute } from '../../attribution/suffix/attribute.ts'
import { buildIndex, indexOf } from '../../attribution/suffix/build-index.ts'
import { maximalSpans } from '../../attribution/suffix/find-spans.ts'
import { IndexFile } from '../../attribution/suffix/index-file.ts'
import { finishIndexFile, IndexFileText } from '../../attribution/suffix/index-file-builder.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { separator, sortSuffixes } from '../../attribution/suffix/suffix-sort.ts'
import { joinDocuments, type Text, type TokenDocument } from '../../attribution/suffix/text.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { BenchCorpus, benchVocab } from './suffix-corpus.ts'

const subject = { datanet: 1n, version: 1, tokenizerHash: zeroHash, tokenLengths: new Uint32Array(benchVocab).fill(4) }
const answerCount = 400
/** Documents kept to cut answers from. */
const keptDocuments = 2000

export async function benchSuffix({ quick }: { readonly quick: boolean }): Promise<object> {
  const [heldTokens, diskTokens] = quick ? [1_000_000, 3_000_000] : [14_000_000, 100_000_000]
  const dir = mkdtempSync(join(tmpdir(), 'openledger-bench-suffix-'))
  try {
    const held = await benchHeld(heldTokens, quick, dir)
    return { ...held, disk: benchDisk(diskTokens, heldTokens, dir) }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function benchHeld(tokens: number, quick: boolean, dir: string): Promise<object> {
  const corpus = new BenchCorpus(1)
  const { text, kept } = textOf(corpus, tokens)
  const answers = Array.from({ length: answerCount }, () => corpus.answer(kept))
  // Compiled before it is timed.
  buildIndex(joinDocuments([...new BenchCorpus(2).documents(100_000)], benchVocab), subject)
  resetPeak()
  const before = memory('VmRSS')
  const sort = timed(() => sortSuffixes(text.tokens, benchVocab))
  const hash = timed(() => indexOf(text, sort.result, subject))
  // The text was there before.
  const bytesPerToken = round((memory('VmHWM') - before) / text.tokens.length + 4)
  return {
    tokens: text.tokens.length,
    sortCpuS: sort.cpuS,
    hashCpuS: hash.cpuS,
    buildS: round(sort.wallS + hash.wallS),
    tokensPerCpuS: Math.round(text.tokens.length / (sort.cpuS + hash.cpuS)),
    bytesPerToken,
    attribute: attributed(hash.result, answers),
    infiniGram: quick ? { ratio: null, why: 'a quick run' } : await besideInfiniGram(text, hash.result, answers, dir),
  }
}

/** Made in place, so that little is thrown away before memory is looked at. */
function textOf(corpus: BenchCorpus, tokens: number): { readonly text: Text; readonly kept: readonly TokenDocument[] } {
  const values = new Uint32Array(tokens)
  const [starts, contribIds, kept]: [number[], bigint[], TokenDocument[]] = [[], [], []]
  let at = 0
  for (const document of corpus.documents(tokens)) {
    starts.push(at)
    contribIds.push(document.contribId)
    values.set(document.tokens, at)
    at += document.tokens.length
    values[at++] = separator
    if (kept.length < keptDocuments) kept.push(document)
  }
  const rows = { starts: Uint32Array.from(starts), contribIds: BigUint64Array.from(contribIds) }
  return { text: { vocab: benchVocab, tokens: values.subarray(0, at), ...rows }, kept }
}

function benchDisk(tokens: number, shardTokens: number, dir: string): object {
  const corpus = new BenchCorpus(3)
  const build = { path: join(dir, 'disk.idx'), shardTokens, cacheBytes: 2 ** 29 }
  const kept: TokenDocument[] = []
  const text = new IndexFileText(build.path, benchVocab)
  for (const document of corpus.documents(tokens)) {
    text.add(document)
    if (kept.length < keptDocuments) kept.push(document)
  }
  const starts = text.end()
  resetPeak()
  const built = timed(() => finishIndexFile(build, starts, subject))
  const peak = memory('VmHWM')
  const file = IndexFile.open(build.path)
  try {
    const answers = Array.from({ length: answerCount }, () => corpus.answer(kept))
    return {
      tokens: starts.n,
      shards: Math.ceil(starts.n / shardTokens),
      buildS: built.wallS,
      buildCpuS: built.cpuS,
      tokensPerCpuS: Math.round(starts.n / built.cpuS),
      rssMb: Math.round(peak / 1e6),
      attribute: attributed(file.index, answers),
    }
  } finally {
    file.close()
  }
}

/** Spans, scores, shares and evidence of each answer; the first half warms up. */
function attributed(index: SuffixIndex, answers: readonly (readonly number[])[]): object {
  const runs = answers.map((answer) => timed(() => attribute([index], answer)))
  const timedRuns = runs.slice(answers.length / 2)
  return { ...spread(timedRuns.map(({ ms }) => ms)), cpuMs: mean(timedRuns.map(({ cpuMs }) => cpuMs)) }
}

async function besideInfiniGram(
  text: Text,
  index: SuffixIndex,
  answers: readonly (readonly number[])[],
  dir: string,
): Promise<object> {
  const own = answers.map((answer) =>
    timed(() =>
      maximalSpans([index], answer, { tokensMin: 5, placesMax: 10 }).filter(({ places }) => places.length <= 10),
    ),
  )
  const counts = Array.from(index.tables.unigrams, (count, token) => `${token} ${count}\n`)
  writeFileSync(join(dir, 'unigram.0'), `${counts.join('')}65535 ${text.starts.length}\n`)
  const theirs = await runInfiniGram(text, answers, dir)
  if ('why' in theirs) return { ratio: null, ...theirs }
  const told = own.map(({ result }) => result.map(({ start, length, places }) => [start, length, places.length]))
  const half = answers.length / 2
  const [ownMs, theirMs] = [mean(own.slice(half).map(({ cpuMs }) => cpuMs)), mean(theirs.cpuMs.slice(half))]
  return {
    buildS: round(theirs.buildS),
    buildCpuS: round(theirs.buildCpuS),
    ...spread(theirs.ms.slice(half)),
    cpuMs: theirMs,
    own: { ...spread(own.slice(half).map(({ ms }) => ms)), cpuMs: ownMs },
    sameSpans: told.filter((spans, i) => JSON.stringify(spans) === JSON.stringify(theirs.spans[i])).length,
    answers: answers.length,
    ratio: round(theirMs / ownMs),
  }
}

type InfiniGram = {
  readonly buildS: number
  readonly buildCpuS: number
  readonly ms: readonly number[]
  readonly cpuMs: readonly number[]
  readonly spans: readonly (readonly number[])[][]
}

/** Its index is of u16, a separator before each document. */
async function runInfiniGram(
  { tokens, starts }: Text,
  answers: readonly (readonly number[])[],
  dir: string,
): Promise<InfiniGram | { readonly why: string }> {
  const shifted = new Uint16Array(tokens.length)
  shifted.set(tokens.subarray(0, -1), 1)
  shifted[0] = 0xffff
  writeFileSync(join(dir, 'tokenized.0'), new Uint8Array(shifted.buffer))
  writeFileSync(
    join(dir, 'offset.0'),
    new Uint8Array(BigUint64Array.from(starts, (start) => 2n * BigInt(start)).buffer),
  )
  writeFileSync(join(dir, 'answers.json'), JSON.stringify(answers))
  const script = join(import.meta.dirname, 'infini-gram.py')
  try {
    const run = promisify(execFile)
    const { stdout } = await run('python3', [script, dir, join(dir, 'answers.json')], { maxBuffer: 2 ** 28 })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  } catch (error) {
    return { why: error instanceof Error ? (error.message.split('\n').at(-2) ?? error.message) : String(error) }
  }
}

function timed<T>(work: () => T) {
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const result = work()
  const { user, system } = process.cpuUsage(cpu)
  const [ms, cpuMs] = [performance.now() - start, (user + system) / 1e3]
  return { result, ms, cpuMs, wallS: round(ms / 1e3), cpuS: round(cpuMs / 1e3) }
}

function spread(values: readonly number[]): { readonly p50Ms: number; readonly p95Ms: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => round(sorted[Math.floor(part * sorted.length)] ?? 0)
  return { p50Ms: at(0.5), p95Ms: at(0.95) }
}

const mean = (values: readonly number[]): number => round(values.reduce((sum, value) => sum + value, 0) / values.length)
const round = (value: number): number => Math.round(value * 1e3) / 1e3

/** Bytes of this process, as Linux counts them. */
function memory(field: 'VmRSS' | 'VmHWM'): number {
  return 1024 * Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1])
}

/** Sets the most that the process held back to what it holds. */
function resetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5')
}
