import type { AbiFunction, AbiParameter } from 'viem'
import { loadArtifact } from '../../contracts/artifact.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { MoneyContract } from './money-chain.ts'
import type { Random } from './random.ts'

export type ChaosCall = {
  readonly contract: MoneyContract
  readonly functionName: string
  readonly args: readonly unknown[]
  readonly isPayable: boolean
}

/**
 * Calls of any function of the contracts with arguments that are random, or were seen in calls that went through, whole
 * or with one field changed. Needs to know nothing of what the contracts mean.
 */
export class ChaosCalls {
  readonly #random: Random
  readonly #functions: readonly (readonly [MoneyContract, AbiFunction])[]
  /** Values by what the compiler calls their type. */
  readonly #seen = new Map<string, unknown[]>()
  readonly #addresses: readonly Hex[]

  constructor(random: Random, contracts: readonly MoneyContract[], addresses: readonly Hex[]) {
    this.#random = random
    this.#addresses = addresses
    this.#functions = contracts.flatMap((contract) => functionsOf(contract).map((entry) => [contract, entry] as const))
  }

  /** Keeps the arguments of a call for later ones. */
  remember(contract: MoneyContract, functionName: string, args: readonly unknown[]): void {
    const found = this.#functions.find(([name, entry]) => name === contract && entry.name === functionName)
    for (const [i, input] of found?.[1].inputs.entries() ?? []) this.#rememberValue(input, args[i])
  }

  next(): ChaosCall {
    const [contract, { name, inputs, stateMutability }] = this.#random.pick(this.#functions)
    const args = inputs.map((input) => this.#value(input))
    return { contract, functionName: name, args, isPayable: stateMutability === 'payable' }
  }

  #rememberValue(input: AbiParameter, value: unknown): void {
    const kind = kindOf(input)
    const values = this.#seen.get(kind) ?? []
    // Newer values replace older ones at random, so that both are met.
    if (values.length < seenMax) values.push(value)
    else values[this.#random.int(seenMax)] = value
    this.#seen.set(kind, values)
    const components = componentsOf(input)
    if (components === undefined) return
    for (const each of Array.isArray(value) ? value : [value]) {
      for (const field of components) this.#rememberValue(field, (each as Record<string, unknown>)[field.name ?? ''])
    }
  }

  #value(input: AbiParameter): unknown {
    const seen = this.#seen.get(kindOf(input))
    const components = componentsOf(input)
    if (seen !== undefined && this.#random.chance(0.8)) {
      const value = this.#random.pick(seen)
      const isStruct = components !== undefined && !Array.isArray(value)
      return isStruct && this.#random.chance(0.3) ? this.#changed(components, value as Record<string, unknown>) : value
    }
    return this.#fresh(input)
  }

  #changed(components: readonly AbiParameter[], value: Record<string, unknown>): Record<string, unknown> {
    const field = this.#random.pick(components)
    return { ...value, [field.name ?? '']: this.#value(field) }
  }

  #fresh(input: AbiParameter): unknown {
    const array = /^(.*)\[(\d*)\]$/.exec(input.type)
    if (array !== null) {
      const internalType = String((input as { internalType?: string }).internalType).replace(/\[\d*\]$/, '')
      const item = { ...input, type: array[1] ?? '', internalType } as AbiParameter
      const length = array[2] === '' ? this.#random.int(4) : Number(array[2])
      return this.#random.list(length, () => this.#value(item))
    }
    const components = componentsOf(input)
    if (components !== undefined) {
      return Object.fromEntries(components.map((field) => [field.name ?? '', this.#value(field)]))
    }
    return this.#word(input.type)
  }

  #word(type: string): unknown {
    const random = this.#random
    if (type === 'address') return random.pick(this.#addresses)
    if (type === 'bool') return random.chance(0.5)
    if (type === 'string') return random.pick(['', 'app_one', 'x'.repeat(40)])
    if (type === 'bytes') return bytesToHex(random.bytes(random.int(4) * 48))
    const [, bytes] = /^bytes(\d+)$/.exec(type) ?? []
    if (bytes !== undefined) return bytesToHex(random.bytes(Number(bytes)))
    const bits = Number(/^uint(\d+)$/.exec(type)?.[1])
    const value = random.chance(0.6) ? BigInt(random.int(6)) : random.big(bits)
    return bits <= 48 ? Number(value) : value
  }
}

const seenMax = 64

function kindOf({ type, internalType, name }: AbiParameter): string {
  return type.startsWith('tuple') ? String(internalType) : `${type} ${name ?? ''}`
}

function componentsOf(input: AbiParameter): readonly AbiParameter[] | undefined {
  return (input as { readonly components?: readonly AbiParameter[] }).components
}

function functionsOf(contract: MoneyContract): AbiFunction[] {
  const abi = loadArtifact(contract).abi as unknown as readonly AbiFunction[]
  const changes = ({ type, stateMutability }: AbiFunction) =>
    type === 'function' && (stateMutability === 'payable' || stateMutability === 'nonpayable')
  return abi.filter(changes)
}
