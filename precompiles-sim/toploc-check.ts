import { compareToploc, type ToplocDistance } from '../protocol/toploc.ts'
import { type Arguments, abiPrecompile, customError, encodeResults } from './abi.ts'

/** How far committed activations are from recomputed ones. Twin of contracts/src/precompiles/ToplocCheck.sol. */
export const toplocCheck = abiPrecompile('ToplocCheck', '0x4f4c000000000000000000000000000000000014', [
  {
    signature: 'check(uint16,bytes,bytes,(uint16,uint32,uint32))',
    words: 6,
    run(args, _call, gas) {
      const modulus = Number(args.uint(0, 16))
      const coeffs = args.bytes(1)
      const points = args.bytes(2)
      gas.charge(baseGas)
      if (modulus === 0) throw customError('BadModulus()')
      const shaped = coeffs.length % 2 === 0 && points.length % 6 === 0 && coeffs.length >= 2 && points.length >= 6
      if (!shaped || coeffs.length > 2 * countMax || points.length > 6 * countMax) {
        throw customError('BadShape(uint256,uint256)', BigInt(coeffs.length), BigInt(points.length))
      }
      const terms = (coeffs.length / 2) * (points.length / 6)
      gas.charge(comparisonGas + gasPerTerm * terms)
      const { expHits, meanMilli, medianMilli } = compareToploc(modulus, coeffs, points)
      const pass = holds({ expHits, meanMilli, medianMilli }, args)
      return encodeResults(BigInt(expHits), BigInt(meanMilli), BigInt(medianMilli), pass)
    },
  },
])

const baseGas = 100
const comparisonGas = 2_900
const gasPerTerm = 2
/** Coefficients, and points, at most. */
const countMax = 1_024
/** Solidity reads a threshold only when those before it hold, and refuses its dirty bits only then. */
function holds({ expHits, meanMilli, medianMilli }: ToplocDistance, args: Arguments): boolean {
  return expHits >= args.uint(3, 16) && meanMilli <= args.uint(4, 32) && medianMilli <= args.uint(5, 32)
}
