import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { UsageError } from '../../common/errors.ts'
import { devRoles } from '../../genesis/presets.ts'
import { bytesToHex, fixedHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'

export type DevAccount = { readonly privateKey: Hex; readonly address: Hex }

/** Well-known accounts and what they do here; those of the L1 follow from the preset. */
export const knownAccounts = {
  owner: accountOf(devPrivateKeys[devRoles.owner]),
  batcher: accountOf(devPrivateKeys[devRoles.batcher]),
  proposer: accountOf(devPrivateKeys[devRoles.proposer]),
  attributor: accountOf(devPrivateKeys[devRoles.attributor]),
  watcher: accountOf(devPrivateKeys[devRoles.challenger]),
  // The verifier's watcher signs for itself: two programs with one key would take each other's nonces.
  verifierWatcher: accountOf(devPrivateKeys[devRoles.unsafeBlockSigner]),
  bridgeUser: accountOf(devPrivateKeys[6]),
  /** Who trained the model, and who made whole numbers of it. */
  trainer: accountOf(devPrivateKeys[8]),
  converter: accountOf(devPrivateKeys[9]),
} as const

const freshNames = ['worker', 'payer', 'sequencerChecker', 'verifierChecker'] as const

/** Accounts of this chain alone. */
export type FreshAccounts = Readonly<Record<(typeof freshNames)[number], DevAccount>>

/** Reads the file of keys, or makes it. Throws {@link UsageError} for a broken one. */
export function freshAccounts(file: string): FreshAccounts {
  if (!existsSync(file)) {
    const keys = Object.fromEntries(freshNames.map((name) => [name, bytesToHex(randomBytes(32))]))
    writeFileSync(`${file}.new`, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  }
  try {
    const keys = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
    return Object.fromEntries(
      freshNames.map((name) => [name, accountOf(fixedHex(keys[name] ?? '', 32, name))]),
    ) as FreshAccounts
  } catch (cause) {
    throw new UsageError(`${file} is damaged; remove its directory to start a new chain`, { cause })
  }
}

function accountOf(privateKey: Hex): DevAccount {
  return { privateKey, address: bytesToHex(privateKeyAddress(hexToBytes(privateKey))) }
}
