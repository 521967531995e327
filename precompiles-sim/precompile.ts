import type { Hex } from '../protocol/bytes.ts'

/** A custom precompile: the exact twin of the bytecode that stands at its address in genesis. */
export type Precompile = {
  readonly name: string
  readonly address: Hex
  /** Returns the output. Throws {@link Revert}, {@link Halt} or {@link OutOfGas}. */
  run(call: PrecompileCall, gas: GasMeter): Promise<Uint8Array>
}

/** What the code at the address would see. */
export type PrecompileCall = {
  readonly input: Uint8Array
  readonly caller: Hex
  /** Wei sent along. */
  readonly value: bigint
  readonly isStatic: boolean
  readonly state: PrecompileState
}

/** Storage of the account whose code runs; charges what the same opcode costs (EIP-2929, EIP-2200, EIP-1153). */
export type PrecompileState = {
  load(slot: bigint, gas: GasMeter): Promise<bigint>
  store(slot: bigint, value: bigint, gas: GasMeter): Promise<void>
  transientLoad(slot: bigint, gas: GasMeter): bigint
  transientStore(slot: bigint, value: bigint, gas: GasMeter): void
}

/** How a call ended. */
export type PrecompileResult =
  | { readonly kind: 'return'; readonly output: Uint8Array; readonly gasUsed: bigint }
  | { readonly kind: 'revert'; readonly output: Uint8Array; readonly gasUsed: bigint }
  | { readonly kind: 'halt' | 'out of gas'; readonly gasUsed: bigint }

/** Runs a precompile within `gasLimit`. */
export async function runPrecompile(
  precompile: Precompile,
  call: PrecompileCall,
  gasLimit: bigint,
): Promise<PrecompileResult> {
  const gas = new GasMeter(gasLimit)
  try {
    const output = await precompile.run(call, gas)
    return { kind: 'return', output, gasUsed: gas.used }
  } catch (error) {
    if (error instanceof Revert) return { kind: 'revert', output: error.data, gasUsed: gas.used }
    if (error instanceof Halt) return { kind: 'halt', gasUsed: gasLimit }
    if (error instanceof OutOfGas) return { kind: 'out of gas', gasUsed: gasLimit }
    throw error
  }
}

/** Counts gas; work is paid for before it is done. */
export class GasMeter {
  readonly limit: bigint
  used = 0n

  constructor(limit: bigint) {
    this.limit = limit
  }

  /** Throws {@link OutOfGas}. */
  charge(amount: number | bigint): void {
    const used = this.used + BigInt(amount)
    if (used > this.limit) throw new OutOfGas('out of gas')
    this.used = used
  }
}

/** The call reverts with this data; the rest of its gas goes back. */
export class Revert extends Error {
  override name = 'Revert'
  readonly data: Uint8Array

  constructor(data: Uint8Array) {
    super('reverted')
    this.data = data
  }
}

/** An exceptional halt: a write in a static call. All gas is gone. */
export class Halt extends Error {
  override name = 'Halt'
}

export class OutOfGas extends Error {
  override name = 'OutOfGas'
}
