import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../common/errors.ts'
import { asAddress, asSwitch } from '../../common/flag-parsers.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asHash } from '../money/parsers.ts'

export const verifyAnswerFile = defineCommand({
  summary:
    'Verifies an answer file with nothing but its bytes, and shows the answer, whom it pays, and the L1 block that it leads to. Exit code 1 where a byte is not as it was written.',
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
      const shown = answerShown(verifyAnswer(bytes, { l1Hash: flags['l1-hash'], oracle: flags.oracle }))
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

function read(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (cause) {
    throw new UsageError(`${path} cannot be read: ${errorMessage(cause)}`, { cause })
  }
}
