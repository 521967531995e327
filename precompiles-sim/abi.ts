import { bytesToBigint, bytesToHex, concatBytes, emptyBytes, type Hex, uintBytes } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { type GasMeter, type Precompile, type PrecompileCall, Revert } from './precompile.ts'

/** One function of a contract: decodes its arguments, does the work, returns encoded results. */
export type Method = {
  /** As in the ABI: `split(uint256,uint64[])`. */
  readonly signature: string
  /** Head words of the arguments. */
  readonly words: number
  run(args: Arguments, call: PrecompileCall, gas: GasMeter): Uint8Array | Promise<Uint8Array>
}

/** What any call costs, a malformed one too; less than bytecode takes to find its function. */
const dispatchGas = 20

/** A precompile that answers to ABI calls as solc's dispatcher does: what it cannot read reverts without data. */
export function abiPrecompile(name: string, address: Hex, methods: readonly Method[]): Precompile {
  const bySelector = new Map(methods.map((method) => [bytesToHex(selector(method.signature)), method]))
  return {
    name,
    address,
    async run(call, gas) {
      gas.charge(dispatchGas)
      const method = call.input.length < 4 ? undefined : bySelector.get(bytesToHex(call.input.subarray(0, 4)))
      if (method === undefined || call.value !== 0n) throw new Revert(emptyBytes)
      return await method.run(new Arguments(call.input.subarray(4), method.words), call, gas)
    },
  }
}

/**
 * Arguments read as solc 0.8 reads calldata (abi coder v2): offsets and lengths at most 2^64 − 1 and inside of the data, value
 * types without dirty bits. Reading past either reverts without data, at the moment that the bytecode would look.
 */
export class Arguments {
  readonly #data: Uint8Array

  constructor(data: Uint8Array, words: number) {
    if (data.length < 32 * words) throw new Revert(emptyBytes)
    this.#data = data
  }

  /** An unsigned integer at a head word. */
  uint(word: number, bits: number): bigint {
    const value = this.#word(32 * word)
    if (value >> BigInt(bits) !== 0n) throw new Revert(emptyBytes)
    return value
  }

  bytes(word: number): Uint8Array {
    const { start, length } = this.#dynamic(word, 1)
    return this.#data.subarray(start, start + length)
  }

  /** An array of unsigned integers. Solidity looks at its elements only when they are used: so does this. */
  uints(word: number, bits: number): UintArray {
    const { start, length } = this.#dynamic(word, 32)
    return {
      length,
      at: (index) => {
        const value = this.#word(start + 32 * index)
        if (value >> BigInt(bits) !== 0n) throw new Revert(emptyBytes)
        return value
      },
    }
  }

  #word(offset: number): bigint {
    return bytesToBigint(this.#data.subarray(offset, offset + 32))
  }

  #dynamic(word: number, itemBytes: number): { readonly start: number; readonly length: number } {
    const offset = this.#word(32 * word)
    if (offset > uint64Max || offset + 32n > this.#data.length) throw new Revert(emptyBytes)
    const start = Number(offset) + 32
    const length = this.#word(start - 32)
    if (length > uint64Max || BigInt(start) + length * BigInt(itemBytes) > this.#data.length) {
      throw new Revert(emptyBytes)
    }
    return { start, length: Number(length) }
  }
}

/** An array in calldata. */
export type UintArray = { readonly length: number; at(index: number): bigint }

const uint64Max = 2n ** 64n - 1n

/** A result to encode. */
export type Value = bigint | boolean | Uint8Array | readonly bigint[]

/** ABI encoding of results; negative integers in two's complement. */
export function encodeResults(...values: readonly Value[]): Uint8Array {
  const heads: Uint8Array[] = []
  const tails: Uint8Array[] = []
  let tailStart = 32 * values.length
  for (const value of values) {
    if (typeof value === 'bigint' || typeof value === 'boolean') {
      heads.push(wordOf(value))
      continue
    }
    const tail = value instanceof Uint8Array ? encodeBytes(value) : concatWords(value)
    heads.push(uintBytes(tailStart, 32))
    tails.push(tail)
    tailStart += tail.length
  }
  return concatBytes(...heads, ...tails)
}

/** The revert of a custom error with static arguments. */
export function customError(signature: string, ...values: readonly bigint[]): Revert {
  return new Revert(concatBytes(selector(signature), ...values.map(wordOf)))
}

function selector(signature: string): Uint8Array {
  return keccak256(Buffer.from(signature)).subarray(0, 4)
}

function wordOf(value: bigint | boolean): Uint8Array {
  return uintBytes(BigInt.asUintN(256, BigInt(value)), 32)
}

function encodeBytes(value: Uint8Array): Uint8Array {
  const padded = new Uint8Array(32 * Math.ceil(value.length / 32))
  padded.set(value)
  return concatBytes(uintBytes(value.length, 32), padded)
}

function concatWords(values: readonly bigint[]): Uint8Array {
  return concatBytes(uintBytes(values.length, 32), ...values.map(wordOf))
}
