/**
 * Recomputes payouts of a running chain from what an indexer's GraphQL and the chain say, and from nothing of this repository: fees by the prices
 * on chain, amounts by the weights of entries, and the payout root of every final epoch.
 *
 * Run: npx tsx scripts/recompute-payouts.ts --graphql URL --rpc URL [--count 1000] [--seed 1]
 */
import { parseArgs } from 'node:util'
import {
  bytesToHex,
  concat,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  hexToBytes,
  keccak256,
  numberToHex,
  parseAbi,
} from 'viem'

export type Recomputed = {
  /** Payouts that were compared, of all that there are. */
  readonly compared: number
  readonly payouts: number
  readonly epochs: number
  readonly receipts: number
  /** A line each. */
  readonly differences: readonly string[]
}

type Sources = { readonly graphql: string; readonly rpc: string }

/** Predeploys, DESIGN §3. */
const at = {
  modelRegistry: '0x4f4c000000000000000000000000000000000002',
  royaltyVault: '0x4f4c000000000000000000000000000000000006',
  revenueSplitter: '0x4f4c000000000000000000000000000000000007',
} as const
const abi = parseAbi([
  'function priceOf(bytes32 modelVersion, uint8 class, uint32 priceVersion) view returns ((uint256 rin, uint256 rout, uint64 validUntil, uint32 sharesVersion, uint64 setAt))',
  'function sharesOf(uint32 version) view returns ((uint128 platformFee, uint16 betaBps, uint16 gammaBps, uint16 omegaBps, uint16 rhoBps))',
  'function payoutRoot(uint64 epoch) view returns (bytes32)',
  'function payees(address payee) view returns (uint128 paid, uint64 epoch, bool, bool)',
])

/** Epochs whose payouts are compared: the final ones, whose roots the vault has. Throws where a source does not answer. */
export async function recomputePayouts(sources: Sources, count: number, seed: number): Promise<Recomputed> {
  const chain = new Chain(sources.rpc)
  const epochs = (await list(
    sources,
    'epochs',
    'where: { status: final }',
    'id number firstBatch lastBatch payoutCount',
  )) as Epoch[]
  epochs.sort((a, b) => Number(a.number) - Number(b.number))
  const cumulative = new Map<Hex, bigint>()
  const payouts: { readonly epoch: Epoch; readonly payee: Hex; readonly amount: bigint }[] = []
  const differences: string[] = []
  let receipts = 0
  for (const epoch of epochs) {
    const earned = new Map<Hex, bigint>()
    for (let batch = BigInt(epoch.firstBatch); batch <= BigInt(epoch.lastBatch); batch++) {
      for (const receipt of await receiptsOf(sources, batch)) {
        receipts++
        for (const [payee, amount] of await amountsOf(receipt, chain, differences))
          earned.set(payee, (earned.get(payee) ?? 0n) + amount)
      }
    }
    for (const [payee, amount] of earned) {
      payouts.push({ epoch, payee, amount })
      cumulative.set(payee, (cumulative.get(payee) ?? 0n) + amount)
    }
    const [own, theirs] = [payoutRootOf(cumulative), await chain.payoutRoot(epoch.number)]
    if (own !== theirs)
      differences.push(`epoch ${epoch.number}: the payout root on chain is ${theirs}, recomputed ${own}`)
  }
  const chosen = sample(payouts, count, seed)
  const credited = async ({ epoch, payee, amount }: (typeof chosen)[number]) => {
    const where = `where: { payee: "${payee}", epoch: ${epoch.id} }`
    const credits = (await list(sources, 'credits', where, 'amount')) as { amount: string }[]
    const sum = credits.reduce((all, credit) => all + BigInt(credit.amount), 0n)
    return sum === amount ? [] : [`epoch ${epoch.number}, ${payee}: ${sum} wei are credited, recomputed ${amount}`]
  }
  differences.push(...(await atOnce(chosen, credited)))
  differences.push(...(await claimDifferences(sources, chain, cumulative, new Set(chosen.map(({ payee }) => payee)))))
  return { compared: chosen.length, payouts: payouts.length, epochs: epochs.length, receipts, differences }
}

type Epoch = { readonly id: string; readonly number: string; readonly firstBatch: string; readonly lastBatch: string }
type Entry = { readonly class: string; readonly payee: Hex; readonly weight: string }
type Page<T> = {
  readonly nodes: readonly T[]
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string }
}
type Receipt = {
  readonly index: number
  readonly isVoid: boolean
  readonly batch: { readonly id: string; readonly status: string }
  readonly model: { readonly id: string } | null
  readonly modelVersion: number
  readonly class: number
  readonly tin: number
  readonly tout: number
  readonly fee: string
  readonly price: { readonly priceVersion: number } | null
  readonly entries: Page<Entry>
}

