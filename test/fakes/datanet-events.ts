import { type AbiEvent, encodeAbiParameters, encodeEventTopics, keccak256, toHex } from 'viem'
import { codeRegistryAbi } from '../../contracts/abi/code-registry.ts'
import { datanetRegistryAbi } from '../../contracts/abi/datanet-registry.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { FakeLog } from './indexed-chain.ts'

type Values = Readonly<Record<string, unknown>>

/** An event as the DatanetRegistry emits it, encoded by viem from the contract's ABI. */
export const datanetEvent = (name: string, values: Values): FakeLog =>
  contractEvent(datanetRegistryAbi as readonly unknown[], openLedgerPredeploys.datanetRegistry, name, values)

export const codeEvent = (name: string, values: Values): FakeLog =>
  contractEvent(codeRegistryAbi as readonly unknown[], openLedgerPredeploys.codeRegistry, name, values)

export const word = (text: string): Hex => keccak256(toHex(text))

/** An event as a contract of that interface emits it. */
export function contractEvent(abi: readonly unknown[], address: Hex, name: string, values: Values): FakeLog {
  const item = abi.find((one) => (one as AbiEvent).type === 'event' && (one as AbiEvent).name === name) as
    | AbiEvent
    | undefined
  if (item === undefined) throw new Error(`the contract has no event ${name}`)
  const topics = encodeEventTopics({ abi: [item], eventName: name, args: values }) as Hex[]
  const plain = item.inputs.filter((input) => input.indexed !== true)
  // What a test does not say is zero.
  const data = encodeAbiParameters(
    plain,
    plain.map(({ name: field = '', type }) => values[field] ?? (type.startsWith('bytes') ? zeroHash : 0)),
  )
  return { address, topics, data }
}
