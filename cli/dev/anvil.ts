import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Seconds between two dumps of anvil's state: what an unclean end of the L1 can lose. */
const stateIntervalSeconds = 5
/** L1 blocks an epoch: safe is one epoch behind the head, finalized two. Reorgs of up to 32 blocks stay above finality. */
const slotsInAnEpoch = 16

/** The anvil binary of its npm package, or undefined where the package does not exist (it is linux-x64 only). */
export function anvilBinary(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve('@foundry-rs/anvil-linux-amd64/package.json')
    const file = join(dirname(manifest), 'bin', 'anvil')
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

export type AnvilOptions = {
  readonly port: number
  readonly chainId: number
  readonly blockTimeSeconds: number
  /** State is read from this file at start and written to it, blocks and blobs included. */
  readonly stateFile: string
}

export function anvilArguments(options: AnvilOptions): string[] {
  return [
    ...['--host', '127.0.0.1'],
    ...['--port', String(options.port)],
    ...['--chain-id', String(options.chainId)],
    ...['--block-time', String(options.blockTimeSeconds)],
    ...['--slots-in-an-epoch', String(slotsInAnEpoch)],
    ...['--state', options.stateFile],
    ...['--state-interval', String(stateIntervalSeconds)],
    ...['--order', 'fifo'],
    '--silent',
  ]
}
