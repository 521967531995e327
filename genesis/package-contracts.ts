import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { hexToBytes } from '../protocol/bytes.ts'
import { checkCodeHash } from './code-hashes.ts'
import { GenesisError } from './genesis-error.ts'

/** A contract compiled in @eth-optimism/contracts-bedrock: creation code to execute, never runtime code to place. */
export type PackageContract = { readonly abi: readonly unknown[]; readonly creationCode: Uint8Array }

/** Reads a contract of the installed package and checks its creation code against the code-hash list. */
export function packageContract(name: string): PackageContract {
  const artifact = JSON.parse(readFileSync(packageFile(`forge-artifacts/${name}.sol/${name}.json`), 'utf8')) as {
    abi: readonly unknown[]
    bytecode: { object: string }
  }
  const creationCode = hexToBytes(artifact.bytecode.object)
  checkCodeHash('creation', name, creationCode)
  return { abi: artifact.abi, creationCode }
}

/** A file of the installed @eth-optimism/contracts-bedrock. */
export function packageFile(path: string): string {
  const require = createRequire(import.meta.url)
  try {
    return join(require.resolve('@eth-optimism/contracts-bedrock/package.json'), '..', path)
  } catch (cause) {
    throw new GenesisError('bytecode', '@eth-optimism/contracts-bedrock is not installed; run npm ci', { cause })
  }
}
