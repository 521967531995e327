import type { Hex } from '../protocol/bytes.ts'
import type { FloatChoice } from './backends/float-choice.ts'

export type WorkerOptions = {
  readonly dataDir: string
  /** `eth_*` of the L2. */
  readonly l2Url: string
  /** 32 bytes; the worker's on-chain account. */
  readonly privateKey: Hex
  /** Folders with models (.olm) and adapters (.ola). */
  readonly modelDirs: readonly string[]
  /** Folder with suffix indexes, each `<id>.oli`. */
  readonly indexDir: string
  /** Rollup RPCs of nodes that take the data of batches. */
  readonly nodes: readonly string[]
  readonly p2p: {
    readonly listenIp: string
    readonly listenPort: number
    /** IP that others dial; absent: the listening one. */
    readonly advertiseIp: string | undefined
    readonly staticPeers: readonly string[]
  }
  /** What computes answers of class FINGERPRINT; absent: our own engine. */
  readonly float?: FloatChoice
  /** Jobs answered at once, and those that wait behind them. */
  readonly jobsMax: number
  readonly jobsWaitingMax: number
  /** Seconds that an answer waits for others before it is settled. */
  readonly batchIntervalSeconds: number
  /** Memory for proofs that are served, in bytes. */
  readonly proofBytesMax: number
}
