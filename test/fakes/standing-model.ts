import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { defaultShares } from '../../protocol/fee.ts'
import { modelVersionHash } from '../../protocol/inference-request.ts'
import { type RoyaltyRow, royaltyHash, royaltyKinds, royaltyModelId } from '../../protocol/royalty-vector.ts'
import { permissive } from './licences.ts'
import type { Terms } from './money-batch.ts'
import { type Actor, type MoneyChain, open, type Sent } from './money-chain.ts'

/** Registers what every inference needs: Datanet 1, a model with a price, which was trained on the Datanet where `isTrained`. */
export async function standingModel(
  chain: MoneyChain,
  isTrained = false,
): Promise<{ terms: Terms; royaltyRows: readonly RoyaltyRow[] }> {
  const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
  const owner = chain.actor('datanet owner')
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 1 + 1])
  const modelOwner = chain.actor('model owner')
  const version = { weightsManifest: word(4), configHash: word(5), trainingRoot: word(6), indexIds: [] }
  const trainedOn = isTrained ? [{ id: 1n, version: 1, weightBps: 10_000 }] : []
  const params = { kind: 0, verifyClasses: 0x3f, licenceId: permissive, version }
  await chain.send(modelOwner, 'ModelRegistry', 'register', [params, [], trainedOn])
  const price = { rin: 3n * 10n ** 15n, rout: 6n * 10n ** 15n }
  const validUntil = chain.now + 30n * 86_400n
  await chain.send(modelOwner, 'ModelRegistry', 'setPrice', [1n, 1, 0, price.rin, price.rout, validUntil])
  const royaltyRows = [{ kind: royaltyKinds.model, id: royaltyModelId(1n), bps: 10_000 }]
  const terms: Terms = {
    modelVersion: modelVersionHash(1n, 1),
    class: 0,
    priceVersion: 1,
    price,
    shares: defaultShares,
    royaltyHash: bytesToHex(royaltyHash(royaltyRows)),
    indexSetHash: zeroHash,
  }
  return { terms, royaltyRows }
}

/** Registers a worker of every proof class with so much stake. */
export async function stake(chain: MoneyChain, worker: Actor, amount = 1_000n * open): Promise<Sent> {
  return await chain.send(worker, 'WorkerRegistry', 'register', ['0x1220', 1, 0x3f], { value: amount })
}