/** Live receipts of a batch, with all of their entries. */
async function receiptsOf(sources: Sources, batch: bigint): Promise<Receipt[]> {
  const entry = 'class payee weight'
  const fields = `index isVoid batch { id status } model { id } modelVersion class tin tout fee price { priceVersion }
    entries(first: 100) { nodes { ${entry} } pageInfo { hasNextPage endCursor } }`
  const found = (await list(sources, 'receipts', `where: { batch: ${batch} }`, fields)) as Receipt[]
  const live = found.filter((receipt) => !receipt.isVoid && receipt.batch.status === 'mature')
  return await Promise.all(
    live.map(async (receipt) => {
      const nodes = [...receipt.entries.nodes]
      for (let { hasNextPage, endCursor } = receipt.entries.pageInfo; hasNextPage; ) {
        const query = `{ receipt(batch: ${batch}, index: ${receipt.index}) { entries(first: 100, after: "${endCursor}")
          { nodes { ${entry} } pageInfo { hasNextPage endCursor } } } }`
        const { entries } = (await ask(sources, query))['receipt'] as { readonly entries: Page<Entry> }
        nodes.push(...entries.nodes)
        ;({ hasNextPage, endCursor } = entries.pageInfo)
      }
      return { ...receipt, entries: { ...receipt.entries, nodes } }
    }),
  )
}

/** wei of each entry's payee. MONEY §3 and §4. */
async function amountsOf(receipt: Receipt, chain: Chain, differences: string[]): Promise<(readonly [Hex, bigint])[]> {
  const where = `receipt ${receipt.batch.id}:${receipt.index}`
  if (receipt.model === null || receipt.price === null) {
    differences.push(`${where}: it names no price`)
    return []
  }
  const version = concat([
    numberToHex(0n, { size: 20 }),
    numberToHex(BigInt(receipt.model.id), { size: 8 }),
    numberToHex(receipt.modelVersion, { size: 4 }),
  ])
  const { rin, rout, sharesVersion } = await chain.price(version, receipt.class, receipt.price.priceVersion)
  const { platformFee, betaBps, gammaBps, omegaBps, rhoBps } = await chain.shares(sharesVersion)
  const compute = (BigInt(receipt.tin) * rin + BigInt(receipt.tout) * rout + 999n) / 1000n
  const fee = compute + platformFee
  if (fee !== BigInt(receipt.fee)) differences.push(`${where}: the fee is ${receipt.fee} wei, recomputed ${fee}`)
  const entries = receipt.entries.nodes
  const part = (bps: number) => (compute * BigInt(bps)) / 10_000n
  const [model, stakers, worker] = [part(betaBps), part(gammaBps), part(omegaBps)]
  const builder = entries.some((entry) => entry.class === 'A') ? part(rhoBps) : 0n
  const pools: Readonly<Record<string, bigint>> = { M: model, W: worker, A: builder }
  const contributors = compute - model - stakers - worker - builder
  const poolOf = (letter: string) => (letter in pools ? letter : 'contributors')
  const weights = new Map<string, bigint>()
  for (const { class: letter, weight } of entries)
    weights.set(poolOf(letter), (weights.get(poolOf(letter)) ?? 0n) + BigInt(weight))
  return entries.map(({ class: letter, payee, weight }) => {
    const sum = weights.get(poolOf(letter)) ?? 0n
    const whole = sum > 1_000_000n ? sum : 1_000_000n
    return [payee, ((pools[letter] ?? contributors) * BigInt(weight)) / whole] as const
  })
}

/** What the vault paid, and what a claim's proof gives, against what was earned. */
async function claimDifferences(
  sources: Sources,
  chain: Chain,
  cumulative: ReadonlyMap<Hex, bigint>,
  payees: ReadonlySet<Hex>,
): Promise<string[]> {
  return await atOnce([...payees], async (payee) => {
    const earned = cumulative.get(payee) ?? 0n
    const [paid, data] = await Promise.all([
      chain.paid(payee),
      ask(sources, `{ payee(address: "${payee}") { earned claimed claimable } }`),
    ])
    const found = data['payee'] as Readonly<Record<string, string>>
    const rights = { earned, claimed: paid, claimable: earned > paid ? earned - paid : 0n }
    const wrong = Object.entries(rights).filter(([name, right]) => BigInt(found[name] ?? -1) !== right)
    return [
      ...wrong.map(([name, right]) => `${payee}: ${name} is ${found[name]}, recomputed ${right}`),
      ...(paid > earned ? [`${payee}: ${paid} wei were paid, recomputed ${earned}`] : []),
    ]
  })
}

/** Questions asked at once. */
const askedMax = 8

/** The lines that are found for each item, in order. */
async function atOnce<T>(items: readonly T[], find: (item: T) => Promise<readonly string[]>): Promise<string[]> {
  const lines: string[] = []
  for (let i = 0; i < items.length; i += askedMax)
    lines.push(...(await Promise.all(items.slice(i, i + askedMax).map(find))).flat())
  return lines
}

