/**
 * Gas of what people pay for, as a block counts it: 21,000, calldata and execution less refunds, every contract behind its
 * proxy on the dev genesis. docs/GAS.md holds the figures; a test compares.
 */
import { MoneyChain } from '../../test/fakes/money-chain.ts'

/** One figure. `gas` is null where what it measures does not exist yet; `note` says how it was taken, or why not. */
export type GasFigure = {
  readonly field: string
  readonly gas: number | null
  readonly limit?: number
  readonly note: string
}

export async function benchGas(): Promise<object> {
  const figures = await gasFigures()
  process.stdout.write(gasTable(figures))
  const why = figures.filter(({ gas }) => gas === null).map(({ field, note }) => [field, note])
  return {
    ...Object.fromEntries(figures.map(({ field, gas }) => [field, gas])),
    ...(why.length === 0 ? {} : { why: Object.fromEntries(why) }),
  }
}

/** Rows of docs/GAS.md. */
export function gasTable(figures: readonly GasFigure[]): string {
  const number = (value: number | null | undefined) => (value == null ? '' : value.toLocaleString('en'))
  const rows = figures.map(
    ({ field, gas, limit, note }) => `| \`${field}\` | ${number(gas)} | ${number(limit)} | ${note} |`,
  )
  return ['| figure | gas | at most | what |', '|---|---|---|---|', ...rows, ''].join('\n')
}

export async function gasFigures(): Promise<GasFigure[]> {
  return [...(await contributions()), ...notYet]
}

const notYet: readonly GasFigure[] = [
  {
    field: 'spanDispute',
    gas: null,
    limit: 500_000,
    note: 'spans are disputed against suffix indexes, which no model has yet',
  },
  { field: 'oneStepMax', gas: null, limit: 3_000_000, note: 'one-step proofs come with the inference dispute' },
]

const batchItems = 1000

async function contributions(): Promise<GasFigure[]> {
  const chain = await MoneyChain.create()
  const [owner, author] = [chain.actor('datanet owner'), chain.actor('author')]
  const word = (n: number) => `0x${n.toString(16).padStart(64, 'a')}`
  await chain.send(owner, 'DatanetRegistry', 'create', [0, 0, word(1), word(2), 10n ** 15n, word(3)])
  await chain.send(owner, 'DatanetRegistry', 'setStatus', [1n, 2])
  const submit = (n: number) =>
    chain.send(author, 'DatanetRegistry', 'submit', [1n, word(n), word(n + 1), 0xff], { value: 10n ** 15n })
  await submit(10)
  const single = await submit(20)
  const items = [1n, word(30), batchItems] as const
  const batch = await chain.send(author, 'DatanetRegistry', 'submitBatch', items, {
    value: 10n ** 15n * BigInt(batchItems),
  })
  return [
    { field: 'contribution', gas: Number(single.gas), note: 'one item with its bond, not the first of its Datanet' },
    { field: 'contributionBatched', gas: Number(batch.gas) / batchItems, note: `an item of a batch of ${batchItems}` },
  ]
}
