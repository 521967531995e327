/** A worker's host that serves one file. Told a path, says its address and the file's hash. */
import { readFile } from 'node:fs/promises'
import { account, addressOfWorker, bookOf, startWorkerNode } from '../../test/fakes/worker-net.ts'

process.once('message', async (path: string) => {
  const book = bookOf([account(1).address], [account(100).address])
  const node = await startWorkerNode('worker', 1, book)
  const proofHash = await node.store.put(new Uint8Array(await readFile(path)))
  process.send?.({ address: addressOfWorker(node), proofHash })
})
process.once('disconnect', () => process.exit())
