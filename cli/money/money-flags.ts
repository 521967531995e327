import { asAddress, asCount, asSwitch, asText, asUrl } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { keyFlagsOf } from '../key-flags.ts'

/** Of everything that asks the chain. */
export const chainFlags = {
  rpc: { help: 'eth_ JSON-RPC of a node of the L2', value: 'URL', parse: asUrl, default: 'http://127.0.0.1:8546' },
  json: { help: 'one JSON object on standard output, amounts in wei', parse: asSwitch, default: 'false' },
} as const satisfies FlagTable

/** Whose key signs. */
export const keyFlags = {
  ...keyFlagsOf('', 'the account that signs'),
  'dev-account': {
    help: 'number of a well-known dev account that signs, 0 to 9; dev chains only',
    value: 'N',
    parse: asCount,
  },
  from: { help: 'whose account is meant where nothing is signed', value: 'ADDRESS', parse: asAddress },
} as const satisfies FlagTable

/** Of everything that sends a transaction. */
export const sendFlags = {
  'dry-run': {
    help: 'say what would happen and what it would cost, and send nothing',
    parse: asSwitch,
    default: 'false',
  },
  yes: { help: 'send without asking', parse: asSwitch, default: 'false' },
} as const satisfies FlagTable

export const outFlags = {
  out: { help: 'file the result is written to; absent: standard output', value: 'FILE', parse: asText },
} as const satisfies FlagTable

export const actionFlags = { ...sendFlags, ...keyFlags, ...chainFlags } as const
export const queryFlags = { ...keyFlags, ...chainFlags } as const
export const paperFlags = { ...outFlags, ...keyFlags, rpc: chainFlags.rpc } as const
