/**
 * A chain of contributions behind JSON-RPC, in a process of its own. Usage: indexer-chain.ts BLOCKS EVENTS_PER_BLOCK.
 * Prints its URL. `bench_firstBlock` answers when a block was asked for first, in milliseconds since 1970.
 */
import { bytesToHex, concatBytes, quantity } from '../../protocol/bytes.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import { datanetEvent, word } from '../../test/fakes/datanet-events.ts'
import { address, type FakeTx, IndexedChain } from '../../test/fakes/indexed-chain.ts'

const authors = 100
const datanets = 10
const [blocks = 0, eventsPerBlock = 0] = process.argv.slice(2).map(Number)

const chain = await IndexedChain.start()
let firstBlock: number | undefined
chain.intercept = (method, result) => {
  if (method === 'eth_getBlockByNumber') firstBlock ??= Date.now()
  return result
}
chain.methods['bench_firstBlock'] = () => firstBlock
chain.methods['eth_getBlockByHash'] = ([hash]) => chain.blocks.find((block) => block.json['hash'] === hash)?.json
chain.methods['eth_getLogs'] = ([filter]) => {
  const { fromBlock, toBlock, blockHash } = filter as Record<string, string>
  const range = blockHash === undefined ? chain.blocks.slice(Number(fromBlock), Number(toBlock) + 1) : chain.blocks
  const wanted = range.filter((block) => blockHash === undefined || block.json['hash'] === blockHash)
  return wanted.flatMap((block) => block.receipts.flatMap((receipt) => receipt['logs']))
}

const input = bytesToHex(concatBytes(Uint8Array.of(1, 2, 3, 4), encodeSuffix({ code: 'bench' })))
chain.mine(Array.from({ length: datanets }, (_, i) => createDatanet(BigInt(i + 1))))
for (let block = 0; block < blocks; block++) {
  chain.mine(Array.from({ length: eventsPerBlock }, (_, i) => contribution(block * eventsPerBlock + i)))
}
// A client that only takes final blocks sees every contribution too.
for (let i = 0; i < 40; i++) chain.mine([])
chain.finalized = chain.head.number - 1
for (const block of chain.blocks) complete(block)
process.stdout.write(`${chain.url}\n`)

function createDatanet(id: bigint): FakeTx {
  const values = { id, owner: address(1), mediaType: 0, licenceId: word('licence'), metaHash: word(`meta ${id}`) }
  return { logs: [datanetEvent('DatanetCreated', values)] }
}

function contribution(index: number): FakeTx {
  const author = address(0x1000 + (index % authors))
  const contribId = BigInt(index + 1)
  const [contentHash, simHash] = [word(`text ${index}`), word('similar')]
  const values = { id: BigInt(1 + (index % datanets)), contribId, author, contentHash, simHash, consent: 3, bond: 5n }
  return { from: author, to: address(5), input, logs: [datanetEvent('ContributionSubmitted', values)] }
}

/** Fields that a node shows and an index of ours does not read. */
function complete({ json, receipts }: (typeof chain.blocks)[number]): void {
  const { hash: blockHash, number: blockNumber } = json
  Object.assign(json, { size: '0x400', totalDifficulty: '0x0', uncles: [] })
  for (const [i, tx] of (json['transactions'] as Record<string, unknown>[]).entries()) {
    const place = { blockHash, blockNumber, transactionIndex: quantity(i), transactionHash: tx['hash'] }
    const signature = { v: '0x0', r: '0x1', s: '0x1', yParity: '0x0' }
    Object.assign(tx, { ...place, ...signature, gas: '0x5208', gasPrice: '0x7', chainId: quantity(chain.chainId) })
    const logs = receipts[i]?.['logs'] as Record<string, unknown>[] | undefined
    for (const log of logs ?? []) Object.assign(log, { ...place, removed: false })
  }
}
