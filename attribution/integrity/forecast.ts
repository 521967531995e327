/** Wei of one payee in the next epochs together: half of the trials earn less than `middle`, a fortieth less than `low` or more than `high`. */
export type Forecast = { readonly low: bigint; readonly middle: bigint; readonly high: bigint }

/** Of fewer epochs nothing is said. */
export const epochsMin = 8
/** Older ones say little of the next. */
export const epochsMax = 90
/** Epochs ahead, at most: with the trials some ms of work, which an indexer does for anybody. */
export const aheadMax = 90
const trials = 500

/**
 * What a payee may earn in the next `ahead` epochs, by what it earned in each of the last ones, oldest first. Block bootstrap, twice: a
 * past is drawn from the past in blocks, and a future from it, so that little data gives a wide interval. Undefined for too
 * few epochs. Same input, same forecast. docs/INTEGRITY.md §3.
 */
export function forecast(earned: readonly bigint[], ahead: number): Forecast | undefined {
  if (!Number.isInteger(ahead) || ahead < 1 || ahead > aheadMax) throw new RangeError(`${ahead} epochs ahead`)
  const past = earned.slice(-epochsMax)
  if (past.length < epochsMin) return undefined
  const block = Math.max(1, Math.round(Math.cbrt(past.length)))
  const draw = drawing()
  const sums = Array.from({ length: trials }, () => {
    const likely = drawBlocks(past, past.length, block, draw)
    return drawBlocks(likely, ahead, block, draw).reduce((sum, each) => sum + each, 0n)
  }).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const at = (share: number) => sums[Math.floor(share * (trials - 1))] as bigint
  return { low: at(0.025), middle: at(0.5), high: at(0.975) }
}

/** Runs of `block` from anywhere in a ring of the values, until there are `count`. */
function drawBlocks(
  values: readonly bigint[],
  count: number,
  block: number,
  draw: (below: number) => number,
): bigint[] {
  const drawn: bigint[] = []
  while (drawn.length < count) {
    const start = draw(values.length)
    for (let i = 0; i < block && drawn.length < count; i++) drawn.push(values[(start + i) % values.length] as bigint)
  }
  return drawn
}

/** xorshift32 from a fixed seed. */
function drawing(): (below: number) => number {
  let state = 0x9e37_79b9
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
