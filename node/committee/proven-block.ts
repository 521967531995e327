import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { predeploys } from '../../contracts/addresses.ts'
import { bytesToHex, FormatError, type Hex, hexToBytes, parseQuantity, quantity } from '../../protocol/bytes.ts'
import { encodeHeader, type Header } from '../../protocol/header.ts'

/** Number of L1Block, in the low 64 bits of this slot. */
const originSlot: Hex = `0x${'00'.repeat(32)}`
const mask = (1n << 64n) - 1n

/** Bytes of a header and of the ways to L1Block's slot, as `drawProven` takes them. */
export type ProvenBlock = {
  readonly header: Hex
  readonly accountProof: readonly Hex[]
  readonly storageProof: readonly Hex[]
}

/** L1 origin of a block, by what its state says. Throws what the RPC throws. */
export async function originAt(rpc: L2Rpc, block: bigint | 'latest'): Promise<bigint> {
  const tag = block === 'latest' ? block : quantity(block)
  const word = (await rpc.request('eth_getStorageAt', [predeploys.l1Block, originSlot, tag])) as string
  return BigInt(word) & mask
}

/** A block whose L1 origin is `origin`, looked for from `latest` back; undefined where none is. Throws what the RPC throws. */
export async function blockOf(rpc: L2Rpc, origin: bigint, latest: bigint): Promise<bigint | undefined> {
  // Origins do not fall: the first block behind those before it.
  let [low, high] = [0n, latest]
  for (let step = 1n; high - low > 1n && low === 0n; step *= 2n) {
    const at = latest > step ? latest - step : 0n
    if ((await originAt(rpc, at)) < origin) low = at
    else high = at
    if (at === 0n) break
  }
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if ((await originAt(rpc, middle)) < origin) low = middle
    else high = middle
  }
  return (await originAt(rpc, high)) === origin ? high : undefined
}

/** Throws what the RPC throws, and FormatError for a block that it has not whole. */
export async function proveOrigin(rpc: L2Rpc, block: bigint): Promise<ProvenBlock> {
  const tag = quantity(block)
  const json = (await rpc.request('eth_getBlockByNumber', [tag, false])) as Record<string, Hex> | null
  if (json === null) throw new FormatError(`there is no block ${block}`)
  const proof = (await rpc.request('eth_getProof', [predeploys.l1Block, [originSlot], tag])) as {
    readonly accountProof: readonly Hex[]
    readonly storageProof: readonly { readonly proof: readonly Hex[] }[]
  }
  return {
    header: bytesToHex(encodeHeader(headerOf(json))),
    accountProof: proof.accountProof,
    storageProof: proof.storageProof[0]?.proof ?? [],
  }
}

function headerOf(json: Readonly<Record<string, Hex>>): Header {
  const bytes = (name: string) => hexToBytes(json[name] ?? '0x')
  const number = (name: string) => parseQuantity(json[name], name)
  const optional = <T>(name: string, read: (name: string) => T) => (json[name] === undefined ? undefined : read(name))
  return {
    parentHash: bytes('parentHash'),
    ommersHash: bytes('sha3Uncles'),
    coinbase: bytes('miner'),
    stateRoot: bytes('stateRoot'),
    transactionsRoot: bytes('transactionsRoot'),
    receiptsRoot: bytes('receiptsRoot'),
    logsBloom: bytes('logsBloom'),
    difficulty: number('difficulty'),
    number: number('number'),
    gasLimit: number('gasLimit'),
    gasUsed: number('gasUsed'),
    timestamp: number('timestamp'),
    extraData: bytes('extraData'),
    prevRandao: bytes('mixHash'),
    nonce: bytes('nonce'),
    baseFeePerGas: optional('baseFeePerGas', number),
    withdrawalsRoot: optional('withdrawalsRoot', bytes),
    blobGasUsed: optional('blobGasUsed', number),
    excessBlobGas: optional('excessBlobGas', number),
    parentBeaconBlockRoot: optional('parentBeaconBlockRoot', bytes),
    requestsHash: optional('requestsHash', bytes),
  }
}
