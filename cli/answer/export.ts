import { writeFileSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asAddress, asText, asUrl } from '../../common/flag-parsers.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { atHandFlags } from '../explain/at-hand-flags.ts'
import { contentArgs } from '../money/content-places.ts'
import { chainFlags } from '../money/money-flags.ts'

const rpcTimeoutMs = 20_000
/** L1 blocks that may come between what is read of one. */
const attempts = 5

export const exportAnswer = defineCommand({
  summary:
    'Writes one file with an answer, its receipt, whom it pays and why, and all proofs up to an L1 block hash: docs/ANSWER-FILE.md. The file is verified before it is written.',
  flags: {
    receipt: { help: 'the receipt', value: 'BATCH:INDEX', parse: asText },
    out: { help: 'file that is written', value: 'FILE', parse: asText },
    l1: { help: 'eth_ JSON-RPC of the L1', value: 'URL', parse: asUrl },
    oracle: { help: 'the L2OutputOracle of the rollup on L1', value: 'ADDRESS', parse: asAddress },
    ...atHandFlags,
    ...contentArgs,
    ...chainFlags,
  },
  run: async (context) => {
    const { flags, print, signal } = context
    const { receipt, out, l1, oracle } = flags
    const { parseReceiptPlace } = await import('../../attribution/explain/payout-id.ts')
    const place = receipt === undefined ? undefined : parseReceiptPlace(receipt)
    if (place === undefined) throw new UsageError('--receipt BATCH:INDEX is required')
    if (out === undefined) throw new UsageError('--out is required')
    if (l1 === undefined || oracle === undefined) throw new UsageError('--l1 and --oracle are required')
    const [
      { Chain },
      { ContentPlaces },
      { indexesIn, modelsIn },
      { gatherAnswer },
      verifies,
      { answerShown },
      values,
      rpc,
      { QueryMaker },
      { GradientFolders },
    ] = await Promise.all([
      import('../money/chain.ts'),
      import('../money/content-places.ts'),
      import('../explain/at-hand.ts'),
      import('./gather.ts'),
      import('../../attribution/answer-file/verify-answer.ts'),
      import('./show.ts'),
      import('../money/values.ts'),
      import('../../common/json-rpc.ts'),
      import('../../attribution/influences/query-maker.ts'),
      import('../../attribution/influences/gradient-folders.ts'),
    ])
    const parts = {
      chain: await Chain.open(context),
      l1: new rpc.HttpRpcClient({ url: l1, timeoutMs: rpcTimeoutMs, signal }),
      oracle,
      places: new ContentPlaces({ 'content.dir': flags['content.dir'], node: flags.node }),
      indexes: indexesIn(flags.indexes),
      queries: new QueryMaker(new GradientFolders(flags.models ?? [])),
      modelOf: modelsIn(flags.models),
    }
    for (let attempt = 1; ; attempt++) {
      const bytes = await gatherAnswer(place.batchId, place.index, parts)
      try {
        const verified = verifies.verifyAnswer(bytes, { oracle })
        writeFileSync(out, bytes)
        const shown = { file: out, bytes: bytes.length, ...answerShown(verified) }
        if (flags.json) print(values.toJson(shown))
        else for (const line of values.toLines(shown)) print(line)
        return exitCodes.ok
      } catch (error) {
        const { AnswerFileError } = await import('../../attribution/answer-file/answer-error.ts')
        if (!(error instanceof AnswerFileError)) throw error
        // A block of L1 or a batch of outputs may have come between.
        if (attempt < attempts && (error.code === 'l1' || error.code === 'output')) continue
        process.stderr.write(`openledger: not written, ${error.code}: ${error.message}\n`)
        return exitCodes.failed
      }
    }
  },
})
