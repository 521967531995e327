import { nearDuplicates } from '../datanet/near-duplicates.ts'
import { open } from '../datanet/open.ts'
import { outliers } from '../datanet/outliers.ts'
import { seal } from '../datanet/seal.ts'
import { search } from '../datanet/search.ts'
import { croissant, statement } from '../datanet/statement.ts'
import { subjectReportCommand } from '../datanet/subject-report.ts'
import { accessTable } from '../money/access-table.ts'
import { credentialTable } from '../money/credential-table.ts'
import { datanetTable } from '../money/datanet-table.ts'
import { describeTable } from '../money/describe-table.ts'
import { disputeTable } from '../money/dispute-table.ts'
import { gateTable } from '../money/gate-table.ts'
import { moneyCommands } from '../money/money-commands.ts'
import { reviewTable } from '../money/review-table.ts'
import { signatureTable } from '../money/signature-table.ts'
import { unitsTable } from '../money/units-table.ts'

const summary =
  'Datanets: creating and governing them, contributing, deciding, publishing versions; searching their texts with citations, finding near-duplicates and outliers among them. docs/DATANETS.md says how.'

export const command = {
  summary,
  actions: {
    search,
    'near-duplicates': nearDuplicates,
    outliers,
    croissant,
    statement,
    'subject-report': subjectReportCommand,
    seal,
    open,
    ...moneyCommands(summary, {
      ...datanetTable,
      ...describeTable,
      ...unitsTable,
      ...accessTable,
      ...gateTable,
      ...credentialTable,
      ...reviewTable,
      ...disputeTable,
      ...signatureTable,
    }).actions,
  },
}
