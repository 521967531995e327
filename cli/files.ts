import { readFileSync } from 'node:fs'
import { UsageError } from '../common/errors.ts'
import { hasKnownBlobSchedule } from '../protocol/blob-base-fee.ts'
import { FormatError, hexToBytes } from '../protocol/bytes.ts'
import { parseL1ChainConfig } from '../protocol/l1-chain-config.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { parseRollupConfig } from '../protocol/rollup-config-json.ts'

/** Reads a JSON file that a flag names. Throws {@link UsageError} saying which flag and why. */
export function readJsonFile(path: string, flag: string): unknown {
  const text = readTextFile(path, flag)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`--${flag} ${path} is not JSON`, { cause })
  }
}

/**
 * The chain of `--rollup.config`, with the L1 of `--rollup.l1-chain-config`. The latter is left unread, as op-node does,
 * where the L1 is one whose forks the node knows. Throws {@link UsageError}.
 */
export function readRollupConfig(flags: {
  readonly 'rollup.config': string | undefined
  readonly 'rollup.l1-chain-config'?: string | undefined
}): RollupConfig {
  const { 'rollup.config': path, 'rollup.l1-chain-config': l1Path } = flags
  if (path === undefined) throw new UsageError('--rollup.config is required')
  const config = parsed(path, 'rollup.config', parseRollupConfig)
  if (l1Path === undefined || hasKnownBlobSchedule(config.l1ChainId)) return config
  const { chainId, blobSchedule } = parsed(l1Path, 'rollup.l1-chain-config', parseL1ChainConfig)
  if (chainId !== config.l1ChainId) {
    throw new UsageError(
      `--rollup.l1-chain-config ${l1Path} is of L1 ${chainId}, the rollup config of ${config.l1ChainId}`,
    )
  }
  return { ...config, l1BlobSchedule: blobSchedule }
}

function parsed<T>(path: string, flag: string, parse: (json: unknown) => T): T {
  const json = readJsonFile(path, flag)
  try {
    return parse(json)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new UsageError(`--${flag} ${path} is refused`, { cause })
  }
}

/** The 32-byte secret of a JWT file: hex, with or without 0x. Throws {@link UsageError}. */
export function readJwtSecret(path: string, flag: string): Uint8Array {
  const hex = readTextFile(path, flag).trim().replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(hex)) throw new UsageError(`--${flag} ${path} must hold 64 hex digits`)
  return hexToBytes(`0x${hex}`)
}

function readTextFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UsageError(`--${flag} ${path} cannot be read`, { cause })
  }
}
