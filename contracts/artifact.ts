import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The compiled form of one of our contracts, as committed under contracts/artifacts. */
export type Artifact = {
  readonly contractName: string
  readonly sourceName: string
  readonly abi: Abi
  /** Creation code. */
  readonly bytecode: `0x${string}`
  /** Runtime code with zeros for immutables: compare sizes with it, never place it. */
  readonly deployedBytecode: `0x${string}`
  readonly storageLayout: StorageLayout
}

/** A contract's interface as solc prints it. */
export type Abi = readonly Readonly<Record<string, unknown>>[]

/** Where the compiler put each state variable. */
export type StorageLayout = readonly {
  readonly label: string
  readonly slot: number
  readonly offset: number
  readonly type: string
  readonly bytes: number
}[]

/** Folder of the committed artifacts. */
export const artifactsFolder = join(import.meta.dirname, 'artifacts')

const cache = new Map<string, Artifact>()

/** The committed artifact of `contractName`. */
export function loadArtifact(contractName: string): Artifact {
  const known = cache.get(contractName)
  if (known !== undefined) return known
  const artifact = JSON.parse(readFileSync(join(artifactsFolder, `${contractName}.json`), 'utf8')) as Artifact
  cache.set(contractName, artifact)
  return artifact
}
