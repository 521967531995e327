import type { Clock } from '../../common/clock.ts'
import { CodedError } from '../../common/errors.ts'
import { HttpRpcClient, TransportError } from '../../common/json-rpc.ts'
import type { SyncStatus } from '../../node/driver/sync-status.ts'
import { blockHashes } from '../dev/compare.ts'
import { AuditProgress } from './progress.ts'

/** The derived chain, as the audit reads it. */
export type AuditedNode = {
  readonly status: () => SyncStatus
  /** Hashes of the derived blocks of these heights. */
  readonly blockHashes: (numbers: readonly number[]) => Promise<readonly (string | undefined)[]>
  /** Rejects when derivation stopped for good. */
  readonly finished: Promise<void>
}

export type AuditOptions = {
  /** JSON-RPC of the node that is doubted; absent: the chain is only re-derived and re-executed. */
  readonly against?: string | undefined
  readonly progressFile: string
  readonly blockTimeSeconds: number
  readonly genesisNumber: bigint
}

export type AuditReport = {
  readonly result: 'equal' | 'different' | 'derived'
  readonly fromBlock: number
  readonly toBlock: number
  readonly blocksCompared: number
  readonly firstDifference: {
    readonly number: number
    readonly derived: string | null
    readonly claimed: string | null
  } | null
  readonly safeHead: { readonly number: number; readonly hash: string; readonly l1Origin: number }
  readonly derivedFromL1Block: number
  readonly against: string | null
  readonly seconds: number
  readonly blocksPerSecond: number
  /** Chain time derived in one second of wall time. */
  readonly timesRealtime: number
}

/** Blocks compared in one look. */
const chunkBlocks = 200
const pollMs = 200
/** Between two lines of progress, and between two notes of it on disk. */
const progressMs = 1_000
/** Time without a new block or L1 block after which the audit gives up. */
const stallMsMax = 180_000
const rpcTimeoutMs = 30_000

export class AuditError extends CodedError<'stalled' | 'interrupted' | 'no-l1'> {}

/**
 * Derives up to the L1 head seen at the start, comparing each block as it becomes safe. Ends at the first difference.
 * Progress is kept in a file, so that an audit that was cut off compares from where it stopped.
 */
export async function audit(options: AuditOptions, parts: AuditParts): Promise<AuditReport> {
  const progress = AuditProgress.open(options.progressFile, options.genesisNumber)
  try {
    return await compareAll(options, progress, parts)
  } finally {
    progress.save()
  }
}

