import { type GasMeter, Halt, type PrecompileState } from './precompile.ts'

/** What a slot of the account holds before the call. */
export type ReadSlot = (slot: bigint) => Promise<bigint>

/** Storage for one call outside of any EVM: reads go to `read`, writes stay here. Charges warm prices. */
export class DetachedState implements PrecompileState {
  readonly #read: ReadSlot
  readonly #isStatic: boolean
  readonly #written = new Map<bigint, bigint>()
  readonly #transient = new Map<bigint, bigint>()

  constructor(read: ReadSlot, isStatic: boolean) {
    this.#read = read
    this.#isStatic = isStatic
  }

  /** Slots that the call wrote. */
  get written(): ReadonlyMap<bigint, bigint> {
    return this.#written
  }

  async load(slot: bigint, gas: GasMeter): Promise<bigint> {
    gas.charge(warmGas)
    return this.#written.get(slot) ?? (await this.#read(slot))
  }

  async store(slot: bigint, value: bigint, gas: GasMeter): Promise<void> {
    this.#refuseStatic()
    gas.charge(warmGas)
    this.#written.set(slot, value)
  }

  transientLoad(slot: bigint, gas: GasMeter): bigint {
    gas.charge(warmGas)
    return this.#transient.get(slot) ?? 0n
  }

  transientStore(slot: bigint, value: bigint, gas: GasMeter): void {
    this.#refuseStatic()
    gas.charge(warmGas)
    this.#transient.set(slot, value)
  }

  #refuseStatic(): void {
    if (this.#isStatic) throw new Halt('a write in a static call')
  }
}

/** EIP-2929. */
const warmGas = 100