/** Sum tree over all that were ever credited, by payee. MONEY §4. */
function payoutRootOf(cumulative: ReadonlyMap<Hex, bigint>): Hex {
  const u = (value: bigint | number, size: number) => numberToHex(value, { size })
  let level = [...cumulative]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([payee, sum], i) => ({ hash: keccak256(concat(['0x06', u(i, 4), payee, u(sum, 16)])), sum }))
  const count = level.length
  let absent = { hash: numberToHex(0n, { size: 32 }), sum: 0n }
  const row = ({ hash, sum }: typeof absent) => concat([hash, u(sum, 16)])
  const parent = (left: typeof absent, right: typeof absent) => ({
    hash: keccak256(concat(['0x01', row(left), row(right)])),
    sum: left.sum + right.sum,
  })
  while (level.length > 1) {
    const [below, missing] = [level, absent]
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) =>
      parent(below[2 * i] ?? missing, below[2 * i + 1] ?? missing),
    )
    absent = parent(missing, missing)
  }
  const top = level[0] ?? absent
  return keccak256(concat(['0x04', u(count, 4), u(top.sum, 16), top.hash]))
}

/** Views of contracts; what never changes is asked once. */
class Chain {
  readonly #url: string
  readonly #kept = new Map<string, Promise<unknown>>()

  constructor(url: string) {
    this.#url = url
  }

  price(version: Hex, proofClass: number, priceVersion: number) {
    return this.#once(`price ${version} ${proofClass} ${priceVersion}`, async () => {
      const data = encodeFunctionData({ abi, functionName: 'priceOf', args: [version, proofClass, priceVersion] })
      return decodeFunctionResult({ abi, functionName: 'priceOf', data: await this.#call(at.modelRegistry, data) })
    })
  }

  shares(version: number) {
    return this.#once(`shares ${version}`, async () => {
      const data = encodeFunctionData({ abi, functionName: 'sharesOf', args: [version] })
      return decodeFunctionResult({ abi, functionName: 'sharesOf', data: await this.#call(at.revenueSplitter, data) })
    })
  }

  async payoutRoot(epoch: string): Promise<Hex> {
    const data = encodeFunctionData({ abi, functionName: 'payoutRoot', args: [BigInt(epoch)] })
    return decodeFunctionResult({ abi, functionName: 'payoutRoot', data: await this.#call(at.royaltyVault, data) })
  }

  async paid(payee: Hex): Promise<bigint> {
    const data = encodeFunctionData({ abi, functionName: 'payees', args: [payee] })
    return decodeFunctionResult({ abi, functionName: 'payees', data: await this.#call(at.royaltyVault, data) })[0]
  }

  async #call(to: Hex, data: Hex): Promise<Hex> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ to, data }, 'latest'] })
    const { result, error } = (await post(this.#url, body)) as { result?: Hex; error?: { message: string } }
    if (result === undefined) throw new Error(`${this.#url}: ${error?.message}`)
    return result
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = (this.#kept.get(key) as Promise<T> | undefined) ?? read()
    this.#kept.set(key, known)
    return known
  }
}

/** All pages of a list. */
async function list(sources: Sources, root: string, where: string, fields: string): Promise<unknown[]> {
  const nodes: unknown[] = []
  for (let after = ''; ; ) {
    const data = await ask(
      sources,
      `{ ${root}(first: 100, ${where}${after}) { nodes { ${fields} } pageInfo { hasNextPage endCursor } } }`,
    )
    const page = data[root] as Page<unknown>
    nodes.push(...page.nodes)
    if (!page.pageInfo.hasNextPage) return nodes
    after = `, after: "${page.pageInfo.endCursor}"`
  }
}

async function ask({ graphql }: Sources, query: string): Promise<Readonly<Record<string, unknown>>> {
  const { data, errors } = (await post(graphql, JSON.stringify({ query }))) as {
    data?: Record<string, unknown>
    errors?: { message: string }[]
  }
  if (data === undefined || data === null || errors !== undefined)
    throw new Error(`${graphql}: ${errors?.[0]?.message}`)
  return data
}

async function post(url: string, body: string): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return await response.json()
}

/** Distinct items, drawn by a hash chain from the seed. */
function sample<T>(items: readonly T[], count: number, seed: number): T[] {
  const left = [...items]
  let state = hexToBytes(keccak256(numberToHex(seed, { size: 32 })))
  const drawn: T[] = []
  while (drawn.length < count && left.length > 0) {
    state = hexToBytes(keccak256(state))
    const [item] = left.splice(Number(BigInt(bytesToHex(state)) % BigInt(left.length)), 1)
    if (item !== undefined) drawn.push(item)
  }
  return drawn
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { values } = parseArgs({
    options: {
      graphql: { type: 'string' },
      rpc: { type: 'string' },
      count: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
    },
  })
  const { graphql, rpc, count, seed } = values
  if (graphql === undefined || rpc === undefined) throw new Error('--graphql URL and --rpc URL are required')
  const { differences, ...figures } = await recomputePayouts({ graphql, rpc }, Number(count), Number(seed))
  for (const line of differences) process.stdout.write(`${line}\n`)
  process.stdout.write(`${JSON.stringify({ ...figures, differences: differences.length })}\n`)
  process.exitCode = differences.length === 0 && figures.compared > 0 ? 0 : 1
}
