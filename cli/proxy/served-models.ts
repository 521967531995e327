import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { modelTerms, versionsOf } from '../../chain/ledger/model-terms.ts'
import { encodeTemplate, plainTemplate, type Template, templateHash } from '../../inference/answer/template.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { type ModelTokenizer, readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Price, Shares } from '../../protocol/fee.ts'
import { parseModelVersion } from '../../protocol/inference-request.ts'
import { type ModelFile, modelExtension } from '../../worker/backends/model-folder.ts'
import { templateFor } from '../model/templates.ts'

/** A model version on chain whose tokenizer is at hand. */
export type ServedModel = {
  readonly modelVersion: Hex
  /** Root of the weights. */
  readonly root: Hex
  /** Names that clients may give: `ID.VERSION`, `ID`, and the file's. */
  readonly names: readonly string[]
  readonly config: ModelConfig
  readonly tokenizer: ModelTokenizer
  readonly chat: Template
}

export type PricedModel = { readonly priceVersion: number; readonly price: Price; readonly shares: Shares }

/** Versions on chain of the models whose files are here, the newest of each model first. Throws what the RPC throws. */
export async function servedModels(rpc: L2Rpc, files: ReadonlyMap<Hex, ModelFile>): Promise<ServedModel[]> {
  const versions = (await versionsOf(rpc, new Set(files.keys()))).toReversed()
  const served: ServedModel[] = []
  for (const modelVersion of versions) {
    const file = files.get((await modelTerms(rpc, modelVersion))?.root ?? '0x')
    if (file === undefined) continue
    const { modelId, version } = parseModelVersion(modelVersion)
    const tokenizer = readTokenizer(decodeModel(readFileSync(file.path)).tokenizer)
    const names = [`${modelId}.${version}`, `${modelId}`, basename(file.path, modelExtension)]
    const known = new Set(served.flatMap((each) => each.names))
    served.push({
      ...{
        modelVersion,
        root: file.root,
        config: file.config,
        tokenizer,
        names: names.filter((name) => !known.has(name)),
      },
      chat: templateFor('auto', tokenizer, file.config.bos),
    })
  }
  return served
}

/** The last price of a model version in a class; undefined where it has none that lasts so long. Throws what the RPC throws. */
export async function lastPrice(
  rpc: L2Rpc,
  modelVersion: Hex,
  proofClass: number,
  until: bigint,
): Promise<PricedModel | undefined> {
  const { modelId, version } = parseModelVersion(modelVersion)
  const read = (contract: 'ModelRegistry' | 'RevenueSplitter', functionName: string, args: readonly unknown[]) =>
    callContract(rpc, { contract, functionName, args })
  const priceVersion = Number(await read('ModelRegistry', 'priceCount', [modelId, version, proofClass]))
  if (priceVersion === 0) return undefined
  const price = (await read('ModelRegistry', 'priceOf', [modelVersion, proofClass, priceVersion])) as Price
  if (price.validUntil < until) return undefined
  return { priceVersion, price, shares: (await read('RevenueSplitter', 'sharesOf', [price.sharesVersion])) as Shares }
}

/** The template of a request and its hash. */
export function templateOf(model: ServedModel, isChat: boolean): { readonly template: Template; readonly hash: Hex } {
  const template = isChat ? model.chat : plainTemplate
  return { template, hash: templateHash(encodeTemplate(template)) }
}
