import { resolve } from 'node:path'
import { systemClock } from '../../common/clock.ts'
import { UsageError } from '../../common/errors.ts'
import { asHttpUrls, asPort, asText, asUrl } from '../../common/flag-parsers.ts'
import { startIndexer } from '../../indexer/indexer.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { atHandFlags } from '../explain/at-hand-flags.ts'
import { untilAborted } from '../until-aborted.ts'

export const command = defineCommand({
  summary:
    'Follows a node over JSON-RPC and serves Datanets, contributions, models, workers, receipts, payouts with their claims, and blocks through GraphQL at /graphql.',
  flags: {
    datadir: { help: 'directory of the index', value: 'DIR', parse: asText },
    l2: { help: "the node's eth_ JSON-RPC", value: 'URL', parse: asUrl },
    'l2.ws': { help: 'its WebSocket, for quicker news of heads', value: 'URL', parse: asUrl },
    'content.dir': {
      help: 'content store with the contributed texts and the data of batches and epochs',
      value: 'DIR',
      parse: asText,
    },
    'content.peers': {
      help: 'nodes that are asked for data of batches and epochs that is not there',
      value: 'URLS',
      parse: asHttpUrls,
    },
    ...atHandFlags,
    'http.addr': { help: 'address of the GraphQL server', value: 'HOST', parse: asText, default: '127.0.0.1' },
    'http.port': { help: 'port of the GraphQL server', value: 'PORT', parse: asPort, default: '8080' },
  },
  run: async ({ flags, log, signal }) => {
    const { datadir, l2 } = flags
    if (datadir === undefined) throw new UsageError('--datadir is required')
    if (l2 === undefined) throw new UsageError('--l2 is required')
    const indexer = await startIndexer(
      {
        dataDir: resolve(datadir),
        l2Url: l2,
        l2WsUrl: flags['l2.ws'],
        contentDir: flags['content.dir'],
        contentPeers: flags['content.peers'],
        // Looked into whenever an answer is explained: they may fill up later.
        folders: { indexes: flags.indexes, models: flags.models ?? [] },
        host: flags['http.addr'],
        port: flags['http.port'],
      },
      { log, clock: systemClock },
    )
    try {
      await Promise.race([indexer.finished, untilAborted(signal)])
    } finally {
      await indexer.stop()
    }
    return exitCodes.ok
  },
})
