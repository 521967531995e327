import { beaconRoots, historyStorage, systemAddress } from './addresses.ts'
import type { BlockEnv } from './block-env.ts'
import { begin, runMessage, settle } from './message.ts'

/** Source: EIP-4788 and EIP-2935. */
const systemCallGas = 30_000_000n

/** What happens in a block before its first transaction. Specs: protocol/ecotone and isthmus exec-engine.md. */
export async function runSystemCalls(
  env: BlockEnv,
  parent: { readonly hash: Uint8Array; readonly beaconBlockRoot: Uint8Array | undefined },
): Promise<void> {
  if (env.rules.ecotone && parent.beaconBlockRoot !== undefined) await call(env, beaconRoots, parent.beaconBlockRoot)
  if (env.rules.isthmus) await call(env, historyStorage, parent.hash)
}

/** A contract that is not there is passed over, a call that fails changes nothing. */
async function call(env: BlockEnv, to: Uint8Array, data: Uint8Array): Promise<void> {
  if (env.state.code(to).length === 0) return
  await begin(env)
  await runMessage(env, {
    from: systemAddress,
    to,
    value: 0n,
    data,
    gas: systemCallGas,
    gasPrice: 0n,
    accessList: [],
    warm: [],
  })
  await settle(env, [])
}
