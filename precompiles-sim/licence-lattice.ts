import { clashes, clashOf, usesMask } from '../protocol/licences/lattice.ts'
import { type Terms, termsMask } from '../protocol/licences/terms.ts'
import { abiPrecompile, customError, encodeResults } from './abi.ts'

/** Whether what is made from works may have its terms. Twin of contracts/src/precompiles/LicenceLattice.sol. */
export const licenceLattice = abiPrecompile('LicenceLattice', '0x4f4c000000000000000000000000000000000019', [
  {
    signature: 'check(uint8[],uint8,uint8)',
    words: 3,
    run(args, _call, gas) {
      const parents = args.uints(0, 8)
      const [child, uses] = [args.uint(1, 8), args.uint(2, 8)]
      gas.charge(baseGas)
      if (uses === 0n || uses > BigInt(usesMask)) throw customError('BadUses(uint8)', uses)
      const childTerms = termsOf(child)
      for (let at = 0; at < parents.length; at++) {
        gas.charge(gasPerWork)
        const clash = clashOf(termsOf(parents.at(at)), childTerms, Number(uses))
        if (clash !== undefined) return encodeResults(false, BigInt(clashes.indexOf(clash)), BigInt(at))
      }
      return encodeResults(true, 0n, 0n)
    },
  },
  {
    signature: 'join(uint8[])',
    words: 1,
    run(args, _call, gas) {
      const terms = args.uints(0, 8)
      gas.charge(baseGas)
      let all = 0
      for (let at = 0; at < terms.length; at++) {
        gas.charge(gasPerWork)
        all |= termsOf(terms.at(at))
      }
      return encodeResults(BigInt(all))
    },
  },
])

const baseGas = 200
const gasPerWork = 50

function termsOf(value: bigint): Terms {
  if (value > BigInt(termsMask)) throw customError('BadTerms(uint8)', value)
  return Number(value)
}
