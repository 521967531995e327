import { abiPrecompile, customError, encodeResults } from './abi.ts'

/** The one rounding rule of every split. Twin of contracts/src/precompiles/ProRata.sol. */
export const proRata = abiPrecompile('ProRata', '0x4f4c000000000000000000000000000000000015', [
  {
    signature: 'split(uint256,uint64[])',
    words: 2,
    run(args, _call, gas) {
      const pool = args.uint(0, 256)
      const list = args.uints(1, 64)
      gas.charge(baseGas)
      const weights: bigint[] = []
      for (let i = 0; i < list.length; i++) {
        gas.charge(gasPerWeight)
        weights.push(list.at(i))
      }
      const split = splitProRata(pool, weights)
      if (split === undefined) throw customError('NoWeight()')
      return encodeResults(split.amounts, split.dust)
    },
  },
])

const baseGas = 100
const gasPerWeight = 40

/**
 * `⌊pool · weight / Σ weights⌋` for each weight, and what is left, less than the number of weights. Undefined where the
 * weights sum to nothing.
 */
export function splitProRata(
  pool: bigint,
  weights: readonly bigint[],
): { readonly amounts: bigint[]; readonly dust: bigint } | undefined {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  if (total === 0n) return undefined
  const amounts = weights.map((weight) => (pool * weight) / total)
  return { amounts, dust: amounts.reduce((rest, amount) => rest - amount, pool) }
}
