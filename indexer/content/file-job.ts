import { readFileSync } from 'node:fs'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { type FileRoots, rootsProblem } from './file-roots.ts'

/** Work on a data file that may take seconds. `file` is its path; `bytes` its length, which says where it is done. */
export type FileJob = { readonly file: string; readonly bytes: number; readonly hash: string } & (
  | { readonly want: 'file'; readonly roots: FileRoots }
  | { readonly want: 'payouts' }
)

/**
 * `damaged`: the file has another hash. `problem`: it is the file that the chain names and does not open its roots. `payouts`:
 * the rows of an epoch and the levels of the tree over them.
 */
export type FileAnswer =
  | { readonly kind: 'damaged' }
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  | { readonly kind: 'payouts'; readonly rows: Uint8Array; readonly levels: readonly Uint8Array[] }

/** Does the job on this thread. */
export function runFileJob(job: FileJob): FileAnswer {
  const bytes = new Uint8Array(readFileSync(job.file))
  if (contentHash(bytes) !== job.hash) return { kind: 'damaged' }
  if (job.want === 'file') {
    const problem = rootsProblem(bytes, job.roots)
    return problem === undefined ? { kind: 'file', bytes } : { kind: 'problem', problem }
  }
  const rows = decodeEpochFile(bytes).payouts.slice()
  return { kind: 'payouts', rows, levels: payoutTree(rows).levels }
}

/** Buffers of an answer, to be handed over and not copied. */
export function buffersOf(answer: FileAnswer): ArrayBufferLike[] {
  if (answer.kind === 'file') return [answer.bytes.buffer]
  return answer.kind === 'payouts' ? [answer.rows, ...answer.levels].map(({ buffer }) => buffer) : []
}
