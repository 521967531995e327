import { attributeV2 } from '../../attribution/combined/attribute-v2.ts'
import { nearDuplicateBps } from '../../attribution/near-duplicates/near-duplicates.ts'
import { attribute } from '../../attribution/suffix/attribute.ts'
import { defaultShares, type FeeParts, feeOf, type Shares, splitFee, weightTotal } from '../../protocol/fee.ts'
import { type Intake, takeIn, type Words, World } from './world.ts'

/** What a chain does about farming. */
export type Rules = {
  readonly shares: Shares
  /** What is paid on top of every fee out of a common pot, in hundredths of a per cent of the fee, as the fee is split. */
  readonly subsidyBps: number
  /** Datanet owners refuse what is so similar to an earlier contribution. */
  readonly refusesFrom: number | undefined
  readonly algo: 'v1' | 'v2'
}

export const rulesInForce: Rules = { shares: defaultShares, subsidyBps: 0, refusesFrom: nearDuplicateBps, algo: 'v1' }

/** What an attack costs and brings, in wei, beyond what its people had without it, and its part of the contributors' pools. */
export type Result = {
  readonly attack: string
  readonly cost: bigint
  readonly gain: bigint
  readonly captured: number
}

/** Wei per 1,000 tokens, and tokens of a request and its answer: the fee of an example on docs/MONEY.md. */
const price = { rin: 3_000_000_000_000_000n, rout: 6_000_000_000_000_000n }
const [tokensIn, tokensOut] = [1_234, 567]
/** A contribution of 120,000 gas at 1 gwei. */
const contributionCost = 120_000n * 10n ** 9n
const selfQueries = 50
const [copiedTexts, copiesOfEach] = [5, 9]

/** Who an attacker is besides a payer and the author of all that its answers quote. `stake`: its part of all stake. */
const cliques = [
  { name: 'contributors', isWorker: false, isModel: false, stake: 0 },
  { name: 'contributors, worker', isWorker: true, isModel: false, stake: 0 },
  { name: 'contributors, worker, model', isWorker: true, isModel: true, stake: 0 },
  { name: 'contributors, worker, model, half of all stake', isWorker: true, isModel: true, stake: 0.5 },
] as const
/** Share of the words of a copied text that are replaced. */
const edits = [0, 0.05, 0.1, 0.2, 0.3, 0.4] as const

/** Every attack on a world under rules. docs/INTEGRITY.md §4. */
export function farm(rules: Rules, seed: number): Result[] {
  return [...cliques.map((clique) => selfQuery(rules, clique, seed)), ...edits.map((edit) => copies(rules, edit, seed))]
}

/** Return on what was spent: below 0 is a loss. */
export function returnOn({ cost, gain }: Result): number {
  return partOf(gain - cost, cost)
}

function partOf(part: bigint, whole: bigint): number {
  return Number((part * 100_000n) / whole) / 100_000
}

/** A clique asks its own worker for answers that quote its own texts, which are all of a Datanet whose units it holds. */
function selfQuery(rules: Rules, clique: (typeof cliques)[number], seed: number): Result {
  const world = new World(seed)
  const own = Array.from({ length: 10 }, () => world.text())
  const intake = takeIn(own, rules.refusesFrom)
  const parts = paid(rules)
  const fee = feeOf(tokensIn, tokensOut, price, rules.shares)
  let [gain, asContributors] = [0n, 0n]
  for (let i = 0; i < selfQueries; i++) {
    const share = shareOf(rules, intake, own[i % own.length] as Words, () => true)
    asContributors += (parts.contributors * BigInt(share)) / BigInt(weightTotal)
    if (clique.isWorker) gain += parts.worker
    if (clique.isModel) gain += parts.model
    gain += (parts.stakers * BigInt(Math.round(100 * clique.stake))) / 100n
  }
  return {
    attack: `asks itself: ${clique.name}`,
    cost: BigInt(selfQueries) * fee,
    gain: gain + asContributors,
    captured: partOf(asContributors, BigInt(selfQueries) * parts.contributors),
  }
}

/** Sybils contribute copies of the texts that are quoted most; honest people ask, and the copies take what they can. */
function copies(rules: Rules, edit: number, seed: number): Result {
  const world = new World(seed)
  const copied = world.texts
    .slice(0, copiedTexts)
    .flatMap((text) => Array.from({ length: copiesOfEach }, () => world.edited(text, edit)))
  const intake = takeIn([...world.texts, ...copied], rules.refusesFrom)
  const isCopy = (contribId: bigint) => contribId > BigInt(world.texts.length)
  const { contributors } = paid(rules)
  const gain = world.answers.reduce(
    (sum, answer) => sum + (contributors * BigInt(shareOf(rules, intake, answer, isCopy))) / BigInt(weightTotal),
    0n,
  )
  const attack = `copies with ${Math.round(100 * edit)} % of the words replaced`
  const captured = partOf(gain, BigInt(world.answers.length) * contributors)
  return { attack, cost: BigInt(copied.length) * contributionCost, gain, captured }
}

/** What one receipt pays to each part: the fee, and the subsidy split as it is. */
function paid({ shares, subsidyBps }: Rules): FeeParts {
  const fee = feeOf(tokensIn, tokensOut, price, shares)
  return splitFee(fee + (fee * BigInt(subsidyBps)) / 10_000n, shares, false)
}

/** Of the contributors' pool of an answer, what contributions of the attacker's have; the units' part is the owner's. */
function shareOf(
  { algo }: Rules,
  { index, signatureOf }: Intake,
  answer: Words,
  isOwn: (contribId: bigint) => boolean,
): number {
  const { shares } =
    algo === 'v1' ? attribute([index], answer) : attributeV2([index], answer, { prompt: [], signatureOf })
  const ownsAll = isOwn(0n)
  return shares
    .filter((share) => (share.class === 'S' ? isOwn(share.id) : ownsAll))
    .reduce((sum, { weight }) => sum + weight, 0)
}
