import { type Consent, consentAll, encodeConsent, permissions, purposes } from '../../protocol/datanets/consent.ts'
import { optional } from './action.ts'
import { fileArg, textArg } from './arg-kinds.ts'
import { contentArgs } from './content-places.ts'

const consentForm = `all, or PURPOSE:PERMISSION of ${purposes.join(', ')} and ${permissions.join(', ')}`

/** A contribution as users give it: a file, what its author allows, its metadata. */
export const itemArgs = {
  file: fileArg('what is contributed'),
  consent: {
    help: `what its author allows: ${consentForm}`,
    value: 'all|PURPOSE:PERMISSION,…',
    parse: asConsent,
    default: 'all',
  },
  source: textArg('where it comes from'),
  use: textArg('what it is for'),
  schema: optional(textArg('how its content is made up')),
  context: optional(textArg('in what context it stands')),
  'content.dir': contentArgs['content.dir'],
}

export type ItemValues = {
  readonly file: string
  readonly consent: number
  readonly source: string
  readonly use: string
  readonly schema: string | undefined
  readonly context: string | undefined
  readonly 'content.dir': string | undefined
}

function asConsent(text: string): number {
  if (text === 'all') return consentAll
  const consent: Record<string, string> = {}
  for (const each of text.split(',')) {
    const [purpose = '', permission = ''] = each.trim().split(':')
    if (!purposes.includes(purpose as never) || !permissions.includes(permission as never)) {
      throw new Error(`must be ${consentForm}`)
    }
    consent[purpose] = permission
  }
  return encodeConsent(consent as Consent)
}
