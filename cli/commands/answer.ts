import { exportAnswer } from '../answer/export.ts'
import { verifyAnswerFile } from '../answer/verify.ts'
import type { CommandGroup } from '../command.ts'

export const command: CommandGroup = {
  summary: 'Answer files: an answer with all proofs in one file, verified without a network. docs/ANSWER-FILE.md.',
  actions: { export: exportAnswer, verify: verifyAnswerFile },
}
