import { bytesToBigint, bytesToHex, type Hex } from './bytes.ts'

/** A call that another call carries in its arguments. */
export type InnerCall = { readonly to?: Hex | undefined; readonly data: Uint8Array }

/**
 * Calls carried by ERC-4337 `handleOps` (EntryPoint 0.6 to 0.8), Safe `execTransaction`, Multicall3 and ERC-7821/7579
 * `execute`. Arguments that are not as the ABI wants them carry none; a suffix behind the arguments does no harm.
 */
export function innerCalls(_to: Hex | undefined, data: Uint8Array): readonly InnerCall[] {
  if (data.length < 4) return []
  const read = readers[bytesToHex(data.subarray(0, 4))]
  if (read === undefined) return []
  try {
    return read(new Abi(data.subarray(4)))
  } catch (error) {
    if (error instanceof AbiError) return []
    throw error
  }
}

/** By selector; signatures as the contracts publish them. */
const readers: Readonly<Record<string, (abi: Abi) => InnerCall[]>> = {
  // handleOps((address,uint256,bytes,bytes,uint256,uint256,uint256,uint256,uint256,bytes,bytes)[],address): EntryPoint 0.6
  '0x1fad948c': (abi) => userOperations(abi),
  // handleOps((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes)[],address): EntryPoint 0.7 and 0.8
  '0x765e827f': (abi) => userOperations(abi),
  // execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)
  '0x6a761202': (abi) => [{ to: abi.address(0), data: abi.bytes(2) }],
  // aggregate((address,bytes)[])
  '0x252dba42': (abi) => abi.array(0).map((call) => ({ to: call.address(0), data: call.bytes(1) })),
  // tryAggregate(bool,(address,bytes)[])
  '0xbce38bd7': (abi) => abi.array(1).map((call) => ({ to: call.address(0), data: call.bytes(1) })),
  // tryBlockAndAggregate(bool,(address,bytes)[])
  '0x399542e9': (abi) => abi.array(1).map((call) => ({ to: call.address(0), data: call.bytes(1) })),
  // blockAndAggregate((address,bytes)[])
  '0xc3077fa9': (abi) => abi.array(0).map((call) => ({ to: call.address(0), data: call.bytes(1) })),
  // aggregate3((address,bool,bytes)[])
  '0x82ad56cb': (abi) => abi.array(0).map((call) => ({ to: call.address(0), data: call.bytes(2) })),
  // aggregate3Value((address,bool,uint256,bytes)[])
  '0x174dea71': (abi) => abi.array(0).map((call) => ({ to: call.address(0), data: call.bytes(3) })),
  // execute(bytes32,bytes): ERC-7821 and ERC-7579
  '0xe9ae5c53': (abi) => executions(abi),
}

/** Operations and calls one argument list may have. */
const arrayItemsMax = 1024

function userOperations(abi: Abi): InnerCall[] {
  // callData is the fourth field in every version; its sender is whose account runs it.
  return abi.array(0).map((operation) => ({ to: operation.address(0), data: operation.bytes(3) }))
}

/** ERC-7579 mode byte 0: 0x01 a batch `(address,uint256,bytes)[]`, 0x00 one packed call. ERC-7821 batches are the former. */
function executions(abi: Abi): InnerCall[] {
  const mode = abi.word(0)[0]
  const data = abi.bytes(1)
  if (mode === 0x01) {
    return new Abi(data).array(0).map((call) => ({ to: call.address(0), data: call.bytes(2) }))
  }
  if (mode !== 0x00 || data.length < 52) return []
  return [{ to: bytesToHex(data.subarray(0, 20)), data: data.subarray(52) }]
}

class AbiError extends Error {}

/** ABI-encoded arguments, or a tuple in them; offsets are relative to its beginning. */
class Abi {
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  word(index: number): Uint8Array {
    return this.#slice(32 * index, 32)
  }

  address(index: number): Hex {
    return bytesToHex(this.word(index).subarray(12))
  }

  /** The dynamic byte string whose offset stands at word `index`. */
  bytes(index: number): Uint8Array {
    const at = this.#offset(index)
    return this.#slice(at + 32, this.#number(at))
  }

  /** The dynamic array of dynamic tuples whose offset stands at word `index`. */
  array(index: number): Abi[] {
    const at = this.#offset(index)
    const length = this.#number(at)
    if (length > arrayItemsMax) throw new AbiError(`array of ${length} items`)
    const items = new Abi(this.#bytes.subarray(at + 32))
    return Array.from({ length }, (_, i) => new Abi(items.#bytes.subarray(items.#offset(i))))
  }

  #offset(index: number): number {
    const offset = this.#number(32 * index)
    if (offset > this.#bytes.length) throw new AbiError('offset past the end')
    return offset
  }

  #number(at: number): number {
    const value = bytesToBigint(this.#slice(at, 32))
    if (value > BigInt(this.#bytes.length)) throw new AbiError('length past the end')
    return Number(value)
  }

  #slice(at: number, length: number): Uint8Array {
    if (at + length > this.#bytes.length) throw new AbiError('arguments are cut short')
    return this.#bytes.subarray(at, at + length)
  }
}
