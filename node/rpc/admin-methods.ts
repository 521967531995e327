import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import type { RpcMethods } from '../../common/json-rpc-server.ts'
import type { LogLevel } from '../../common/log.ts'
import { fixedHex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { parsePayloadEnvelope } from '../../protocol/engine-api-json.ts'
import { payloadBlockHash } from '../../protocol/payload-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { type Sequencer, SequencerError } from '../sequencer/sequencer.ts'

export type AdminParts = {
  readonly driver: { readonly requestReset: (reason: string) => void }
  readonly unsafe: { readonly submit: (envelope: PayloadEnvelope) => boolean }
  readonly log: { readonly setLevel: (level: LogLevel) => void }
  readonly sequencer?: Pick<Sequencer, 'start' | 'stop' | 'isActive' | 'setRecoverMode'> | undefined
}

/** The `admin_` namespace, as op-node answers it; served only where the operator enabled it. */
export function adminMethods(config: RollupConfig, { driver, unsafe, log, sequencer }: AdminParts): RpcMethods {
  const required = () => {
    if (sequencer === undefined) throw new RpcError(rpcCodes.server, 'sequencer is not enabled')
    return sequencer
  }
  return {
    admin_resetDerivationPipeline: () => driver.requestReset('asked for over RPC'),
    admin_startSequencer: ([hash]) => told(() => required().start(fixedHex(hash, 32, 'block hash'))),
    admin_stopSequencer: () => told(() => required().stop()),
    admin_sequencerActive: () => required().isActive,
    admin_setRecoverMode: ([on]) => required().setRecoverMode(on === true),
    admin_conductorEnabled: () => false,
    admin_overrideLeader: () => {
      throw new RpcError(rpcCodes.server, 'there is no conductor')
    },
    admin_setLogLevel: ([level]) => log.setLevel(logLevel(level)),
    admin_postUnsafePayload: ([json]) => {
      const envelope = parsePayloadEnvelope(json)
      const { blockHash } = envelope.executionPayload
      const actual = payloadBlockHash(envelope, config.forkTimes)
      if (actual !== blockHash) {
        throw new RpcError(
          rpcCodes.invalidParams,
          `payload has bad block hash: ${blockHash}, actual block hash is ${actual}`,
        )
      }
      if (!unsafe.submit(envelope)) throw new RpcError(rpcCodes.invalidParams, 'no block of its number has its time')
    },
  }
}

/** op-node's words for levels; those this log lacks are taken for their neighbour. */
const levelWords: ReadonlyMap<string, LogLevel> = new Map([
  ['trace', 'debug'],
  ['trce', 'debug'],
  ['debug', 'debug'],
  ['dbug', 'debug'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
  ['eror', 'error'],
  ['crit', 'error'],
])

function logLevel(word: unknown): LogLevel {
  const level = typeof word === 'string' ? levelWords.get(word.toLowerCase()) : undefined
  if (level === undefined) throw new RpcError(rpcCodes.server, `unknown level: ${String(word).slice(0, 20)}`)
  return level
}

async function told<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw error instanceof SequencerError ? new RpcError(rpcCodes.server, error.message) : error
  }
}
