import { resolve } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { asPort, asText, asUrl } from '../../common/flag-parsers.ts'
import type { Flag, FlagTable } from '../../common/flags.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, type Hex, parseQuantity } from '../../protocol/bytes.ts'
import type { CommandContext } from '../command.ts'
import { keyFlags } from '../money/money-flags.ts'
import { asList } from './lists.ts'

/** Of a process that acts for one account with models at hand. */
export const processFlags = {
  datadir: { help: 'directory of what the process has to remember; of one account alone', value: 'DIR', parse: asText },
  l2: { help: 'eth_ JSON-RPC of a node of the L2', value: 'URL', parse: asUrl },
  models: { help: 'folders with model files (.olm) and adapters (.ola)', value: 'DIR,…', parse: asList, many: true },
  ...keyFlags,
} as const satisfies FlagTable

/** Where the process listens in the network of workers, by default. */
export function listenFlags(ip: string, port: number) {
  const text = { value: 'IP', parse: asText } as const
  return {
    'p2p.listen.ip': { help: 'address of the host in the network of workers', ...text, default: ip },
    'p2p.listen.tcp': { help: 'its TCP port; 0: any free one', value: 'PORT', parse: asPort, default: `${port}` },
  } as const satisfies Record<string, Flag<string> | Flag<number>>
}

export type ProcessOptions = {
  readonly dataDir: string
  readonly l2Url: string
  readonly modelDirs: readonly string[]
  readonly privateKey: Hex
}

const rpcTimeoutMs = 20_000

type ProcessContext = Pick<CommandContext<typeof processFlags>, 'flags' | 'signal'>

/** What the flags say, with the key; `whose` asks for one that is missing. Throws UsageError, and what the RPC throws. */
export async function readProcess({ flags, signal }: ProcessContext, whose: string): Promise<ProcessOptions> {
  const { datadir, l2, models } = flags
  if (datadir === undefined) throw new UsageError('--datadir is required')
  if (l2 === undefined) throw new UsageError('--l2 is required')
  if (models === undefined) throw new UsageError('--models is required')
  // Loaded when it is known what is wanted: help and wrong flags need none of it.
  const { readKey } = await import('../money/chain.ts')
  const rpc = new HttpRpcClient({ url: l2, timeoutMs: rpcTimeoutMs, signal })
  const key = await readKey(flags, parseQuantity(await rpc.request('eth_chainId')))
  if (key === undefined) {
    throw new UsageError(`${whose} Set OPENLEDGER_PRIVATE_KEY, or give --keystore or --dev-account`)
  }
  return { dataDir: resolve(datadir), l2Url: l2, modelDirs: models, privateKey: bytesToHex(key) }
}