type AuditParts = {
  readonly node: AuditedNode
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

async function compareAll(options: AuditOptions, progress: AuditProgress, parts: AuditParts): Promise<AuditReport> {
  const { node, clock, signal } = parts
  const against =
    options.against === undefined ? undefined : new HttpRpcClient({ url: options.against, timeoutMs: rpcTimeoutMs })
  const startedMs = clock.nowMs()
  const startNumber = progress.comparedTo
  const target = await l1Target(parts)
  let stopped: unknown
  node.finished.catch((error: unknown) => {
    stopped = error
  })
  let lastChangeMs = startedMs
  let lastSeen = ''
  let notedMs = 0
  let difference: AuditReport['firstDifference'] = null
  for (;;) {
    if (signal.aborted)
      throw new AuditError(
        'interrupted',
        `interrupted after block ${progress.comparedTo}; the same command goes on from there`,
      )
    if (stopped !== undefined) throw stopped
    const status = node.status()
    // After a reorg of L1 the blocks above the new safe head are compared again.
    if (status.safeL2.number < progress.comparedTo) progress.advance(status.safeL2.number)
    difference = await compareTo(status.safeL2.number, progress, node, against)
    const done = (status.currentL1?.number ?? 0n) >= target.number && progress.comparedTo >= status.safeL2.number
    if (clock.nowMs() - notedMs >= progressMs) {
      notedMs = clock.nowMs()
      progress.save()
      showProgress({ status, target: target.number, startNumber, startedMs, options }, parts)
    }
    if (difference !== null || done) {
      return report({ status, difference, progress, startNumber, startedMs, options, nowMs: clock.nowMs() })
    }
    const seen = `${status.safeL2.number} ${status.currentL1?.number} ${progress.comparedTo}`
    if (seen !== lastSeen) {
      lastSeen = seen
      lastChangeMs = clock.nowMs()
    } else if (clock.nowMs() - lastChangeMs > stallMsMax) {
      throw new AuditError(
        'stalled',
        `nothing moved for ${stallMsMax / 1000} s: derived to block ${status.safeL2.number} at L1 block ${status.currentL1?.number}, compared to block ${progress.comparedTo}${options.against === undefined ? '' : `; does ${options.against} have the next one?`}`,
      )
    }
    await clock.sleep(pollMs, signal)
  }
}

/** The L1 head when the audit began: what was posted later is the next audit's. */
async function l1Target({ node, clock, signal }: AuditParts) {
  for (let waitedMs = 0; waitedMs < stallMsMax && !signal.aborted; waitedMs += pollMs) {
    const head = node.status().headL1
    if (head !== undefined) return head
    await clock.sleep(pollMs, signal)
  }
  throw new AuditError('no-l1', 'the L1 gave no head; is --l1 right?')
}

/** Compares up to `safe`, as far as the other node has blocks. Resolves to the first difference, or null. */
async function compareTo(safe: bigint, progress: AuditProgress, node: AuditedNode, against: HttpRpcClient | undefined) {
  while (progress.comparedTo < safe) {
    const count = Number(safe - progress.comparedTo)
    const numbers = Array.from({ length: Math.min(chunkBlocks, count) }, (_, i) => Number(progress.comparedTo) + 1 + i)
    const derived = await node.blockHashes(numbers)
    const claimed = against === undefined ? derived : await claimedHashes(against, numbers)
    for (const [i, number] of numbers.entries()) {
      const [ours, theirs] = [derived[i], claimed[i]]
      // A node that lags, or that a reset took back, will have the block later.
      if (ours === undefined || theirs === undefined) return null
      if (ours !== theirs) return { number, derived: ours, claimed: theirs }
      progress.advance(BigInt(number))
    }
  }
  return null
}

/** None where the node does not answer: it is asked again until the audit counts as stalled. */
async function claimedHashes(against: HttpRpcClient, numbers: readonly number[]): Promise<(string | undefined)[]> {
  try {
    return await blockHashes(against, numbers)
  } catch (error) {
    if (error instanceof TransportError) return []
    throw error
  }
}

type Shown = {
  readonly status: SyncStatus
  readonly target: bigint
  readonly startNumber: bigint
  readonly startedMs: number
  readonly options: AuditOptions
}

/** Lines of progress: rate, and the time left by the L1 blocks that remain. */
function showProgress(shown: Shown, { clock, print }: AuditParts): void {
  const { status, target, startNumber, startedMs } = shown
  const seconds = (clock.nowMs() - startedMs) / 1000
  const blocks = Number(status.safeL2.number - startNumber)
  const rate = seconds > 0 ? blocks / seconds : 0
  const current = status.currentL1?.number ?? 0n
  const firstOrigin = status.finalizedL2.l1Origin.number
  const doneL1 = Number(current > firstOrigin ? current - firstOrigin : 0n)
  const leftL1 = Number(target > current ? target - current : 0n)
  const eta = doneL1 > 0 && seconds > 0 ? `${Math.ceil((leftL1 * seconds) / doneL1)} s` : '?'
  print(`audit: block ${status.safeL2.number}, L1 ${current}/${target}, ${rate.toFixed(1)} blocks/s, about ${eta} left`)
}

function report(end: {
  readonly status: SyncStatus
  readonly difference: AuditReport['firstDifference']
  readonly progress: AuditProgress
  readonly startNumber: bigint
  readonly startedMs: number
  readonly nowMs: number
  readonly options: AuditOptions
}): AuditReport {
  const { status, difference, progress, startNumber, options } = end
  const seconds = Math.max((end.nowMs - end.startedMs) / 1000, 0.001)
  const compared = Number(progress.comparedTo - startNumber)
  const safe = status.safeL2
  return {
    result: difference !== null ? 'different' : options.against === undefined ? 'derived' : 'equal',
    fromBlock: Number(startNumber) + 1,
    toBlock: Number(progress.comparedTo),
    blocksCompared: compared,
    firstDifference: difference,
    safeHead: { number: Number(safe.number), hash: safe.hash, l1Origin: Number(safe.l1Origin.number) },
    derivedFromL1Block: Number(status.currentL1?.number ?? 0n),
    against: options.against ?? null,
    seconds: Number(seconds.toFixed(3)),
    blocksPerSecond: Number((compared / seconds).toFixed(2)),
    timesRealtime: Number(((compared * options.blockTimeSeconds) / seconds).toFixed(1)),
  }
}
