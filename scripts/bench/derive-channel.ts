/**
 * The measured side of the `derive` bench, a process of its own: decodes one channel again and again and prints the
 * times, as scripts/bench/op-node-derive does with op-node's code. Arguments: channel file, L2 chain id, L2 genesis
 * time, block time, warm-ups, runs.
 */
import { readFileSync } from 'node:fs'
import { decodeBatch, readChannelBatch } from '../../protocol/batch.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import { decompressChannel, rlpBytesPerChannelMaxFjord } from '../../protocol/channel-compression.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { deriveSpanBatch, type SpanBatch, type SpanBatchChain } from '../../protocol/span-batch.ts'

const [channelFile = '', chainId = '', genesisTime = '', blockTime = '', warmUps = '', runs = ''] =
  process.argv.slice(2)
const channel = new Uint8Array(readFileSync(channelFile))
const chain: SpanBatchChain = {
  chainId: BigInt(chainId),
  genesisTimestamp: BigInt(genesisTime),
  blockTime: BigInt(blockTime),
}

const ms: number[] = []
let counts = { batches: 0, blocks: 0, txs: 0, txsKeccak: '' }
for (let i = 0; i < Number(warmUps) + Number(runs); i++) {
  const begin = performance.now()
  const decoded = await decode()
  const took = performance.now() - begin
  if (i >= Number(warmUps)) ms.push(took)
  else counts = count(decoded)
}
process.stdout.write(`${JSON.stringify({ ...counts, ms })}\n`)

/** From compressed bytes to every block with its signed transactions encoded, as the channel reader does it. */
async function decode(): Promise<{ batches: number; spans: SpanBatch[] }> {
  const plain = await decompressChannel(channel, true, rlpBytesPerChannelMaxFjord)
  const spans: SpanBatch[] = []
  let batches = 0
  let next = readChannelBatch(plain, 0)
  while (next !== undefined) {
    const batch = decodeBatch(next.data)
    batches++
    if (batch.kind === 'raw-span') spans.push(deriveSpanBatch(batch.raw, chain))
    next = readChannelBatch(plain, next.end)
  }
  return { batches, spans }
}

function count({ batches, spans }: { batches: number; spans: readonly SpanBatch[] }) {
  const blocks = spans.flatMap((span) => span.blocks)
  const txs = blocks.flatMap((block) => block.transactions)
  return { batches, blocks: blocks.length, txs: txs.length, txsKeccak: keccakHex(concatBytes(...txs)) }
}
