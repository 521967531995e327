import { type ForkTimes, type Hardfork, hardforks } from '../../../protocol/hardforks.ts'
import { engineApiVersions } from '../engine-api-versions.ts'

/** A method of the Engine API, and the fork whose blocks need it first, with its time. */
export type EngineMethod = { readonly method: string; readonly fork: Hardfork; readonly since: bigint }

/** Every method that a chain with these forks needs, each with the first fork that needs it. */
export function engineMethods(times: ForkTimes): EngineMethod[] {
  // Forkchoice without attributes is always V3.
  const methods: EngineMethod[] = [{ method: 'engine_forkchoiceUpdatedV3', fork: 'bedrock', since: 0n }]
  for (const fork of hardforks) {
    const since = fork === 'bedrock' ? 0n : times[fork]
    if (since === undefined || isCovered(times, fork, since)) continue
    const { forkchoiceUpdated, newPayload, getPayload } = engineApiVersions(times, since)
    for (const name of [
      `forkchoiceUpdatedV${forkchoiceUpdated}`,
      `newPayloadV${newPayload}`,
      `getPayloadV${getPayload}`,
    ]) {
      const method = `engine_${name}`
      if (!methods.some((known) => known.method === method)) methods.push({ method, fork, since })
    }
  }
  return methods
}

/** A later fork at the same time or before: no block has this one as its newest. */
function isCovered(times: ForkTimes, fork: Hardfork, since: bigint): boolean {
  return hardforks.slice(hardforks.indexOf(fork) + 1).some((later) => {
    const at = later === 'bedrock' ? undefined : times[later]
    return at !== undefined && at <= since
  })
}
