import { type Slot, targets } from '../../inference/adapter/adapter.ts'
import { adapterRoot, adapterSections } from '../../inference/adapter/adapter-file.ts'
import { Ending } from '../../inference/answer/ending.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import type { Question } from '../../inference/check/descent.ts'
import { Dispute, type DisputeParts, stepArgs } from '../../inference/check/dispute.ts'
import { executeAgain } from '../../inference/check/execute-again.ts'
import { leafHash, type WholeTrace } from '../../inference/check/shown-trace.ts'
import { answerCall, headArgs } from '../../inference/check/trace-questions.ts'
import { choiceOf } from '../../inference/choice.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { modelRoot, sectionsOf } from '../../inference/model-file.ts'
import type { AnswerTokens, Proof } from '../../inference/one-step/end-proof.ts'
import { openConfig, SectionOpener } from '../../inference/one-step/open-section.ts'
import { openStep } from '../../inference/one-step/open-step.ts'
import { type Run, type StepContext, treeNumbers } from '../../inference/one-step/step.ts'
import { tokenRun } from '../../inference/one-step/token-run.ts'
import { Oracle } from '../../inference/oracle.ts'
import { answerSeed } from '../../inference/sampler.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { Tokenizer } from '../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../inference/tokenizer/tokenizer-file.ts'
import { type TraceHead, traceRootOf } from '../../inference/trace/head.ts'
import { leafBytes, TraceLayout, type TraceTree } from '../../inference/trace/layout.ts'
import { CommittedTrace, type TraceOpener } from '../../inference/trace/opening.ts'
import { RecordStore } from '../../inference/trace/record-store.ts'
import { TraceRecorder } from '../../inference/trace/recorder.ts'
import { SparseTree } from '../../inference/trace/sparse-tree.ts'
import { ops, type Trace } from '../../inference/trace.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../protocol/bytes.ts'
import { receiptSums } from '../../protocol/fee.ts'
import { modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { cancelStructHash, paymentHash, voucherStructHash } from '../../protocol/voucher.ts'
import { type BuiltReceipt, batchOf } from './money-batch.ts'
import { type Actor, chainId, open } from './money-chain.ts'
import { type CommittedBatch, MoneyWorld } from './money-world.ts'
import { randomModel, smallConfig } from './random-model.ts'
import { stake } from './standing-model.ts'

/** What a worker computes of an answer: its choice of tokens, and its trace. `tamper` may change a unit before it is used further. */
export type Cheat = {
  readonly tamper?: Trace
  /** Changes the choice of a position's token, as {@link choiceOf} gives it. */
  readonly choose?: (choice: ReturnType<typeof choiceOf>, position: number) => ReturnType<typeof choiceOf>
  /** Changes the output after it was sampled. */
  readonly output?: (tokens: number[]) => void
  /** Tokens that the model is run on instead of the prompt's. */
  readonly input?: readonly number[]
  readonly width?: 3 | 4
  readonly head?: (head: TraceHead) => TraceHead
  /** Changes the leaves of a tree, by their index. */
  readonly leaves?: (leaves: { readonly [Tree in TraceTree]: Map<number, Uint8Array> }) => void
  readonly tout?: number
  /** The payer consents to as much as there is. */
  readonly isCut?: boolean
  readonly proofClass?: number
}

/** What a payer asks for. */
export type Ask = {
  readonly input: readonly number[]
  readonly rule: SamplingRule
  readonly maxTokens: number
  readonly stops: readonly Uint8Array[]
}

/** An answer whose receipt stands on chain. */
export type Settled = {
  readonly ask: Ask
  readonly batch: CommittedBatch
  readonly built: BuiltReceipt
  readonly answer: AnswerTokens
  readonly output: readonly number[]
  readonly head: TraceHead
  readonly trace: WholeTrace & TraceOpener
}

const merges = Array.from({ length: 40 }, (_, i) => [4 + 97 + (i % 20), 4 + 97 + ((7 * i + 3) % 26)] as const)
const tokenizer = new Tokenizer(4, [...new Map(merges.map((merge) => [merge.join(), merge])).values()])
const config = { ...smallConfig, vocab: tokenizer.vocab, eos: 1, context: 160 }

export type TraceWorldOptions = {
  /** What its config has otherwise. */
  readonly shape?: Partial<ModelConfig>
  /** Changes the model's weights before it is registered. */
  readonly prepare?: (model: CanonicalModel) => void
  /** Adapters of every request. */
  readonly slots?: readonly Slot[] | ((model: CanonicalModel) => readonly Slot[])
}

/** The contracts with a canonical model of random weights, a worker that may cheat, and the checker's quarrel with it. */
export class TraceWorld {
  readonly money: MoneyWorld
  readonly model: CanonicalModel
  readonly layout: TraceLayout
  readonly files: readonly SectionOpener[]
  readonly slots: readonly Slot[]
  readonly worker: Actor
  readonly payer: Actor
  readonly checker: Actor

  static async create({ shape = {}, prepare, slots = [] }: TraceWorldOptions = {}): Promise<TraceWorld> {
    const model = { ...randomModel(1, { ...config, ...shape }), tokenizer: encodeTokenizer(tokenizer) }
    prepare?.(model)
    const chosen = typeof slots === 'function' ? slots(model) : slots
    const world = new TraceWorld(await MoneyWorld.create(), model, chosen)
    await world.#register()
    return world
  }

  constructor(money: MoneyWorld, model: CanonicalModel, slots: readonly Slot[]) {
    this.money = money
    this.model = model
    this.slots = slots
    this.layout = new TraceLayout(
      model.config,
      slots.map(({ adapter: { rank, layers } }) => ({
        rank,
        targets: targets.filter((target) => layers[0]?.[target] !== undefined),
      })),
    )
    this.files = [sectionsOf(model), ...slots.map(({ adapter }) => adapterSections(adapter))].map(
      (sections) => new SectionOpener(sections),
    )
    this.worker = money.chain.actor('worker')
    this.payer = money.chain.actor('payer')
    this.checker = money.chain.actor('checker')
  }

  async #register(): Promise<void> {
    const { chain } = this.money
    const owner = chain.actor('model owner')
    const version = {
      weightsManifest: modelRoot(this.model),
      configHash: zeroHash,
      trainingRoot: zeroHash,
      indexIds: [],
    }
    await chain.send(owner, 'ModelRegistry', 'publish', [1n, version])
    const validUntil = chain.now + 30n * 86_400n
    const { rin, rout } = this.money.terms.price
    for (const proofClass of [1, 2]) {
      await chain.send(owner, 'ModelRegistry', 'setPrice', [1n, 2, proofClass, rin, rout, validUntil])
    }
    await stake(chain, this.worker)
    await this.money.deposit(this.payer, this.worker, 100n * open)
  }

  /** The worker's answer to a request, as honest as `cheat` leaves it, committed on chain. */
  async settle(ask: Ask, cheat: Cheat = {}): Promise<Settled> {
    const { money, worker, payer } = this
    const plan = money.plan(payer, worker, ask.input.length, 1)
    const draft = money.build(worker, [plan]).receipts[0] as BuiltReceipt
    const request = {
      ...draft.request,
      modelVersion: modelVersionHash(1n, 2),
      adapters: this.#adapters,
      promptRoot: bytesToHex(tokenListRoot(ask.input)),
      sampling: { ...ask.rule, maxTokens: ask.maxTokens, stopHash: stopHash(ask.stops) },
      class: cheat.proofClass ?? 1,
      maxFee: 10n * open,
    }
    const requestId = requestIdOf(request)
    const seed = answerSeed(requestId, worker.address)
    const { output, committed, store } = this.#run(ask, seed, cheat)
    const forged = cheat.leaves === undefined ? committed : forge(this.layout, committed, store, cheat.leaves)
    const head = cheat.head?.(forged.head) ?? forged.head
    const receipt = {
      ...draft.receipt,
      requestId,
      tout: output.length,
      outputRoot: bytesToHex(tokenListRoot(output)),
      traceRoot: bytesToHex(traceRootOf(head)),
      class: request.class,
    }
    const voucher = { ...draft.voucher, requestId, maxFee: request.maxFee, cumulativeCap: 50n * open }
    const signature = payer.sign(moneyDigest(chainId, voucherStructHash(voucher)))
    const { isCut = false } = cheat
    const cancel = { requestId, tout: output.length, outputRoot: receipt.outputRoot }
    const consent = payer.sign(moneyDigest(chainId, cancelStructHash(cancel)))
    const payment = paymentHash(
      { value: voucher, signature: signature.bytes },
      isCut ? { value: cancel, signature: consent.bytes } : undefined,
    )
    const built = { ...draft, request, receipt, voucher, signature, paymentHash: payment }
    const sums = receiptSums(receipt, draft.parts)
    const batchBuilt = batchOf(worker.address, [{ ...built, sums }], request.class, money.chain.now + 600n)
    const { batch } = await money.commit(worker, batchBuilt)
    const paid = { voucher, signature, cut: isCut, cancel, cancelSignature: consent }
    const answer = { request, input: ask.input, output, stops: ask.stops, isCut, payment: paid }
    return { ask, batch, built: { ...built, sums }, answer, output, head, trace: forged }
  }

  bytesOf(tokens: readonly number[]): Uint8Array {
    return tokenizer.decode(tokens)
  }

  /** Calls with openings that are right, of things that are not wrong; arguments behind the request. */
  *accusations(settled: Settled, random: () => number): Generator<Proof> {
    const { answer, head, trace } = settled
    const [model, ...rest] = this.files as readonly [SectionOpener, ...SectionOpener[]]
    const adapters = rest.map(openedConfig)
    const { layout, files } = this
    const sources = {
      context: this.#contextOf(settled),
      layout,
      files,
      trace,
      prompt: answer.input,
      output: answer.output,
    }
    for (const tree of treeNumbers) {
      for (let i = 0; i < 60; i++) {
        const slab = Math.floor(random() * this.layout.slabs[tree])
        const position = Math.floor(random() * head.positions)
        const size = this.layout.recordBytes(tree, slab, position, head)
        if (size === 0) continue
        const { unit, element } = this.layout.unitAt(tree, slab, position, Math.floor(random() * size), head)
        const { op, layer, part } = unit
        const named = { op: ops[op].id, layer, position: unit.position, part, element }
        const { step, isWrong } = openStep(sources, named)
        if (isWrong) throw new Error(`an honest ${op} is wrong`)
        yield { functionName: 'wrongStep', args: [stepArgs(step)] }
      }
      for (let i = 0; i < 10; i++) {
        const { depth, index } = this.someNode(settled, tree, random)
        const bottom = this.layout.depth(tree)
        const first = index * 2 ** (bottom - depth)
        const leaf = [first, first + 1].find((each) => trace.leaf(tree, each).length > 0) ?? first
        const place = { index: leaf, leaf: bytesToHex(trace.leaf(tree, leaf)) }
        const [, node] = this.nodeOf(settled, tree, { depth: bottom, index: leaf })
        yield {
          functionName: 'badTracePlace',
          args: [headArgs(head), openedConfig(model), adapters, { ...place, node }],
        }
      }
    }
    yield { functionName: 'badTraceHead', args: [headArgs(head), openedConfig(model), adapters] }
    yield { functionName: 'ranOverLimit', args: [openedConfig(model)] }
    for (const place of answer.output.keys()) {
      const run = hexRun(tokenRun(answer.output, place, place + 1))
      yield { functionName: 'ranOverEnd', args: [openedConfig(model), run, place] }
      yield { functionName: 'noSuchToken', args: [openedConfig(model), run, answer.input.length + place] }
    }
    const shown = {
      first: answer.output.length - 1,
      count: 1,
      output: hexRun(tokenRun(answer.output, answer.output.length - 1, answer.output.length)),
    }
    const text = {
      ...shown,
      tokenizerRoot: zeroHash,
      tokenizerBytes: 0n,
      tokenizerSiblings: [],
      tokenizer: [],
      stops: [],
    }
    yield { functionName: 'stoppedEarly', args: [openedConfig(model), text, answer.payment] }
    yield { functionName: 'ranOverStop', args: [{ ...text, first: 0 }] }
  }

  /** The checker's quarrel about an answer. */
  dispute(settled: Settled): Dispute {
    const { ask, answer } = settled
    const context = this.#contextOf(settled)
    const parts: DisputeParts = {
      answer,
      context,
      layout: this.layout,
      files: this.files,
      execute: (width) => {
        const { model, layout, slots } = this
        const given = { ...answer, rule: ask.rule, seed: hexToBytes(context.seed), slots }
        return executeAgain({ engine: new Oracle(model), expTable: model.expTable }, layout, given, width)
      },
    }
    return new Dispute(parts)
  }

  #contextOf({ built }: Settled): StepContext {
    const { request, receipt } = built
    return {
      modelRoot: modelRoot(this.model),
      traceRoot: receipt.traceRoot,
      promptRoot: request.promptRoot,
      outputRoot: receipt.outputRoot,
      tin: receipt.tin,
      tout: receipt.tout,
      ...request.sampling,
      seed: bytesToHex(answerSeed(receipt.requestId, receipt.worker)),
      adapters: this.#adapters,
    }
  }

  get #adapters() {
    return this.slots.map(({ adapter, weight }) => ({ root: adapterRoot(adapter), weight }))
  }

  /**
   * Quarrels until the checker has nothing to say: asks on chain, the worker answers from its trace unless it is silent, the last
   * call settles it. Returns that call's name and the fault it found, and how many rounds of questions there were.
   */
  async quarrel(settled: Settled, { isSilent = false } = {}): Promise<Outcome> {
    const dispute = this.dispute(settled)
    const { batch, built } = settled
    const receipt = this.money.openedReceipt(batch, 0)
    for (let rounds = 0; ; rounds++) {
      const move = dispute.next()
      if (move.kind === 'right') return { kind: 'right', rounds }
      if (move.kind === 'prove') {
        const args = [receipt, batch.built.segments, built.request, ...move.proof.args]
        return {
          kind: 'void',
          by: move.proof.functionName,
          rounds,
          ...(await this.#voided(move.proof.functionName, args)),
        }
      }
      for (const question of move.questions) {
        const id = await this.ask(settled, dispute, question)
        if (isSilent) {
          this.money.chain.advance(10)
          const { tree, depth, index } = question
          const args = [receipt, batch.built.segments, treeNumbers.indexOf(tree), depth, index]
          return { kind: 'void', by: 'traceMissing', rounds, ...(await this.#voided('traceMissing', args)) }
        }
        await this.show(settled, dispute, question, id)
      }
    }
  }

  openedOf({ batch }: Settled) {
    return { opened: this.money.openedReceipt(batch, 0), segments: batch.built.segments }
  }

  /** The call that shows a cheat, with its arguments behind the request. */
  async proofOf(settled: Settled): Promise<Proof> {
    const dispute = this.dispute(settled)
    for (;;) {
      const move = dispute.next()
      if (move.kind === 'prove') return move.proof
      if (move.kind === 'right') throw new Error('an honest answer')
      for (const question of move.questions) {
        await this.show(settled, dispute, question, await this.ask(settled, dispute, question))
      }
    }
  }

  /** Head and node of a trace as TraceDemands takes them. */
  nodeOf(
    { head, trace }: Settled,
    tree: TraceTree,
    { depth, index }: { readonly depth: number; readonly index: number },
  ) {
    const siblings = Array.from({ length: depth }, (_, i) => {
      const at = Math.floor(index / 2 ** i)
      return bytesToHex(trace.node(tree, depth - i, at % 2 === 0 ? at + 1 : at - 1))
    })
    const hash = bytesToHex(trace.node(tree, depth, index))
    return [headArgs(head), { tree: treeNumbers.indexOf(tree), depth, index, hash, siblings }] as const
  }

  /** A node that is there, of any level below the root. */
  someNode({ trace }: Settled, tree: TraceTree, random: () => number): Question {
    const bottom = this.layout.depth(tree)
    const depth = 1 + Math.floor(random() * bottom)
    let index = 0
    for (let level = 1; level <= depth; level++) {
      const right = 2 * index + 1
      const isRight = trace.node(tree, level, right).some((byte) => byte !== 0) && random() < 0.5
      index = isRight || trace.node(tree, level, 2 * index).every((byte) => byte === 0) ? right : 2 * index
    }
    return { tree, depth, index }
  }

  async ask(settled: Settled, dispute: Dispute, question: Question): Promise<Hex> {
    const { functionName, args, shownBytes } = dispute.ask(question)
    const { chain } = this.money
    const value = (await chain.read('TraceDemands', 'answerPrice', [shownBytes])) as bigint
    const opened = this.money.openedReceipt(settled.batch, 0)
    const { events } = await chain.send(this.checker, 'TraceDemands', functionName, [opened, ...args], { value })
    const requested = events.find(({ name }) => name === 'TraceRequested')
    const { tree, depth, index } = question
    const key = [bytesToHex(batchHash(settled.batch.header)), 0, treeNumbers.indexOf(tree), depth, index]
    const id = (await chain.read('TraceDemands', 'demandIdOf', key)) as Hex
    if (requested?.args['demandId'] !== id) throw new Error('the demand has another id')
    return id
  }

  /** The worker's answer on chain, which the checker reads. */
  async show({ trace, head }: Settled, dispute: Dispute, question: Question, id: Hex): Promise<void> {
    const shown = { head, node: trace.node.bind(trace), leaf: trace.leaf.bind(trace) }
    const { functionName, args } = answerCall(question, shown)
    await this.money.chain.send(this.worker, 'TraceDemands', functionName, [id, ...args])
    const bytes = (hexes: unknown) => (hexes as Hex[]).map((hex) => hexToBytes(hex))
    if (functionName === 'serveRoot') await dispute.showRoot(question.tree, head, bytes(args[1]))
    else if (functionName === 'serveNodes') dispute.showNodes(question, bytes(args[0]))
    else dispute.showLeaf(question, hexToBytes(args[0] as Hex))
  }

  async #voided(name: string, args: readonly unknown[]): Promise<{ fault: number; slashed: bigint; gas: bigint }> {
    const { events, gas } = await this.money.chain.send(this.checker, 'DisputeGame', name, args)
    const disputed = events.find((event) => event.name === 'ReceiptDisputed')
    const slash = events.find((event) => event.name === 'WorkerSlashed')
    return { fault: Number(disputed?.args['fault']), slashed: (slash?.args['amount'] ?? 0n) as bigint, gas }
  }

  /** Runs the model on the tokens that it chooses until the rule ends them, or until there are as many as the cheat wants. */
  #run({ rule, ...ask }: Ask, seed: Uint8Array, cheat: Cheat) {
    const { model, layout, slots } = this
    const store = new RecordStore()
    const input = cheat.input ?? ask.input
    const choices = new Map<number, number>()
    const recorder = new TraceRecorder(layout, {
      tin: input.length,
      width: cheat.width ?? 4,
      onRecord: store.add,
      choose: (logits, position) => {
        const right = choiceOf(logits, rule, seed, position + 1, model.expTable)
        const choice = cheat.choose?.(right, position) ?? right
        choices.set(position, choice.token)
        return choice
      },
    })
    const trace: Trace = (unit, values) => {
      cheat.tamper?.(unit, values)
      recorder.trace(unit, values)
    }
    const session = new Oracle(model).start({ slots })
    const ending = new Ending(model.config, tokenizer, { tin: input.length, ...ask })
    const output: number[] = []
    for (let fed = input; output.length !== cheat.tout; fed = output.slice(-1)) {
      session.append(fed, trace)
      const token = choices.get(session.length - 1) ?? 0
      output.push(token)
      if (cheat.tout === undefined && ending.push(token) !== undefined) break
    }
    cheat.output?.(output)
    const { head, trees } = recorder.finish()
    return { output, store, committed: new CommittedTrace(layout, { head, trees }, store.get) }
  }
}

