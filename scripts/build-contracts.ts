/**
 * Compiles contracts/src into contracts/artifacts, that of tests into test/artifacts, and the typed interfaces in contracts/abi.
 * Run: npm run build:contracts [-- SourceName ...]; with names only those files' contracts are compiled and written.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Artifact, artifactsFolder } from '../contracts/artifact.ts'
import { compileContracts } from '../contracts/solidity.ts'
import { chainDependent } from '../genesis/code-hashes.ts'
import { GenesisEvm } from '../genesis/genesis-evm.ts'
import { bytesToHex, hexToBytes, zeroAddress } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'

const root = resolve(import.meta.dirname, '..')
const abiFolder = join(root, 'contracts/abi')
/** Of contracts that nothing but tests deploys. */
const testArtifactsFolder = join(root, 'test/artifacts')

/** Contracts whose interface TypeScript code speaks. */
const typedInterfaces: readonly string[] = ['DatanetRegistry', 'CodeRegistry']

const only = process.argv.slice(2)
const artifacts = compileContracts(only)
for (const folder of [artifactsFolder, testArtifactsFolder]) {
  mkdirSync(folder, { recursive: true })
  for (const file of only.length > 0 ? [] : readdirSync(folder)) {
    const artifact = artifacts.get(file.replace(/\.json$/, ''))
    if (artifact === undefined || folderOf(artifact) !== folder) rmSync(join(folder, file))
  }
}
for (const [name, artifact] of artifacts) {
  writeFileSync(join(folderOf(artifact), `${name}.json`), `${JSON.stringify(artifact, null, 1)}\n`)
  if (typedInterfaces.includes(name)) writeInterface(artifact)
}
await updateCodeHashes()
spawnSync(join(root, 'node_modules/.bin/biome'), ['format', '--write', abiFolder], { stdio: 'inherit' })
process.stdout.write(`${artifacts.size} contracts compiled\n`)

function folderOf({ sourceName }: Artifact): string {
  return sourceName.startsWith('test/') ? testArtifactsFolder : artifactsFolder
}

function writeInterface({ contractName, sourceName, abi }: Artifact): void {
  const name = contractName.replace(/^[A-Z]+(?=[A-Z][a-z])|^[A-Z]/, (head) => head.toLowerCase())
  const file = contractName
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
  const text = `/** Interface of contracts/src/${sourceName}; written by scripts/build-contracts.ts. */\nexport const ${name}Abi = ${JSON.stringify(abi)} as const\n`
  mkdirSync(abiFolder, { recursive: true })
  writeFileSync(join(abiFolder, `${file}.ts`), text)
}

/** Lists the runtime code of our L2 contracts anew; hashes of what others made are never touched by a build. */
async function updateCodeHashes(): Promise<void> {
  const path = join(root, 'contracts/code-hashes.json')
  const hashes = JSON.parse(readFileSync(path, 'utf8')) as { runtime: Record<string, string> }
  const evm = await GenesisEvm.create(901n, 0n)
  for (const { contractName, sourceName, abi, bytecode } of artifacts.values()) {
    const creation = abi.find(({ type }) => type === 'constructor')
    if (!/^(l2|ol|precompiles)\//.test(sourceName) || chainDependent.includes(contractName)) continue
    // Arguments go to storage; what they are leaves no trace in the code.
    const args = ((creation?.['inputs'] ?? []) as { type: string }[]).map(({ type }) =>
      type === 'address' ? zeroAddress : 0n,
    )
    const code = await evm.construct(`0x${'c0'.repeat(20)}`, abi, hexToBytes(bytecode), args)
    hashes.runtime[contractName] = bytesToHex(keccak256(code))
  }
  writeFileSync(path, `${JSON.stringify(hashes, null, 2)}\n`)
}
