import { bytesToHex, equalBytes, type Hex, quantity } from '../../../../../protocol/bytes.ts'
import type { TouchedAccount, TouchedState } from '../../chain-view.ts'
import type { ExecutionTracer } from './execution-tracer.ts'

type Slots = Record<Hex, Hex>
type Shown = { balance?: Hex; nonce?: number; code?: Hex; storage?: Slots }

/** geth's prestateTracer: the state an execution needs, or with `diffMode` what it changed. */
export function prestateTracer({ diffMode }: { readonly diffMode: boolean }): ExecutionTracer {
  return {
    // The chain records what was touched for any tracer.
    listener: {},
    result: ({ touched }) => (diffMode ? difference(touched) : before(touched)),
  }
}

function before(touched: readonly TouchedAccount[]): Record<Hex, Shown> {
  return Object.fromEntries(
    touched.map((account) => {
      const storage = slots(account, ({ before }) => bytesToHex(before))
      return [bytesToHex(account.address), { ...whole(account.before), ...storageField(storage) }]
    }),
  )
}

function difference(touched: readonly TouchedAccount[]): { pre: Record<Hex, Shown>; post: Record<Hex, Shown> } {
  const pre: Record<Hex, Shown> = {}
  const post: Record<Hex, Shown> = {}
  for (const account of touched) {
    const changed = slots(account, (slot) =>
      equalBytes(slot.before, slot.after) ? undefined : bytesToHex(slot.before),
    )
    // A slot that ends as zero is shown before only, as geth does.
    const left = slots(account, ({ before, after }) =>
      equalBytes(before, after) || after.every((byte) => byte === 0) ? undefined : bytesToHex(after),
    )
    const fields = changedFields(account)
    if (Object.keys(fields).length === 0 && Object.keys(changed).length === 0) continue
    const address = bytesToHex(account.address)
    if (account.before !== undefined) pre[address] = { ...whole(account.before), ...storageField(changed) }
    if (account.after !== undefined) post[address] = { ...fields, ...storageField(left) }
  }
  return { pre, post }
}

function whole(state: TouchedState | undefined): Shown {
  if (state === undefined) return { balance: '0x0' }
  return {
    balance: quantity(state.balance),
    ...(state.nonce === 0n ? {} : { nonce: Number(state.nonce) }),
    ...(state.code.length === 0 ? {} : { code: bytesToHex(state.code) }),
  }
}

function changedFields({ before, after }: TouchedAccount): Shown {
  if (after === undefined) return before === undefined ? {} : { balance: '0x0' }
  return {
    ...(before?.balance === after.balance ? {} : { balance: quantity(after.balance) }),
    ...((before?.nonce ?? 0n) === after.nonce ? {} : { nonce: Number(after.nonce) }),
    ...(equalBytes(before?.code ?? new Uint8Array(0), after.code) ? {} : { code: bytesToHex(after.code) }),
  }
}

function slots(
  { storage }: TouchedAccount,
  shown: (slot: { readonly before: Uint8Array; readonly after: Uint8Array }) => Hex | undefined,
): Slots {
  const entries = [...storage].flatMap(([slot, values]) => {
    const value = shown(values)
    return value === undefined ? [] : [[slot, value] as const]
  })
  return Object.fromEntries(entries)
}

function storageField(storage: Slots): Shown {
  return Object.keys(storage).length === 0 ? {} : { storage }
}