function openedConfig(model: SectionOpener) {
  const { config: bytes, siblings } = openConfig(model)
  return { config: bytesToHex(bytes), siblings: siblings.map((each) => bytesToHex(each)) }
}

function hexRun({ first, data, siblings }: Run) {
  return { first, data: bytesToHex(data), siblings: siblings.map((each) => bytesToHex(each)) }
}

/** A trace with other leaves. */
function forge(
  layout: TraceLayout,
  { head }: CommittedTrace,
  store: RecordStore,
  change: NonNullable<Cheat['leaves']>,
): WholeTrace & TraceOpener {
  const leaves = { linear: new Map<number, Uint8Array>(), derived: new Map<number, Uint8Array>() }
  for (const tree of treeNumbers) {
    for (let slab = 0; slab < layout.slabs[tree]; slab++) {
      for (let position = 0; position < layout.config.context; position++) {
        if (layout.recordBytes(tree, slab, position, head) === 0) continue
        const record = store.get(tree, slab, position)
        for (let leaf = 0; leaf * leafBytes[tree] < record.length; leaf++) {
          const bytes = record.slice(leaf * leafBytes[tree], (leaf + 1) * leafBytes[tree])
          leaves[tree].set(layout.leafIndex(tree, slab, position, leaf), bytes)
        }
      }
    }
  }
  change(leaves)
  const treeOf = (tree: TraceTree) =>
    new SparseTree(
      layout.depth(tree),
      0,
      new Map([...leaves[tree]].map(([index, bytes]) => [index, leafHash(index, bytes)])),
    )
  const trees = { linear: treeOf('linear'), derived: treeOf('derived') }
  return {
    head: { ...head, linearRoot: trees.linear.root, derivedRoot: trees.derived.root },
    node: (tree, depth, index) => trees[tree].node(trees[tree].depth - depth, index),
    leaf: (tree, index) => leaves[tree].get(index) ?? new Uint8Array(0),
    run: () => {
      throw new Error('a forger opens leaves one by one')
    },
  }
}

export type Outcome =
  | { readonly kind: 'right'; readonly rounds: number }
  | {
      readonly kind: 'void'
      readonly by: string
      readonly fault: number
      readonly slashed: bigint
      readonly gas: bigint
      readonly rounds: number
    }
