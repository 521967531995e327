import {
  type Abi,
  type AbiEvent,
  type AbiFunction,
  decodeAbiParameters,
  decodeFunctionResult,
  encodeAbiParameters,
  parseAbi,
  toEventSelector,
  toFunctionSelector,
} from 'viem'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { abiOf } from './artifact.ts'

type AbiError = Extract<Abi[number], { type: 'error' }>
type Encoder = { readonly selector: Uint8Array; readonly item: AbiFunction }

/** Calls, errors and events of contracts, whose selectors are hashed once: viem hashes a whole interface at every error. */
export class AbiCodec {
  readonly #functions = new Map<string, Encoder>()
  readonly #errors: ReadonlyMap<Hex, AbiError>
  /** By selector and number of indexed arguments, which contracts may choose differently. */
  readonly #events: ReadonlyMap<string, AbiEvent>

  /** `contracts`: names of artifacts; a call into one may speak through another. */
  constructor(contracts: readonly string[]) {
    const items = contracts.flatMap((name) => abiOf(name)) as unknown as Abi
    const errors = [...standard, ...items].filter((item) => item.type === 'error')
    const events = items.filter((item) => item.type === 'event')
    this.#errors = new Map(errors.map((item) => [selectorOf(item), item]))
    this.#events = new Map(events.map((item) => [`${toEventSelector(item)} ${indexedIn(item)}`, item]))
  }

  encode(contract: string, functionName: string, args: readonly unknown[]): Uint8Array {
    const { selector, item } = this.#function(contract, functionName, args.length)
    return concatBytes(selector, hexToBytes(encodeAbiParameters(item.inputs, args)))
  }

  /** `count`: of the arguments that it was called with, which tells functions of one name apart. */
  result(contract: string, functionName: string, data: Uint8Array, count?: number): unknown {
    const { item } = this.#function(contract, functionName, count)
    return decodeFunctionResult({ abi: [item], data: bytesToHex(data) })
  }

  /** `otherwise`: what to call a revert without data. */
  error(data: Uint8Array, otherwise: string): { readonly error: string; readonly args: readonly unknown[] } {
    if (data.length < 4) return { error: otherwise, args: [] }
    const item = this.#errors.get(bytesToHex(data.subarray(0, 4)))
    if (item === undefined) return { error: bytesToHex(data), args: [] }
    return { error: item.name, args: decodeAbiParameters(item.inputs, bytesToHex(data.subarray(4))) }
  }

  /** Undefined for events that no contract declares. */
  event(topics: readonly Uint8Array[], data: Uint8Array) {
    const [selector, ...words] = topics.map((topic) => bytesToHex(topic))
    const item = this.#events.get(`${selector} ${words.length}`)
    if (item === undefined) return undefined
    const args: Record<string, unknown> = {}
    const body = item.inputs.filter(({ indexed }) => indexed !== true)
    const values = decodeAbiParameters(body, bytesToHex(data))
    for (const [i, { name }] of body.entries()) args[name ?? ''] = values[i]
    for (const [i, input] of item.inputs.filter(({ indexed }) => indexed === true).entries()) {
      const word = words[i] ?? '0x'
      // Of what is longer than a word the topic is the hash.
      const isHash = /^(string|bytes|tuple)$|\]$/.test(input.type)
      args[input.name ?? ''] = isHash ? word : decodeAbiParameters([input], word)[0]
    }
    return { name: item.name, args }
  }

  #function(contract: string, functionName: string, count?: number): Encoder {
    const key = `${contract}.${functionName} ${count}`
    let found = this.#functions.get(key)
    if (found === undefined) {
      const abi = abiOf(contract) as unknown as Abi
      // `queue(uint256)` names one of several functions of a name.
      const isMeant = (each: Abi[number]) =>
        each.type === 'function' &&
        [each.name, `${each.name}(${each.inputs.map(({ type }) => type)})`].includes(functionName)
      const meant = abi.filter(isMeant) as AbiFunction[]
      const item = meant.find(({ inputs }) => inputs.length === count) ?? meant[0]
      if (item === undefined) throw new Error(`${contract} has no function ${functionName}`)
      found = { selector: hexToBytes(toFunctionSelector(item)), item }
      this.#functions.set(key, found)
    }
    return found
  }
}

/** What the language itself reverts with. */
const standard = parseAbi(['error Error(string reason)', 'error Panic(uint256 code)'])

/** An error's selector is made like a function's. */
function selectorOf({ name, inputs }: AbiError): Hex {
  return toFunctionSelector({ type: 'function', name, inputs, outputs: [], stateMutability: 'view' })
}

function indexedIn({ inputs }: AbiEvent): number {
  return inputs.filter(({ indexed }) => indexed === true).length
}
