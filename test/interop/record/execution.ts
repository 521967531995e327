import { execute } from '../../../cli/conformance/execution.ts'
import { MissingNodeError } from '../../../node/engine/embedded/errors.ts'
import { type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { rollupConfigJson } from '../../../protocol/rollup-config-json.ts'
import type { InteropNet } from '../net.ts'
import type { Peer } from '../rollup-status.ts'

type Block = Readonly<Record<string, Hex>> & { readonly transactions: readonly Hex[] }
type Json = Readonly<Record<string, unknown>>

/**
 * A block of op-geth with the state it was executed on: `debug_executionWitness`, and what else our execution reads from
 * op-geth's database. Whatever it is, it has the hash by which it is asked for.
 */
export async function executionVector(net: InteropNet, peer: Peer, number: number): Promise<Record<string, unknown>> {
  const at = (n: number): Hex => `0x${n.toString(16)}`
  const [block, parent] = (await Promise.all(
    [number, number - 1].map((n) => peer.eth.request('eth_getBlockByNumber', [at(n), false])),
  )) as [Block, Block]
  const raw = await Promise.all(
    block.transactions.map((hash) => peer.eth.request('eth_getRawTransactionByHash', [hash])),
  )
  const witness = (await peer.eth.request('debug_executionWitness', [at(number)])) as {
    readonly codes: Readonly<Record<string, Hex>> | readonly Hex[]
    readonly state: Readonly<Record<string, Hex>> | readonly Hex[]
  }
  const preimages = [...valuesOf(witness.state), ...valuesOf(witness.codes)]
  // Version byte, denominator and elasticity, and from Jovian on the minimum base fee.
  const extra = block['extraData'] ?? '0x'
  const vector = {
    blockNumber: number,
    rollupConfig: rollupConfigJson(net.rollupConfig),
    parentHash: parent['hash'],
    parentHeader: headerOf(parent),
    payloadAttributes: {
      timestamp: block['timestamp'],
      prevRandao: block['mixHash'],
      suggestedFeeRecipient: block['miner'],
      parentBeaconBlockRoot: block['parentBeaconBlockRoot'],
      transactions: raw,
      gasLimit: block['gasLimit'],
      eip1559Params: `0x${extra.slice(4, 20)}`,
      ...(extra.length > 20 ? { minBaseFee: Number(`0x${extra.slice(20)}`) } : {}),
    },
    expectedBlockHash: block['hash'],
    expectedHeader: headerOf(block),
    preimages: Object.fromEntries(preimages.map((value) => [keccakHex(hexToBytes(value)), value])),
  }
  return { ...vector, preimages: await completed(vector, peer) }
}

/** More nodes than a block of a few transactions reads. */
const missingMax = 1_000

async function completed(
  vector: Json & { readonly preimages: Readonly<Record<string, string>> },
  peer: Peer,
): Promise<Readonly<Record<string, string>>> {
  const preimages = { ...vector.preimages }
  for (let tries = 0; tries < missingMax; tries++) {
    try {
      await execute({ ...vector, preimages })
      return preimages
    } catch (error) {
      const hash = error instanceof Error ? /0x[0-9a-f]{64}/.exec(error.message)?.[0] : undefined
      if (!(error instanceof Error && error.cause instanceof MissingNodeError) || hash === undefined) throw error
      preimages[hash] = String(await peer.eth.request('debug_dbGet', [hash]))
    }
  }
  throw new Error(`the witness lacks more than ${missingMax} nodes`)
}

const valuesOf = (given: Readonly<Record<string, Hex>> | readonly Hex[]): readonly Hex[] => Object.values(given)

/** The block's JSON without what is not in its header. */
function headerOf(block: Block): Json {
  const { hash, size, transactions, uncles, withdrawals, totalDifficulty, ...header } = block
  return header
}
