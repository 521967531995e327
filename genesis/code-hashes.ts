import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesToHex, type Hex } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { GenesisError } from './genesis-error.ts'

/**
 * contracts/code-hashes.json: keccak256 of every code a genesis is made of.
 * `creation`: packaged contracts as compiled. `preinstalls`: as printed in the package (Permit2: its template).
 * `runtime`: what stands at each predeploy's implementation, where it is the same on every chain.
 */
export type CodeHashes = Readonly<Record<'creation' | 'preinstalls' | 'runtime', Readonly<Record<string, Hex>>>>

/** The committed list. */
const codeHashes = JSON.parse(
  readFileSync(join(import.meta.dirname, '../contracts/code-hashes.json'), 'utf8'),
) as CodeHashes

/** Whose runtime code holds values of the chain: immutables that name its L1 or cache its own id. Their code has no hash in the list. */
export const chainDependent: readonly string[] = ['OptimismMintableERC721Factory', 'EAS', 'GOPEN', 'OpenLedgerGovernor']

/** Throws a {@link GenesisError} unless `code` is the one the list names. */
export function checkCodeHash(list: keyof CodeHashes, name: string, code: Uint8Array): void {
  const expected = codeHashes[list][name]
  const actual = bytesToHex(keccak256(code))
  if (actual === expected) return
  throw new GenesisError('bytecode', `${name} (${list}) has code hash ${actual}, expected ${expected ?? 'none listed'}`)
}
