import { brotliDecompressSync, inflateSync } from 'node:zlib'
import { decodeBatch, readChannelBatch } from '../../../protocol/batch.ts'
import { decodeBlob } from '../../../protocol/blob-codec.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { brotliVersion } from '../../../protocol/channel-compression.ts'
import { type Frame, parseFrames } from '../../../protocol/frame.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import type { InteropNet } from '../net.ts'
import type { Peer } from '../rollup-status.ts'

type L1Tx = {
  readonly hash: Hex
  readonly from: Hex
  readonly to: Hex | null
  readonly nonce: Hex
  readonly type: Hex
  readonly input: Hex
  readonly blobVersionedHashes?: readonly Hex[]
}
type L2Block = {
  readonly hash: Hex
  readonly timestamp: Hex
  readonly parentHash: Hex
  readonly transactions: readonly {
    readonly hash: Hex
    readonly from: Hex
    readonly type: Hex
    readonly to?: Hex | null
  }[]
}

/** A batcher transaction as L1 has it. */
export type Posted = { readonly tx: L1Tx; readonly blobs: readonly Hex[]; readonly frames: readonly Frame[] }

/** Every batcher transaction on L1, in order, with its blobs as the beacon API gives them. */
export async function postedTransactions(net: InteropNet): Promise<readonly Posted[]> {
  const head = Number(await net.anvil.rpc.request('eth_blockNumber'))
  const found: Posted[] = []
  for (let number = 0; number <= head; number++) {
    const at = [`0x${number.toString(16)}`, true]
    const block = (await net.anvil.rpc.request('eth_getBlockByNumber', at)) as {
      readonly transactions: readonly L1Tx[]
    }
    for (const tx of block.transactions.filter(({ to }) => to === net.rollupConfig.batchInboxAddress)) {
      const blobs = tx.type === '0x3' ? await blobsOf(net, number, tx) : []
      const items = tx.type === '0x3' ? blobs.map((blob) => decodeBlob(hexToBytes(blob))) : [hexToBytes(tx.input)]
      found.push({ tx, blobs, frames: items.flatMap(parseFrames) })
    }
  }
  return found
}

async function blobsOf(net: InteropNet, number: number, tx: L1Tx): Promise<readonly Hex[]> {
  const [block, first] = (await Promise.all(
    [number, 0].map((n) => net.anvil.rpc.request('eth_getBlockByNumber', [`0x${n.toString(16)}`, false])),
  )) as { readonly timestamp: Hex }[]
  const slot = Number(block?.timestamp) - Number(first?.timestamp)
  const query = (tx.blobVersionedHashes ?? []).join(',')
  const answer = await fetch(`${net.beacon.url}/eth/v1/beacon/blobs/${slot}?versioned_hashes=${query}`)
  return ((await answer.json()) as { readonly data: readonly Hex[] }).data
}

/**
 * A vector of a channel that lies whole in one batcher transaction. What a reader must find stands in `expected`, taken
 * from the L2 chain that the batcher posted, not from the channel.
 */
export async function channelVector(
  net: InteropNet,
  sequencer: Peer,
  posted: Posted,
): Promise<Record<string, unknown>> {
  const { tx, blobs, frames } = posted
  const channel = concatBytes(...frames.map(({ data }) => data))
  const isBrotli = channel[0] === brotliVersion
  const plain = new Uint8Array(isBrotli ? brotliDecompressSync(channel.subarray(1)) : inflateSync(channel))
  const batches = batchesOf(plain)
  const { l2ChainId, blockTime, genesis } = net.rollupConfig
  const span = batches.find((batch) => batch[0] === 1)
  return {
    params: { l2ChainId: Number(l2ChainId), genesisL2Time: Number(genesis.l2Time), blockTime: Number(blockTime) },
    ...(tx.type === '0x3'
      ? {
          channel: bytesToHex(channel),
          versionedHashes: tx.blobVersionedHashes,
          blobs: blobs.map(withoutTrailingZeros),
        }
      : { rawTx: await net.anvil.rpc.request('eth_getRawTransactionByHash', [tx.hash]) }),
    expected: {
      ...(tx.type === '0x3'
        ? {}
        : {
            txHash: tx.hash,
            sender: tx.from,
            nonce: Number(tx.nonce),
            to: tx.to,
            calldataLength: tx.input.length / 2 - 1,
          }),
      frames: frames.map(({ channelId, frameNumber, data, isLast }) => ({
        channelId,
        frameNumber,
        dataLength: data.length,
        isLast,
      })),
      compression: isBrotli ? 'brotli' : 'zlib',
      decompressedLength: plain.length,
      decompressedKeccak: keccakHex(plain),
      batchVersions: batches.map((batch) => batch[0]),
      ...(span === undefined ? {} : { span: await spanOf(net, sequencer, span) }),
    },
  }
}

function batchesOf(plain: Uint8Array): Uint8Array[] {
  const batches: Uint8Array[] = []
  for (let next = readChannelBatch(plain, 0); next !== undefined; next = readChannelBatch(plain, next.end)) {
    batches.push(next.data)
  }
  return batches
}

/** From the batch only which blocks it holds; everything else from the chain. */
async function spanOf(net: InteropNet, sequencer: Peer, span: Uint8Array): Promise<Record<string, unknown>> {
  const decoded = decodeBatch(span)
  if (decoded.kind !== 'raw-span') throw new Error('no span batch')
  const { relTimestamp, blockCount } = decoded.raw
  const first = Number(relTimestamp / net.rollupConfig.blockTime)
  const numbers = Array.from({ length: Number(blockCount) }, (_, i) => first + i)
  const blocks = await Promise.all(numbers.map((number) => l2Block(sequencer, number)))
  const origins = await Promise.all([first - 1, ...numbers].map((number) => l1Origin(sequencer, number)))
  const users = blocks.map(({ transactions }) => transactions.filter(({ type }) => type !== '0x7e'))
  const all = users.flat()
  const last = origins.at(-1)
  return {
    relTimestamp: Number(relTimestamp),
    lastL1OriginNum: last?.number,
    parentCheck: blocks[0]?.parentHash.slice(0, 42),
    l1OriginCheck: last?.hash.slice(0, 42),
    blockCount: blocks.length,
    originBits: numbers.map((_, i) => (origins[i]?.number === origins[i + 1]?.number ? '0' : '1')).join(''),
    totalTxs: all.length,
    contractCreations: all.filter(({ to }) => to === null || to === undefined).length,
    blocks: blocks.map(({ timestamp }, i) => ({
      timestamp: Number(timestamp),
      l1OriginNum: origins[i + 1]?.number,
      originBit: origins[i]?.number === origins[i + 1]?.number ? 0 : 1,
      txCount: users[i]?.length,
      txHashes: users[i]?.map(({ hash }) => hash),
      senders: users[i]?.map(({ from }) => from),
    })),
  }
}

async function l2Block(peer: Peer, number: number): Promise<L2Block> {
  return (await peer.eth.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, true])) as L2Block
}

async function l1Origin(peer: Peer, number: number): Promise<{ readonly number: number; readonly hash: Hex }> {
  const output = (await peer.rollup.request('optimism_outputAtBlock', [`0x${number.toString(16)}`])) as {
    readonly blockRef: { readonly l1origin: { readonly number: number; readonly hash: Hex } }
  }
  return output.blockRef.l1origin
}

const withoutTrailingZeros = (blob: Hex): Hex => blob.replace(/(00)+$/, '') as Hex
