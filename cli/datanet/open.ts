import { readFileSync, writeFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, FormatError, type Hex, hexToBytes, parseQuantity } from '../../protocol/bytes.ts'
import { open as opened, unwrapKey } from '../../protocol/datanets/sealing.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { rpcTimeoutMs } from '../index/sources.ts'
import { queryFlags } from '../money/money-flags.ts'
import { asVersionRef, type VersionRef } from '../money/units-args.ts'

const flags = {
  version: { help: 'Datanet and version, as 7.2 (required)', value: 'ID.VERSION', parse: asVersionRef },
  in: { help: 'sealed content (required)', value: 'FILE', parse: asText },
  out: { help: 'where the content goes (required)', value: 'FILE', parse: asText },
  'content-key': {
    help: 'file with the key, for its owner; absent: what was delivered to you',
    value: 'FILE',
    parse: asText,
  },
  ...queryFlags,
} as const satisfies FlagTable

export const open = defineCommand({
  summary: "Decrypts content of a permissioned Datanet with the version's key that its owner delivered to your grant.",
  positionals: '',
  positionalsMax: 0,
  flags,
  run: async ({ flags: values, signal, print }) => {
    const { version, in: from, out, 'content-key': keyPath } = values
    if (version === undefined || from === undefined || out === undefined) {
      throw new UsageError('--version, --in and --out are required')
    }
    const key = keyPath === undefined ? await deliveredKey(version, values, signal) : await readKeyFile(keyPath)
    try {
      writeFileSync(out, opened(new Uint8Array(readFileSync(from)), key, version.datanet))
    } catch (cause) {
      throw new UsageError(`${from} cannot be opened: ${errorMessage(cause)}`, { cause })
    }
    print(`opened ${from} as ${out}`)
    return exitCodes.ok
  },
})

async function readKeyFile(path: string): Promise<Uint8Array> {
  return (await import('../money/content-key.ts')).readContentKey(path)
}

/** The newest key of a version that was delivered to a grant of the account. Throws UsageError. */
async function deliveredKey(
  { datanet, version }: VersionRef,
  values: Parameters<typeof import('../money/chain.ts').readKey>[0] & { readonly rpc: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const [{ readKey }, { allEvents, topicOf }] = await Promise.all([
    import('../money/chain.ts'),
    import('../../chain/ledger/all-events.ts'),
  ])
  const rpc = new HttpRpcClient({ url: values.rpc, timeoutMs: rpcTimeoutMs, signal })
  const key = await readKey(values, parseQuantity(await rpc.request('eth_chainId')))
  if (key === undefined) throw new UsageError('set OPENLEDGER_PRIVATE_KEY, or give --keystore: the key that was named')
  const who = bytesToHex(privateKeyAddress(key))
  const grants = await allEvents(rpc, 'DatanetAccess', 'AccessGranted', [null, topicOf(datanet), topicOf(who)])
  for (const { args } of grants.reverse()) {
    const topics = [topicOf(args['grantId'] as bigint), topicOf(BigInt(version))]
    const delivered = (await allEvents(rpc, 'DatanetAccess', 'KeyDelivered', topics)).at(-1)
    if (delivered !== undefined) return unwrapped(delivered.args['wrapped'] as Hex, key)
  }
  throw new UsageError(`no key of version ${datanet}.${version} was delivered to ${who}`)
}

function unwrapped(wrapped: Hex, key: Uint8Array): Uint8Array {
  try {
    return unwrapKey(hexToBytes(wrapped), key)
  } catch (cause) {
    if (cause instanceof FormatError) throw new UsageError('the key was encrypted to another key than yours', { cause })
    throw cause
  }
}
