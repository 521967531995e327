import { targets } from '../../inference/adapter/adapter.ts'
import { stepArgs } from '../../inference/check/dispute.ts'
import { stepJudgeOf } from '../../inference/one-step/judge-step.ts'
import { openStep, type StepSources } from '../../inference/one-step/open-step.ts'
import type { Step, StepContext } from '../../inference/one-step/step.ts'
import { traceRootOf } from '../../inference/trace/head.ts'
import { TraceLayout } from '../../inference/trace/layout.ts'
import { type Op, ops, unitBytes } from '../../inference/trace.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { receiptSums } from '../../protocol/fee.ts'
import { modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { paymentHash, voucherStructHash } from '../../protocol/voucher.ts'
import { type BuiltReceipt, batchOf, siblingsOf } from '../../test/fakes/money-batch.ts'
import { chainId, open } from '../../test/fakes/money-chain.ts'
import { MoneyWorld } from '../../test/fakes/money-world.ts'
import { stake } from '../../test/fakes/standing-model.ts'
import { WideTrace, wideAdapter, wideAdapterFile, wideConfig, wideModel } from './wide-answer.ts'

/** An answer that fills the context. */
const [tin, tout] = [wideConfig.context - 64, 64]
const position = tin + tout - 2
const layer = wideConfig.layers - 1
const prompt = Uint32Array.from({ length: tin }, (_, i) => 1 + ((i * 7919) % 128_255))
const output = Uint32Array.from({ length: tout }, (_, i) => 100_000 + i)
const rule = { tempQ16: 2 ** 32 - 1, topK: 65_535, topPQ16: 65_535 }

/** Gas of a transaction that proves the step and voids the receipt, by op. */
export type StepCosts = Readonly<Record<string, number>>

/**
 * Gas of a wrong element of each op's unit in a model of a billion parameters, at the last position of the longest context, of an
 * answer with so many adapters of every target: the dearest element of the unit.
 */
export async function stepCosts(adapters: number, only?: readonly Op[]): Promise<StepCosts> {
  const world = await MoneyWorld.create()
  const { chain } = world
  const worker = chain.actor('worker')
  await stake(chain, worker, 5_000n * open)
  await world.deposit(chain.actor('payer'), worker, 900n * open)
  const costs: Record<string, number> = {}
  for (const op of only ?? (Object.keys(ops) as Op[])) {
    if (stepJudgeOf(op) === undefined || (op.startsWith('lora') && adapters === 0)) continue
    for (const element of elementsOf(op)) {
      const gas = await chain.trial(async () => await costOf(world, op, element, adapters))
      costs[op] = Math.max(costs[op] ?? 0, gas)
    }
  }
  return costs
}

/** The dearest elements of a unit. */
function elementsOf(op: Op): number[] {
  const { dim, heads, headDim, kvHeads, ffnDim, vocab } = wideConfig
  const last: { readonly [Name in Op]?: number } = {
    ...{ query: heads * headDim, key: kvHeads * headDim, value: kvHeads * headDim, gate: ffnDim, up: ffnDim },
    ...{ rotatedQuery: heads * headDim, cachedKey: kvHeads * headDim, cachedValue: kvHeads * headDim },
    ...{ attentionMix: heads * headDim, outputInput: heads * headDim, attentionTile: headDim + 2, head: vocab },
    ...{
      activation: ffnDim,
      downInput: ffnDim,
      loraDown: wideAdapter.rank,
      loraInput: wideAdapter.rank,
      loraUp: ffnDim,
    },
  }
  if (op.endsWith('Scale')) return [0, 1]
  if (op === 'choice') return Array.from({ length: 12 }, (_, i) => i)
  if (op === 'choiceTile') return [0, 1, 2, 3, 4, 5]
  return [(last[op] ?? dim) - 1]
}

async function costOf(world: MoneyWorld, op: Op, element: number, adapters: number): Promise<number> {
  const { chain } = world
  const [worker, payer, owner] = [chain.actor('worker'), chain.actor('payer'), chain.actor('model owner')]
  const { step, context } = stepOf(op, element, adapters)
  const version = { weightsManifest: context.modelRoot, configHash: zeroHash, trainingRoot: zeroHash, indexIds: [] }
  await chain.send(owner, 'ModelRegistry', 'publish', [1n, version])
  const { rin, rout } = world.terms.price
  await chain.send(owner, 'ModelRegistry', 'setPrice', [1n, 2, 1, rin, rout, chain.now + 86_400n])
  const draft = world.build(worker, [world.plan(payer, worker, tin, tout)]).receipts[0] as BuiltReceipt
  const request = {
    ...draft.request,
    modelVersion: modelVersionHash(1n, 2),
    adapters: context.adapters,
    promptRoot: context.promptRoot,
    sampling: { ...rule, maxTokens: tout, stopHash: zeroHash },
    class: 1,
    maxFee: 800n * open,
  }
  const requestId = requestIdOf(request)
  const receipt = {
    ...draft.receipt,
    requestId,
    outputRoot: context.outputRoot,
    traceRoot: context.traceRoot,
    class: 1,
  }
  const voucher = { ...draft.voucher, requestId, maxFee: request.maxFee, cumulativeCap: 850n * open }
  const signature = payer.sign(moneyDigest(chainId, voucherStructHash(voucher)))
  const payment = paymentHash({ value: voucher, signature: signature.bytes })
  const sums = receiptSums(receipt, draft.parts)
  const built = { ...draft, request, receipt, voucher, signature, paymentHash: payment, sums }
  const { batch } = await world.commit(worker, batchOf(worker.address, [built], 1, chain.now + 600n))
  const opened = {
    ...{ header: batch.header, index: 0, receipt, paymentHash: bytesToHex(payment), sums },
    siblings: siblingsOf(batch.built.tree, 0),
  }
  const args = [opened, batch.built.segments, request, stepArgs(step)]
  return Number((await chain.send(chain.actor('checker'), 'DisputeGame', 'wrongStep', args)).gas)
}

/** The step about an element, from sources whose roots are those of what it reads. */
function stepOf(op: Op, element: number, adapters: number): { readonly step: Step; readonly context: StepContext } {
  const layout = new TraceLayout(
    wideConfig,
    Array.from({ length: adapters }, () => wideAdapter),
  )
  const trace = new WideTrace(layout, tin, tin + tout - 1)
  fixUnits(trace, adapters)
  const files = [
    wideModel(wideConfig),
    ...Array.from({ length: adapters }, () => wideAdapterFile(wideConfig, wideAdapter)),
  ]
  const roots = () => files.map(({ root }) => bytesToHex(root)) as [Hex, ...Hex[]]
  const contextOf = ([modelRoot, ...slotRoots]: readonly [Hex, ...Hex[]]): StepContext => ({
    modelRoot,
    traceRoot: bytesToHex(traceRootOf(trace.head)),
    promptRoot: bytesToHex(tokenListRoot(prompt)),
    outputRoot: bytesToHex(tokenListRoot(output)),
    ...{ tin, tout, ...rule, seed: zeroHash },
    adapters: slotRoots.map((root) => ({ root, weight: 65_535 })),
  })
  const isOfLayer = op !== 'embedding' && !op.startsWith('head') && !op.startsWith('choice')
  const part = { attentionTile: tilesAt() * wideConfig.heads - 2, choiceTile: 500 }[op as string] ?? 0
  const named = {
    op: ops[op].id,
    layer: isOfLayer ? layer : 0,
    position,
    part: op.startsWith('lora') ? 5 : part,
    element,
  }
  const sources = (): StepSources => ({ context: contextOf(roots()), layout, files, trace, prompt, output })
  // Once to see what is read, once under the roots of that.
  openStep(sources(), named)
  const { step, isWrong } = openStep(sources(), named)
  if (!isWrong) throw new Error(`${op} ${element} is right`)
  return { step, context: contextOf(roots()) }
}

function tilesAt(): number {
  return Math.floor(position / 128) + 1
}

/** Scales of inputs, and a choice whose marks are tokens and whose maximum is above all logits. */
function fixUnits(trace: WideTrace, adapters: number): void {
  const scale = unitBytes('attentionScale', [32_767, 15], wideConfig.inputMax)
  for (const op of ['attentionScale', 'outputScale', 'ffnScale', 'downScale'] as const) {
    trace.fix({ op, layer, position, part: 0 }, scale)
  }
  trace.fix({ op: 'headScale', layer: 0, position, part: 0 }, scale)
  for (let part = 0; part < adapters * targets.length; part++) {
    trace.fix({ op: 'loraScale', layer, position, part }, scale)
  }
  const mark = (token: number) => [-(2 ** 31), token]
  const sums = [128_256, 65_534, 2 ** 40, 2 ** 40, 2 ** 39]
  const values = [2 ** 31, ...mark(128_255), ...mark(128_254), ...mark(100_063), ...sums]
  trace.fix({ op: 'choice', layer: 0, position, part: 0 }, unitBytes('choice', values, wideConfig.inputMax))
}
