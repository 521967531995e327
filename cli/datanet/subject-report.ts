import { UsageError } from '../../common/errors.ts'
import { asAddress, asSwitch, asText } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { defineCommand, exitCodes } from '../command.ts'

const flags = {
  address: { help: 'the account (required)', value: 'ADDRESS', parse: asAddress },
  graphql: { help: 'GraphQL of an indexer', value: 'URL', parse: asText, default: 'http://127.0.0.1:8080/graphql' },
  json: { help: 'everything, in JSON', parse: asSwitch, default: 'false' },
} as const satisfies FlagTable

export const subjectReportCommand = defineCommand({
  summary:
    'Lists all that is known of a person: contributions with consent, decisions and withdrawals, the versions they stand in, models trained on those, receipts and amounts. docs/LICENCES.md',
  positionals: '',
  positionalsMax: 0,
  flags,
  run: async ({ flags: { address, graphql, json }, print }) => {
    if (address === undefined) throw new UsageError('--address is required')
    const { subjectReport } = await import('./ask-subject-report.ts')
    const { formatOpen } = await import('../money/values.ts')
    const report = await subjectReport(graphql, address)
    if (json) {
      print(JSON.stringify(report))
      return exitCodes.ok
    }
    for (const { contribution, consent, withdrawnFrom, versions, models, receiptCount, amount } of report.items) {
      const said = consent.filter(({ permission }) => permission !== 'unspecified')
      const words = [
        `contribution ${contribution.id} to Datanet ${contribution.datanet.id}: ${contribution.status}`,
        `content ${contribution.contentHash}`,
        `consent ${said.map(({ purpose, permission }) => `${purpose} ${permission}`).join(', ') || 'unspecified'}`,
        ...(withdrawnFrom === null ? [] : [`withdrawn from version ${withdrawnFrom} on`]),
        `in versions ${versions.join(', ') || 'none'}`,
        `models ${models.join(', ') || 'none'}`,
        `${receiptCount} receipts, ${formatOpen(BigInt(amount))} OPEN`,
      ]
      print(words.join('; '))
    }
    if (report.unlistedVersions.length > 0) {
      print(`not told: versions ${report.unlistedVersions.join(', ')}, whose lists the indexer does not have`)
    }
    print(`${report.items.length} contributions, ${formatOpen(BigInt(report.amount))} OPEN`)
    return exitCodes.ok
  },
})
