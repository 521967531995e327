import { readFileSync } from 'node:fs'
import type { AtHandChecks } from '../../attribution/answer-file/check-at-hand.ts'
import type { VerifiedAnswer } from '../../attribution/answer-file/verify-answer.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asAddress, asSwitch, asText } from '../../common/flag-parsers.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asHash } from '../money/parsers.ts'
import { asList } from '../worker/lists.ts'

export const verifyAnswerFile = defineCommand({
  summary:
    'Verifies an answer file with nothing but its bytes, and shows the answer, whom it pays, the L1 block that it leads to, and what a file cannot show. Exit code 1 where a byte is not as it was written.',
  positionals: 'FILE',
  positionalsMax: 1,
  flags: {
    'l1-hash': {
      help: 'hash of the L1 block that you trust; absent: the one it leads to is shown',
      value: 'HASH',
      parse: asHash,
    },
    oracle: {
      help: 'the oracle of the rollup that you mean; absent: the one it is of is shown',
      value: 'ADDRESS',
      parse: asAddress,
    },
    indexes: {
      help: 'folder with the model’s suffix indexes (.oli): shows also that nothing better was left out of the words',
      value: 'DIR',
      parse: asText,
    },
    models: {
      help: 'folders with the model (.olm), the adapter (.ola) and the table of influences (.olt): computes also the query of the answer again, and all products',
      value: 'DIR,…',
      parse: asList,
      many: true,
    },
    json: { help: 'one JSON object on standard output, amounts in wei', parse: asSwitch, default: 'false' },
  },
  run: async ({ flags, positionals: [path], print }) => {
    if (path === undefined) throw new UsageError('which file? openledger answer verify FILE')
    const [{ AnswerFileError }, { verifyAnswer }, { answerShown }, { toJson, toLines }] = await Promise.all([
      import('../../attribution/answer-file/answer-error.ts'),
      import('../../attribution/answer-file/verify-answer.ts'),
      import('./show.ts'),
      import('../money/values.ts'),
    ])
    const bytes = read(path)
    try {
      const verified = verifyAnswer(bytes, { l1Hash: flags['l1-hash'], oracle: flags.oracle })
      const shown = answerShown(verified, await checkAtHand(verified, flags))
      if (flags.json) print(toJson(shown))
      else for (const line of toLines(shown)) print(line)
      return exitCodes.ok
    } catch (error) {
      if (!(error instanceof AnswerFileError)) throw error
      process.stderr.write(`openledger: ${path} does not hold, ${error.code}: ${error.message}\n`)
      return exitCodes.failed
    }
  },
})

/** Computes again what the folders have the files for. Throws UsageError where one of them is not there. */
async function checkAtHand(
  verified: VerifiedAnswer,
  { indexes, models }: { readonly indexes: string | undefined; readonly models: readonly string[] | undefined },
): Promise<AtHandChecks> {
  const [checks, { indexesIn }, { QueryMaker }, { GradientFolders }, { IndexError }] = await Promise.all([
    import('../../attribution/answer-file/check-at-hand.ts'),
    import('../explain/at-hand.ts'),
    import('../../attribution/influences/query-maker.ts'),
    import('../../attribution/influences/gradient-folders.ts'),
    import('../../attribution/indexes/index-error.ts'),
  ])
  if (indexes !== undefined) {
    const found = indexesIn(indexes)
    const set = checks.indexesNamed(verified).map((id) => {
      const index = found.get(id)
      if (index === undefined) throw new UsageError(`the index ${id} is not in --indexes`)
      return index
    })
    checks.checkWordsAtHand(verified, set)
  }
  try {
    if (models !== undefined) checks.checkGradientAtHand(verified, new QueryMaker(new GradientFolders(models)))
  } catch (cause) {
    if (!(cause instanceof IndexError)) throw cause
    throw new UsageError(`${cause.message}; look at --models`, { cause })
  }
  return { words: indexes !== undefined, gradient: models !== undefined }
}

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}`, { cause })
  }
}
