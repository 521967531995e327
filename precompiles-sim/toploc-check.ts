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
/** The field of TOPLOC's polynomials. */
const field = 65_497
/** What mean and median are where no exponent agrees. */
const noHit = 0xffff_ffff

/** Errors in thousandths of a unit of the 7-bit mantissa. */
export type ToplocDistance = { readonly expHits: number; readonly meanMilli: number; readonly medianMilli: number }

/** Solidity reads a threshold only when those before it hold, and refuses its dirty bits only then. */
function holds({ expHits, meanMilli, medianMilli }: ToplocDistance, args: Arguments): boolean {
  return expHits >= args.uint(3, 16) && meanMilli <= args.uint(4, 32) && medianMilli <= args.uint(5, 32)
}

/**
 * Compares a TOPLOC commitment (arXiv 2501.16007) with recomputed activations.
 * `coeffs`: u16 each, the constant first. `points`: (index u32 ‖ bf16 bits u16) each.
 */
export function compareToploc(modulus: number, coeffs: Uint8Array, points: Uint8Array): ToplocDistance {
  const polynomial = Array.from({ length: coeffs.length / 2 }, (_, i) => uint16(coeffs, 2 * i))
  const errors: number[] = []
  const view = new DataView(points.buffer, points.byteOffset, points.length)
  for (let at = 0; at < points.length; at += 6) {
    const committed = evaluate(polynomial, view.getUint32(at) % modulus)
    const actual = view.getUint16(at + 4)
    if (exponent(committed) === exponent(actual)) errors.push(Math.abs(mantissa(committed) - mantissa(actual)))
  }
  const expHits = errors.length
  if (expHits === 0) return { expHits, meanMilli: noHit, medianMilli: noHit }
  errors.sort((a, b) => a - b)
  const sum = errors.reduce((total, error) => total + error, 0)
  const middles = (errors[(expHits - 1) >> 1] ?? 0) + (errors[expHits >> 1] ?? 0)
  return { expHits, meanMilli: Math.floor((1_000 * sum) / expHits), medianMilli: 500 * middles }
}

/** Horner's rule. */
function evaluate(polynomial: readonly number[], x: number): number {
  return polynomial.reduceRight((y, coefficient) => (y * x + coefficient) % field, 0)
}

const exponent = (bits: number): number => (bits >> 7) & 0xff
const mantissa = (bits: number): number => bits & 0x7f

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}
