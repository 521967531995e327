import { type Abi, encodeAbiParameters, encodeFunctionData } from 'viem'
import { predeploys } from '../../contracts/addresses.ts'
import { packageContract } from '../../genesis/package-contracts.ts'
import { bytesToHex, type Hex, hexToBytes, zeroAddress, zeroHash } from '../../protocol/bytes.ts'
import type { LedgerChain } from './ledger-chain.ts'
import type { Actor, MoneyChain } from './money-chain.ts'

type Log = { readonly topics: readonly Hex[]; readonly data: Hex }
/** Sends a transaction that must not fail; what it logged. */
type Send = (from: Actor, to: Hex, data: Hex) => Promise<readonly Log[]>

export type Said = {
  readonly schema: Hex
  readonly recipient: Hex
  readonly by: Actor
  /** Unix seconds; 0: never. */
  readonly expirationTime?: bigint
  readonly data?: Hex
}

/** The attestation service that stands at its predeploys. */
export class Eas {
  readonly #send: Send

  private constructor(send: Send) {
    this.#send = send
  }

  static on(chain: MoneyChain): Eas {
    return new Eas(async (from, to, data) => {
      const { execResult } = await chain.evm.send(to, hexToBytes(data), { from: from.address })
      if (execResult.exceptionError !== undefined) throw new Error(`to ${to}: ${bytesToHex(execResult.returnValue)}`)
      return (execResult.logs ?? []).map(([, topics, logged]) => ({
        topics: topics.map(bytesToHex),
        data: bytesToHex(logged),
      }))
    })
  }

  static served(chain: LedgerChain): Eas {
    return new Eas(async (from, to, data) => {
      const { txHash } = await chain.sendRaw(from, to, hexToBytes(data))
      return ((await chain.rpc.request('eth_getTransactionReceipt', [txHash])) as { logs: Log[] }).logs
    })
  }

  async registerSchema(text: string, by: Actor): Promise<Hex> {
    const logs = await this.#call('SchemaRegistry', 'register', [text, zeroAddress, true], by)
    return logs[0]?.topics[1] ?? zeroHash
  }

  /** The uid. */
  async attest({ schema, recipient, by, expirationTime = 0n, data = '0x' }: Said): Promise<Hex> {
    const said = { recipient, expirationTime, revocable: true, refUID: zeroHash, data, value: 0n }
    const logs = await this.#call('EAS', 'attest', [{ schema, data: said }], by)
    return logs[0]?.data ?? zeroHash
  }

  async revoke(schema: Hex, uid: Hex, by: Actor): Promise<void> {
    await this.#call('EAS', 'revoke', [{ schema, data: { uid, value: 0n } }], by)
  }

  #call(contract: 'EAS' | 'SchemaRegistry', functionName: string, args: readonly unknown[], by: Actor) {
    const abi = packageContract(contract).abi as Abi
    const to = contract === 'EAS' ? predeploys.eas : predeploys.schemaRegistry
    return this.#send(by, to, encodeFunctionData({ abi, functionName, args }))
  }
}

/** What an attestation to a milestone says. */
export const ofMilestone = (grant: bigint, milestone: bigint): Hex =>
  encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [grant, milestone])
