import type { TrainedOn } from '../../protocol/attribution-rule.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { modelVersionHash, parseModelVersion } from '../../protocol/inference-request.ts'
import { allEvents, topicOf } from './all-events.ts'
import type { L2Rpc } from './l2-rpc.ts'

/** What a model version's registration says of its answers; it never changes. */
export type ModelTerms = {
  /** Root of the weights. */
  readonly root: Hex
  /** Indexes that its answers are attributed by, ascending. */
  readonly indexIds: readonly Hex[]
  /** Datanets that the model was trained on, ascending. */
  readonly trainedOn: readonly TrainedOn[]
}

/** Undefined where there is no such version. Throws what the RPC throws. */
export async function modelTerms(rpc: L2Rpc, modelVersion: Hex): Promise<ModelTerms | undefined> {
  const { modelId, version } = parseModelVersion(modelVersion)
  const ofVersion = [topicOf(modelId), topicOf(BigInt(version))]
  const [published] = await allEvents(rpc, 'ModelRegistry', 'ModelVersion', ofVersion)
  if (published === undefined) return undefined
  const { weightsManifest, indexSetHash } = published.args
  const [indexes] = indexSetHash === zeroHash ? [] : await allEvents(rpc, 'ModelRegistry', 'ModelIndexes', ofVersion)
  const datanets = await allEvents(rpc, 'ModelRegistry', 'ModelTrainedOn', [topicOf(modelId)])
  return {
    root: weightsManifest as Hex,
    indexIds: (indexes?.args['indexIds'] ?? []) as readonly Hex[],
    trainedOn: datanets.map(({ args }) => ({
      datanet: args['datanet'] as bigint,
      version: Number(args['version']),
      weightBps: Number(args['weightBps']),
    })),
  }
}

/** Model versions whose weights have one of the roots. Throws what the RPC throws. */
export async function versionsOf(rpc: L2Rpc, roots: ReadonlySet<Hex>): Promise<Hex[]> {
  const published = await allEvents(rpc, 'ModelRegistry', 'ModelVersion')
  return published
    .filter(({ args }) => roots.has(args['weightsManifest'] as Hex))
    .map(({ args }) => modelVersionHash(args['id'] as bigint, Number(args['version'])))
}
