import { abiPrecompile, customError, encodeResults } from './abi.ts'

/** How similar two MinHash signatures are. Twin of contracts/src/precompiles/MinHashSim.sol. */
export const minHashSim = abiPrecompile('MinHashSim', '0x4f4c000000000000000000000000000000000017', [
  {
    signature: 'similarity(bytes,bytes)',
    words: 2,
    run(args, _call, gas) {
      const a = args.bytes(0)
      const b = args.bytes(1)
      gas.charge(baseGas)
      if (a.length !== signatureBytes || b.length !== signatureBytes) {
        throw customError('BadLength(uint256,uint256)', BigInt(a.length), BigInt(b.length))
      }
      gas.charge(compareGas)
      return encodeResults(BigInt(similarityOf(a, b)))
    },
  },
])

const baseGas = 100
const compareGas = 300
const entries = 128
const signatureBytes = 4 * entries
const entryOfNothing = 0xffff_ffff

/** ⌊10,000 · equal entries / 128⌋ of two encoded signatures; the entry of a text without terms equals nothing. */
export function similarityOf(a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [viewOf(a), viewOf(b)]
  let equal = 0
  for (let at = 0; at < signatureBytes; at += 4) {
    const entry = left.getUint32(at)
    if (entry === right.getUint32(at) && entry !== entryOfNothing) equal++
  }
  return Math.floor((10_000 * equal) / entries)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
