import { type Abi, encodeFunctionData, encodePacked } from 'viem'
import { loadArtifact } from '../../contracts/artifact.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import type { Action, FuzzSite } from './fuzz-site.ts'
import { addressOf, chainId, open } from './money-chain.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`

/** What happens seldom: two answers to one request, evidence committed first, declarations, burning. */
export class FuzzRare {
  readonly #site: FuzzSite
  /** Evidence that somebody committed to. */
  readonly #commitments: { readonly by: Hex; readonly subject: Hex; readonly salt: Hex }[] = []

  constructor(site: FuzzSite) {
    this.#site = site
  }

  get actions(): readonly Action[] {
    return [
      [2, () => this.#equivocate()],
      [4, () => this.#commitEvidence()],
      [4, () => this.#takeOver()],
      [2, () => this.#declare()],
      [1, () => this.#burn()],
      [1, () => this.#serveTooMuch()],
    ]
  }

  /** A worker's two final answers, sometimes signed by somebody else or equal. */
  async #equivocate(): Promise<void> {
    const { random, anyone, actors, act, world } = this.#site
    if (random.chance(0.5)) return
    const [worker, signer] = [anyone, random.chance(0.8) ? anyone : actors[0]]
    const requestId = random.chance(0.9) ? word(random.int(4)) : word(9)
    const answers = [1, random.chance(0.9) ? 2 : 1].map((n) => {
      const answer = { requestId, outputRoot: word(n), final: true }
      const by = random.chance(0.9) ? worker : (signer ?? worker)
      const { r, vs } = by.sign(moneyDigest(chainId, answerStructHash(answer)))
      return { answer: { requestId, outputRoot: word(n), isFinal: true }, signature: { r, vs } }
    })
    const [first, second] = answers
    const subject = await world.chain.stored('DisputeGame', 'subjectOf', 4, requestId, BigInt(worker.address))
    if (random.chance(0.5)) await this.#commit(subject as Hex)
    world.chain.advance(2)
    const evidence = [first?.answer, first?.signature, second?.answer, second?.signature]
    await act(anyone, 'DisputeGame', 'equivocation', [worker.address, ...evidence])
  }

  async #commit(subject: Hex): Promise<void> {
    const { anyone, act, random } = this.#site
    const salt = word(random.int(3))
    const packed = encodePacked(['address', 'bytes32', 'bytes32'], [anyone.address, subject, salt])
    this.#commitments.push({ by: anyone.address, subject, salt })
    await act(anyone, 'DisputeGame', 'commitEvidence', [bytesToHex(keccak256(hexToBytes(packed)))])
  }

  async #commitEvidence(): Promise<void> {
    const { world, random } = this.#site
    const batch = world.batches.at(-1)
    if (batch === undefined) return
    const { batchId, count } = batch.header
    const args = [0, `0x${batchId.toString(16).padStart(64, '0')}`, BigInt(random.int(count))]
    await this.#commit((await world.chain.stored('DisputeGame', 'subjectOf', ...args)) as Hex)
  }

  async #takeOver(): Promise<void> {
    const { act, random, anyone, laws } = this.#site
    const won = this.#commitments.filter(({ subject }) => laws.rewards.has(subject))
    const known = won.length > 0 ? random.pick(won) : this.#commitments.at(-1)
    if (known === undefined) return
    const by = random.chance(0.8) ? known.by : anyone
    await act(by, 'DisputeGame', 'takeOverReward', [known.subject, known.salt])
  }

  /** Declarations, and calls that carry one; `forward` is the ledger's alone. */
  async #declare(): Promise<void> {
    const { act, random, anyone } = this.#site
    const payload = bytesToHex(random.bytes(random.chance(0.9) ? random.int(60) : 513))
    const deposit = this.#calldata('deposit', [anyone.address])
    const failing = this.#calldata('claimRefund', [anyone.address])
    const data = random.chance(0.8) ? deposit : failing
    const market = addressOf('InferenceMarket')
    await act(anyone, 'AttributionLedger', 'attest', [payload])
    await act(anyone, 'AttributionLedger', 'withAttribution', [payload, market, data], open / 1_000n)
    await act(anyone, 'AttributionCaller', 'forward', [market, deposit], 1n)
  }

  async #burn(): Promise<void> {
    const { act, random, anyone } = this.#site
    await act(anyone, 'OpenBurner', 'burn', [], random.big(40))
  }

  /** Withdrawals and registrations that are too early, too small or of nobody. */
  async #serveTooMuch(): Promise<void> {
    const { act, random, anyone, hostile } = this.#site
    await act(hostile, 'WorkerRegistry', 'register', ['0x1220', random.int(3), random.pick([0, 1, 0x40])], open)
    await act(anyone, 'WorkerRegistry', 'register', ['0x', 1, 1])
    await act(anyone, 'InferenceMarket', 'depositFor', [anyone.address, hostile], open / 10n)
    await act(hostile, 'InferenceMarket', 'deposit', [anyone.address], open / 10n)
  }

  #calldata(functionName: string, args: readonly unknown[]): Hex {
    const { abi } = loadArtifact('InferenceMarket')
    return encodeFunctionData({ abi: abi as unknown as Abi, functionName, args })
  }
}
