import { abiPrecompile, customError, encodeResults } from './abi.ts'

/** Dot product of two int8 vectors. Twin of contracts/src/precompiles/InfluenceDot.sol. */
export const influenceDot = abiPrecompile('InfluenceDot', '0x4f4c000000000000000000000000000000000016', [
  {
    signature: 'dot(bytes,bytes)',
    words: 2,
    run(args, _call, gas) {
      const g = args.bytes(0)
      const q = args.bytes(1)
      gas.charge(baseGas)
      if (g.length !== q.length)
        throw customError('LengthMismatch(uint256,uint256)', BigInt(g.length), BigInt(q.length))
      if (g.length > lengthMax) throw customError('TooLong(uint256)', BigInt(g.length))
      gas.charge(Math.ceil(g.length / componentsPerGas))
      return encodeResults(BigInt(dotInt8(g, q)))
    },
  },
])

const baseGas = 200
const componentsPerGas = 8
/** Beyond this length 2^14 · length no longer fits an int32. */
const lengthMax = 131_071

/** Dot product of vectors of signed bytes, of one length. */
export function dotInt8(g: Uint8Array, q: Uint8Array): number {
  const a = new Int8Array(g.buffer, g.byteOffset, g.length)
  const b = new Int8Array(q.buffer, q.byteOffset, q.length)
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}
