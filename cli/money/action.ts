import type { MoneyContract } from '../../chain/ledger/money-contracts.ts'
import type { Flag, FlagTable } from '../../common/flags.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** An argument is a flag; it must be given unless it has a default or is optional. */
export type Arg<T> = Flag<T> & { readonly optional?: true }
// biome-ignore lint/suspicious/noExplicitAny: the table's rows differ in T; ArgValues recovers each.
export type ArgTable = Readonly<Record<string, Arg<any>>>
export type ArgValues<Table extends ArgTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { optional: true }
    ? ReturnType<Table[Name]['parse']> | undefined
    : ReturnType<Table[Name]['parse']>
}

/** What an action or query may ask while it is prepared. */
export type ChainAccess = {
  readonly chainId: bigint
  /** Whoever signs; of a dry run or query also an address without key. Throws UsageError where none is given. */
  readonly sender: () => Hex
  /** Signs a digest with the sender's key, `r ‖ vs`. Throws UsageError where there is no key. */
  readonly sign: (digest: Uint8Array) => Uint8Array
  readonly request: (method: string, params?: readonly unknown[]) => Promise<unknown>
  /** What a view returns, as viem decodes it. */
  readonly read: (contract: MoneyContract, functionName: string, args?: readonly unknown[]) => Promise<unknown>
  /** Unix seconds of the newest block. */
  readonly now: () => Promise<bigint>
  /** Says something for people to read, which is not part of the result. */
  readonly note: (text: string) => void
  readonly signal: AbortSignal
}

/** A call ready to be sent. */
export type Prepared = {
  readonly args: readonly unknown[]
  /** wei sent along. */
  readonly value?: bigint
  /** What is left to do once the transaction is mined; lines for the reader. */
  readonly afterwards?: () => Promise<readonly string[]>
}

/** One thing a user does to a contract. Parsing, help, docs, dry run and sending follow from it. */
export type Action = {
  readonly summary: string
  readonly contract: MoneyContract
  readonly functionName: string
  readonly args: ArgTable
  readonly prepare: (values: ArgValues<ArgTable>, chain: ChainAccess) => Prepared | Promise<Prepared>
}

/** Something read, or made and signed, without a transaction. */
export type Query = {
  readonly summary: string
  readonly args: ArgTable
  /** Fields that are shown, or the JSON that is written. */
  readonly read: (values: ArgValues<ArgTable>, chain: ChainAccess) => Promise<unknown>
  /** Its result is a file for somebody else: JSON, written to `--out`. */
  readonly makesFile: boolean
}

/** Ties an action's arguments to the types that `prepare` sees. */
export function action<Table extends ArgTable>(
  contract: MoneyContract,
  functionName: string,
  summary: string,
  args: Table,
  prepare: (values: ArgValues<Table>, chain: ChainAccess) => Prepared | Promise<Prepared>,
): Action {
  // The values come from this very table.
  return { contract, functionName, summary, args, prepare: prepare as Action['prepare'] }
}

export function query<Table extends ArgTable>(
  summary: string,
  args: Table,
  read: (values: ArgValues<Table>, chain: ChainAccess) => Promise<unknown>,
): Query {
  return { summary, args, read: read as Query['read'], makesFile: false }
}

/** A query whose result is signed or packed for somebody else. */
export function paper<Table extends ArgTable>(
  summary: string,
  args: Table,
  make: (values: ArgValues<Table>, chain: ChainAccess) => Promise<unknown>,
): Query {
  return { summary, args, read: make as Query['read'], makesFile: true }
}

/** The flags of arguments; help says which must be given. */
export function argFlags(args: ArgTable): FlagTable {
  return Object.fromEntries(
    Object.entries(args).map(([name, { optional, ...flag }]) => {
      const isRequired = optional !== true && flag.default === undefined
      return [name, isRequired ? { ...flag, help: `${flag.help} (required)` } : flag]
    }),
  )
}

export function optional<T>(flag: Flag<T>): Arg<T> & { readonly optional: true } {
  return { ...flag, optional: true }
}
