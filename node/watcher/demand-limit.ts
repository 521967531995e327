/** Leaves that a watcher asks for of one batch in all: what it pays for answers has an end. */
export const demandsMax = 256
/** The same of an epoch: rounds of `leavesPerRound`. */
export const epochDemandsMax = 512
/** Leaves asked for at once while there is time to ask again: a wrong one is found in about log₂ n of them. */
export const probeLeaves = 4

/** Requests close after the first third of the window: shares of it in which a file is waited for, and in which leaves are probed. */
const graceShare = 12n
const probeShare = 6n
const closeShare = 3n

/** Evidence of one batch, and leaves of outputs and prompts, that is waited for at once: each is prepaid. */
export const openMax = 64

export type DemandClock = {
  /** Unix seconds of the chain. */
  readonly now: bigint
  /** When the window began. */
  readonly start: bigint
  /** Seconds. */
  readonly window: bigint
  readonly hasFile: boolean
}

/**
 * How many leaves to ask for now. A file that nobody has may be on its way: a twelfth of the window is left for that. Then a
 * few leaves are asked for at a time, as answers come; from a sixth on half of what is left of the budget at once, since who
 * answers at the last moment leaves no other round. Receipts are due an eighth of the window after they were asked for, so that what
 * they name can be asked for then.
 */
export function demandLimit(
  { now, start, window, hasFile }: DemandClock,
  { made, open }: { readonly made: number; readonly open: number },
): number {
  if (now >= start + window / closeShare) return 0
  if (!hasFile && now < start + window / graceShare) return 0
  const left = Math.max(demandsMax - made, 0)
  if (now >= start + window / probeShare) return Math.ceil(left / 2)
  return Math.min(Math.max(probeLeaves - open, 0), left)
}

/**
 * How much evidence to ask for now, of which `open` is waited for. Only a receipt that says other than its output makes is asked about, and
 * what was prepaid for evidence that nobody shows comes back. So from a sixth of the window on, all is asked for: who hides more than
 * {@link openMax} at once hides it in vain.
 */
export function evidenceLimit({ now, start, window }: Omit<DemandClock, 'hasFile'>, open: number): number {
  if (now >= start + window / closeShare) return 0
  return now >= start + window / probeShare ? Number.POSITIVE_INFINITY : Math.max(0, openMax - open)
}
