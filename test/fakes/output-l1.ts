import { encodeFunctionResult, parseAbi, toFunctionSelector } from 'viem'
import { outputSlots } from '../../attribution/answer-file/slots.ts'
import { RpcServer } from '../../common/json-rpc-server.ts'
import { silentLog } from '../../common/log.ts'
import { bytesToHex, emptyBytes, type Hex, hexToBytes, quantity, uintBytes } from '../../protocol/bytes.ts'
import { type Header, headerHash } from '../../protocol/header.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { emptyCodeHash, emptyOmmersHash, emptyTrieRoot } from '../../protocol/trie-root.ts'
import type { LedgerChain } from './ledger-chain.ts'
import { proveTrie } from './trie-prover.ts'

const abi = parseAbi([
  'function latestOutputIndex() view returns (uint256)',
  'function getL2Output(uint256 l2OutputIndex) view returns ((bytes32 outputRoot, uint128 timestamp, uint128 l2BlockNumber))',
])
const messagePasser: Hex = '0x4200000000000000000000000000000000000016'
const zeros = (length: number) => new Uint8Array(length)

/** An L1 of one block whose state has an oracle with one output: that of an L2's newest block. */
export class OutputL1 {
  readonly oracle: Hex = `0x${'0c'.repeat(20)}`
  readonly hash: Hex
  readonly #header: Header
  readonly #account: readonly Uint8Array[]
  readonly #slots: ReadonlyMap<Hex, readonly Uint8Array[]>
  readonly #output: { readonly outputRoot: Hex; readonly timestamp: bigint; readonly l2BlockNumber: bigint }
  #server: RpcServer | undefined

  private constructor(outputRoot: Hex, l2BlockNumber: bigint) {
    this.#output = { outputRoot, timestamp: 77n, l2BlockNumber }
    const slots = outputSlots(0n)
    const words = [BigInt(outputRoot), (l2BlockNumber << 128n) | 77n]
    const storage = slots.map((slot, i) => [keccak256(slot), rlpEncode(rlpUint(words[i] as bigint))] as const)
    const { root } = proveTrie(storage, keccak256(slots[0] as Uint8Array))
    this.#slots = new Map(slots.map((slot) => [bytesToHex(slot), proveTrie(storage, keccak256(slot)).proof]))
    const account = rlpEncode([uintBytes(1, 1), emptyBytes, root, emptyCodeHash])
    const key = keccak256(hexToBytes(this.oracle))
    const state = proveTrie(
      [
        [key, account],
        [keccak256(zeros(20)), account],
      ],
      key,
    )
    this.#account = state.proof
    this.#header = headerOn(state.root)
    this.hash = bytesToHex(headerHash(this.#header))
  }

  static async of(chain: LedgerChain): Promise<OutputL1> {
    const { header, hash } = chain.chain.latest()
    const at = quantity(header.number)
    const { storageHash } = (await chain.rpc.request('eth_getProof', [messagePasser, [], at])) as { storageHash: Hex }
    const output = { stateRoot: bytesToHex(header.stateRoot), withdrawalStorageRoot: storageHash, blockHash: hash }
    return new OutputL1(outputRootV0(output), header.number)
  }

  /** The URL of its JSON-RPC. */
  async serve(): Promise<string> {
    const methods = {
      eth_call: ([{ data }]: readonly unknown[] & [{ data: Hex }]) => this.#call(data),
      eth_getBlockByNumber: () => blockOf(this.#header),
      eth_getProof: ([, slots]: readonly unknown[]) => ({
        accountProof: this.#account.map(bytesToHex),
        storageProof: (slots as Hex[]).map((slot) => ({ proof: (this.#slots.get(slot) ?? []).map(bytesToHex) })),
      }),
    }
    this.#server = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: methods as never, log: silentLog })
    return `http://127.0.0.1:${await this.#server.start()}`
  }

  async close(): Promise<void> {
    await this.#server?.stop()
  }

  #call(data: Hex): Hex {
    return data.startsWith(toFunctionSelector('latestOutputIndex()'))
      ? encodeFunctionResult({ abi, functionName: 'latestOutputIndex', result: 0n })
      : encodeFunctionResult({ abi, functionName: 'getL2Output', result: this.#output })
  }
}

function headerOn(stateRoot: Uint8Array): Header {
  return {
    ...{ parentHash: zeros(32), ommersHash: emptyOmmersHash, coinbase: zeros(20), stateRoot },
    ...{ transactionsRoot: emptyTrieRoot, receiptsRoot: emptyTrieRoot, logsBloom: zeros(256), difficulty: 0n },
    ...{ number: 12n, gasLimit: 30_000_000n, gasUsed: 0n, timestamp: 1_700_000_000n, extraData: emptyBytes },
    ...{ prevRandao: zeros(32), nonce: zeros(8), baseFeePerGas: 7n },
  }
}

function blockOf(header: Header): Readonly<Record<string, Hex>> {
  const uint = (value: bigint) => quantity(value)
  return {
    ...{ hash: bytesToHex(headerHash(header)), parentHash: bytesToHex(header.parentHash) },
    ...{ sha3Uncles: bytesToHex(header.ommersHash), miner: bytesToHex(header.coinbase) },
    ...{ stateRoot: bytesToHex(header.stateRoot), transactionsRoot: bytesToHex(header.transactionsRoot) },
    ...{ receiptsRoot: bytesToHex(header.receiptsRoot), logsBloom: bytesToHex(header.logsBloom) },
    ...{ difficulty: uint(header.difficulty), number: uint(header.number), gasLimit: uint(header.gasLimit) },
    ...{ gasUsed: uint(header.gasUsed), timestamp: uint(header.timestamp), extraData: bytesToHex(header.extraData) },
    ...{ mixHash: bytesToHex(header.prevRandao), nonce: bytesToHex(header.nonce) },
    baseFeePerGas: uint(header.baseFeePerGas ?? 0n),
  }
}
