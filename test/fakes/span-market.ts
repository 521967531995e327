import { readFileSync } from 'node:fs'
import { encodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf } from '../../attribution/epochs/batch-rows.ts'
import { makeReceipt } from '../../attribution/epochs/make-receipt.ts'
import { type Contribution, unitsOf } from '../../attribution/epochs/receipt-entries.ts'
import { encodeSignature, signatureHash, signatureOf } from '../../attribution/near-duplicates/signature.ts'
import { attribute, indexSet } from '../../attribution/suffix/attribute.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import { itemTree } from '../../attribution/suffix/item-tree.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { joinDocuments } from '../../attribution/suffix/text.ts'
import { ChainFacts } from '../../chain/ledger/chain-facts.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { baseModelFile, readBaseModelRecord } from '../../inference/models/base-model.ts'
import { type ModelTokenizer, readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { receiptRow } from '../../protocol/inference-receipt.ts'
import { type InferenceRequest, modelVersionHash, requestIdOf } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { SumTree } from '../../protocol/sum-tree.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { channelOf, paymentHash, voucherStructHash } from '../../protocol/voucher.ts'
import type { AccountName } from './ledger-chain.ts'
import type { MarketChain } from './ledger-market.ts'
import { permissive } from './licences.ts'
import type { MoneyChain } from './money-chain.ts'
import { stake } from './standing-model.ts'
import { addingDiff, noRoots } from './version-diff.ts'

const open = 10n ** 18n
const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

/** Contributions of the Datanet; each author is an actor. */
export const spanTexts = [
  ['alice', 'A lighthouse keeper counts the ships at dusk and writes their names in a green book.'],
  ['datanet owner', 'Bread rises twice: once in the bowl under a cloth, once in the tin before the oven.'],
] as const
/** Says some words of the first text and one run of the second. */
export const spanAnswer =
  'It is said that a lighthouse keeper counts the ships at dusk and writes their names; bread, we hear, is made once in the bowl under a cloth.'

/** A chain with a Datanet whose texts are indexed, and the shipped model that pins the index; receipts of it by class S. */
export class SpanMarket {
  readonly chain: MarketChain
  readonly index: SuffixIndex
  readonly tokenizer: ModelTokenizer
  readonly rpc: L2Rpc
  /** By which its requests are paid. */
  priceVersion = 1
  #nonce = 0n
  #cap = 0n

  private constructor(chain: MarketChain, rpc: L2Rpc, index: SuffixIndex, tokenizer: ModelTokenizer) {
    this.chain = chain
    this.rpc = rpc
    this.index = index
    this.tokenizer = tokenizer
  }

  /** Datanet 1 with its texts, model 1 with the index, model 2 without; prices of class SIGNED; a staked worker, alice's channel. */
  static async open(
    chain: MarketChain,
    rpc: L2Rpc,
    texts: readonly (readonly [AccountName, string])[] = spanTexts,
    spoil: (index: SuffixIndex, tokenLengths: Uint32Array) => SuffixIndex = (index) => index,
  ): Promise<SpanMarket> {
    const owner = chain.actor('datanet owner')
    await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, permissive, word(2), 0n, word(3)])
    await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 2])
    const section = decodeModel(readFileSync(baseModelFile)).tokenizer.slice()
    const tokenizer = readTokenizer(section)
    const items = texts.map(([author, text], i) => {
      const bytes = new TextEncoder().encode(text)
      return { author, bytes, contribId: BigInt(i + 1), contentHash: contentHash(bytes) }
    })
    for (const { author, bytes, contribId, contentHash: hash } of items) {
      await chain.send(chain.actor(author), 'DatanetRegistry', 'submit', [
        1n,
        hash,
        signatureHash(signatureOf(bytes)),
        0,
        0,
        zeroHash,
      ])
      await chain.send(owner, 'DatanetRegistry', 'decide', [contribId, true, zeroHash])
    }
    const documents = items.map(({ contribId, bytes }) => ({ contribId, tokens: tokenizer.encode(bytes) }))
    const lengths = Uint32Array.from({ length: tokenizer.vocab }, (_, token) => tokenizer.decode([token]).length)
    const tokenizerHash = contentHash(section)
    const subject = { datanet: 1n, version: 1, tokenizerHash, tokenLengths: lengths }
    const index = spoil(buildIndex(joinDocuments(documents, tokenizer.vocab), subject), lengths)
    const { tokenRoot, suffixRoot, n } = index.record
    const roots = {
      ...noRoots,
      itemsRoot: itemTree(items).root,
      tokenRoot,
      suffixRoot,
      tokenCount: BigInt(n),
      tokenizerHash,
      unitsTotal: 700n,
    }
    await chain.send(owner, 'DatanetRegistry', 'publish', [1n, roots, addingDiff(items.length)])
    const modelOwner = chain.actor('model owner')
    await chain.send(modelOwner, 'IndexRegistry', 'publish', [index.record], { value: 100n * open })
    for (const indexIds of [[index.id], []]) {
      const version = {
        weightsManifest: readBaseModelRecord().root,
        configHash: word(5),
        trainingRoot: word(6),
        indexIds,
      }
      const params = { kind: 0, verifyClasses: 0x3f, licenceId: permissive, version }
      const trainedOn = [{ id: 1n, version: 1, weightBps: 10_000 }]
      await chain.send(modelOwner, 'ModelRegistry', 'register', [params, [], trainedOn])
    }
    for (const model of [1n, 2n]) await setPrice(chain, model)
    const worker = chain.actor('worker')
    await stake(chain as unknown as MoneyChain, worker)
    await chain.send(chain.actor('alice'), 'InferenceMarket', 'deposit', [worker.address], { value: 50n * open })
    return new SpanMarket(chain, rpc, index, tokenizer)
  }

  /** Registers a model without indexes, with a price; returns its id. `parent`: the model that it is an adapter of. */
  async register(
    trainedOn: readonly { readonly id: bigint; readonly version: number; readonly weightBps: number }[],
    parent: bigint,
  ): Promise<bigint> {
    const owner = this.chain.actor('model owner')
    const version = { weightsManifest: word(7), configHash: word(5), trainingRoot: word(6), indexIds: [] }
    const params = { kind: 0, verifyClasses: 0x3f, licenceId: permissive, version }
    const parents = [{ id: parent, relation: 4, bps: 500, policy: 0 }]
    const { result } = await this.chain.send(owner, 'ModelRegistry', 'register', [params, parents, trainedOn])
    await setPrice(this.chain, result as bigint)
    return result as bigint
  }

  /** Shows the signature of one of the texts. */
  async show(contribId: bigint, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    const signature = signatureOf(bytes)
    const hashes = { contentHash: contentHash(bytes), simHash: signatureHash(signature), metaHash: zeroHash }
    const shown = [contribId, bytesToHex(encodeSignature(signature)), { ...hashes, consent: 0, size: 0 }, []]
    await this.chain.send(this.chain.actor('bob'), 'SignatureRegistry', 'show', shown)
  }

  /** Settles answers in one batch; returns its id, receipts and file. */
  async settle(
    answers: readonly {
      readonly text: string
      readonly model: number
      readonly contributions?: readonly Contribution[]
      readonly prompt?: string
      readonly adapter?: Hex
      readonly isPrivate?: boolean
    }[],
    algoHash?: Hex,
  ) {
    const receipts: BatchReceipt[] = []
    for (const { text, model, contributions, prompt, adapter, isPrivate } of answers)
      receipts.push(await this.#receipt(text, BigInt(model), contributions, prompt, algoHash, adapter, isPrivate))
    const worker = this.chain.actor('worker')
    const tree = new SumTree(
      receipts.map(({ receipt, sums, payment }) =>
        receiptRow(receipt, payment === undefined ? new Uint8Array(32) : paymentHash(payment.voucher), sums),
      ),
    )
    const file = encodeBatchFile(batchFileOf(receipts))
    const sums = receiptSumNames.map((_, i) => receipts.reduce((sum, each) => sum + (each.sums[i] ?? 0n), 0n))
    const last = receipts.at(-1)?.payment?.voucher
    if (last === undefined) throw new Error('a batch of nothing')
    const { signature } = last
    const segment = {
      ...last.value,
      ...{
        count: receipts.length,
        fee: sums[0],
        r: bytesToHex(signature.subarray(0, 32)),
        vs: bytesToHex(signature.subarray(32)),
      },
    }
    const notAfter = this.chain.now + 600n
    const input = {
      topHash: bytesToHex(tree.topHash),
      count: receipts.length,
      sums,
      class: 0,
      dataHash: contentHash(file),
      notAfter,
    }
    const { result } = await this.chain.send(worker, 'InferenceMarket', 'commitBatch', [input, [segment]])
    return { batchId: result as bigint, receipts, file }
  }

  /** A text's tokens; of a private one as others see them: no token of the model's. */
  tokensOf(text: string, isPrivate = false): Uint32Array {
    const tokens = Uint32Array.from(this.tokenizer.encode(text))
    return isPrivate ? tokens.map((token) => token + 2 ** 31) : tokens
  }

  /** What a contributor's pool of an answer goes to. */
  contributions(output: Uint32Array): Contribution[] {
    const { shares, evidenceHash } = attribute(indexSet([this.index]), output)
    return shares.map(({ class: letter, id, weight }) => ({
      class: entryClasses[letter],
      id,
      weight: BigInt(weight),
      evidenceHash,
    }))
  }

  async #receipt(
    text: string,
    model: bigint,
    given?: readonly Contribution[],
    asked = 'What is said?',
    algoHash?: Hex,
    adapter?: Hex,
    isPrivate?: boolean,
  ): Promise<BatchReceipt> {
    const [alice, worker] = [this.chain.actor('alice'), this.chain.actor('worker')]
    const [output, prompt] = [this.tokensOf(text, isPrivate), this.tokensOf(asked, isPrivate)]
    const deadline = this.chain.now + 86_400n
    const maxFee = open
    const request: InferenceRequest = {
      ...{
        chainId: 901n,
        payer: alice.address,
        nonce: this.#nonce++,
        modelVersion: modelVersionHash(model, 1),
        adapters: adapter === undefined ? [] : [{ root: adapter, weight: 256 }],
      },
      ...{ templateHash: zeroHash, promptRoot: bytesToHex(tokenListRoot(prompt)) },
      sampling: { tempQ16: 0, topK: 0, topPQ16: 65_536, maxTokens: 4096, stopHash: zeroHash },
      ...{ class: 0, priceVersion: this.priceVersion, maxFee, appCode: zeroHash, deadline },
    }
    this.#cap += maxFee
    const requestId = requestIdOf(request)
    const channel = channelOf(alice.address, worker.address)
    const value = { channel, requestId, worker: worker.address, maxFee, cumulativeCap: this.#cap, deadline }
    const { bytes: signature } = alice.sign(moneyDigest(901n, voucherStructHash(value)))
    const contributions = given ?? (model === 1n ? this.contributions(output) : [unitsOf(1n)])
    return await makeReceipt(
      {
        ...{ request, payment: { voucher: { value, signature } }, worker: worker.address, prompt, output },
        ...{ traceRoot: zeroHash, proofHash: zeroHash, contributions, ...(algoHash && { algoHash }) },
      },
      this.chain.now,
      new ChainFacts({ rpc: this.rpc, chainId: 901n, earlierReceipt: async () => undefined }),
    )
  }
}

async function setPrice(chain: MarketChain, model: bigint): Promise<void> {
  const price = [model, 1, 0, 3n * 10n ** 15n, 6n * 10n ** 15n, chain.now + 30n * 86_400n - 60n]
  await chain.send(chain.actor('model owner'), 'ModelRegistry', 'setPrice', price)
}
