import { asText } from '../common/flag-parsers.ts'
import type { Flag } from '../common/flags.ts'

type KeyFlagName<Prefix extends string> =
  | `${Prefix}private-key`
  | `${Prefix}keystore`
  | `${Prefix}keystore-password-file`
  | `${Prefix}keystore-password`

/** Where the key of an account comes from: an environment variable, or a keystore with its password. */
export function keyFlagsOf<const Prefix extends string>(
  prefix: Prefix,
  account: string,
): { readonly [Name in KeyFlagName<Prefix>]: Flag<string> } {
  const flags: Record<string, Flag<string>> = {
    [`${prefix}private-key`]: { help: `key of ${account}`, value: 'HEX', parse: asText, envOnly: true },
    [`${prefix}keystore`]: { help: `keystore file of ${account}`, value: 'FILE', parse: asText },
    [`${prefix}keystore-password-file`]: { help: 'file with its password', value: 'FILE', parse: asText },
    [`${prefix}keystore-password`]: { help: 'its password', value: 'TEXT', parse: asText, envOnly: true },
  }
  // The keys are those of the type, which a computed key's type does not say.
  return flags as { readonly [Name in KeyFlagName<Prefix>]: Flag<string> }
}
