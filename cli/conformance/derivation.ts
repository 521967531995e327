import { batchRunner } from './derivation/batches.ts'
import { blobRunner } from './derivation/blobs.ts'
import { inCases } from './derivation/cases.ts'
import { channelRunners } from './derivation/channel.ts'
import { framesAndChannelsRunner } from './derivation/frames.ts'
import { spanRunners } from './derivation/span.ts'
import type { VectorRunner } from './vector.ts'

/** Runners of folder `derivation`. */
export const runners: readonly VectorRunner[] = [
  ...channelRunners,
  framesAndChannelsRunner,
  batchRunner,
  blobRunner,
  ...spanRunners,
  ...[...channelRunners, ...spanRunners].map(inCases),
].map((runner) => ({
  ...runner,
  matches: (folder: string, json: unknown) => folder === 'derivation' && runner.matches(folder, json),
}))
