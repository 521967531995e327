import { convert } from '../model/convert.ts'
import { convertAdapterCommand } from '../model/convert-adapter.ts'
import { exportCommand } from '../model/export.ts'
import { inspect } from '../model/inspect.ts'
import { pool } from '../model/pool.ts'
import { quality } from '../model/quality.ts'
import { run } from '../model/run.ts'
import { shareAdapter } from '../model/share-adapter.ts'
import { train } from '../model/train.ts'
import { verify } from '../model/verify.ts'
import { modelTable } from '../money/model-table.ts'
import { moneyCommands } from '../money/money-commands.ts'
import { sketchTable } from '../money/sketch-table.ts'

const summary =
  'Models: converting, verifying, measuring and running model files, training adapters for them; registering them with what they were made from, versions, prices, evaluations. docs/MODELS.md and docs/MONEY-GUIDE.md show how.'

export const command = {
  summary,
  actions: {
    convert,
    'convert-adapter': convertAdapterCommand,
    verify,
    quality,
    inspect,
    export: exportCommand,
    pool,
    'share-adapter': shareAdapter,
    run,
    train,
    ...moneyCommands(summary, { ...modelTable, ...sketchTable }).actions,
  },
}
