import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative, sep } from 'node:path'
import type { Abi, Artifact, StorageLayout } from './artifact.ts'

const require = createRequire(import.meta.url)
const sourceRoot = join(import.meta.dirname, 'src')

/**
 * Compiles the contracts of `contracts/src` with solc-js: all, or those whose files are named (without `.sol`).
 * Same sources, same compiler, same bytes: the settings below leave no metadata in the code.
 */
export function compileContracts(only: readonly string[] = []): Map<string, Artifact> {
  const own = sourceFiles(sourceRoot)
  if (only.length > 0) {
    for (const sourceName of Object.keys(own)) {
      if (!only.includes(basename(sourceName, '.sol'))) delete own[sourceName]
    }
    if (Object.keys(own).length < only.length) throw new Error(`not every one of ${only.join(', ')} is a source file`)
  }
  const output = compile(inputOf(own, ofArtifacts))
  const artifacts = new Map<string, Artifact>()
  for (const sourceName of Object.keys(own).sort()) {
    // Libraries are inlined into their users.
    if (sourceName.startsWith('lib/')) continue
    for (const [name, contract] of Object.entries(output.contracts[sourceName] ?? {})) {
      if (contract.evm.bytecode.object === '') continue
      if (artifacts.has(name)) throw new Error(`two contracts are called ${name}`)
      artifacts.set(name, artifactOf(name, sourceName, contract))
    }
  }
  return artifacts
}

/**
 * What analysers read: solc's input and output with the syntax tree of every source, as Hardhat stores a build. Harnesses of
 * tests are left out.
 */
export function buildInfo(): Readonly<Record<string, unknown>> {
  const own = Object.entries(sourceFiles(sourceRoot)).filter(([name]) => !name.startsWith('test/'))
  const outputs = ['abi', 'metadata', 'devdoc', 'userdoc', 'evm.bytecode', 'evm.deployedBytecode']
  const input = inputOf(Object.fromEntries(own), { '*': { '*': outputs, '': ['ast'] } })
  const [solcVersion] = compiler().version().split('+')
  return { _format: 'hh-sol-build-info-1', id: 'contracts', solcVersion, input, output: compile(input) }
}

const settings = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 200 },
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
} as const
const ofArtifacts = { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'] } }

/**
 * Warnings of solc that are answered: selfdestruct, whose one use here is what EIP-6780 left of it, and transient storage,
 * which is meant to last for the transaction where it is used.
 */
const answeredWarnings: readonly string[] = ['1699', '2394']

type CompiledContract = {
  readonly abi: Abi
  readonly storageLayout: {
    readonly storage: readonly { label: string; slot: string; offset: number; type: string }[]
    readonly types: Readonly<Record<string, { label: string; numberOfBytes: string }>> | null
  }
  readonly evm: { readonly bytecode: { object: string }; readonly deployedBytecode: { object: string } }
}

type CompilerOutput = {
  readonly contracts: Readonly<Record<string, Readonly<Record<string, CompiledContract>>>>
  readonly errors?: readonly { severity: string; errorCode: string; formattedMessage: string }[]
}

type Compiler = {
  compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string
  version(): string
}

/** Loaded where something is compiled: it is large. */
const compiler = () => require('solc') as Compiler

function inputOf(sources: Readonly<Record<string, string>>, outputSelection: object) {
  return {
    language: 'Solidity',
    sources: Object.fromEntries(Object.entries(sources).map(([name, content]) => [name, { content }])),
    settings: { ...settings, outputSelection },
  }
}

function compile(input: object): CompilerOutput {
  const output = JSON.parse(compiler().compile(JSON.stringify(input), { import: readImport })) as CompilerOutput
  const problems = (output.errors ?? []).filter(
    ({ severity, errorCode }) => severity !== 'info' && !answeredWarnings.includes(errorCode),
  )
  if (problems.length > 0) throw new Error(problems.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return output
}

function readImport(path: string): { contents: string } | { error: string } {
  const own = join(sourceRoot, path)
  if (existsSync(own)) return { contents: readFileSync(own, 'utf8') }
  if (!path.startsWith('@openzeppelin/')) return { error: `import of ${path}: only OpenZeppelin is a dependency` }
  return { contents: readFileSync(require.resolve(path), 'utf8') }
}

function artifactOf(contractName: string, sourceName: string, contract: CompiledContract): Artifact {
  return {
    contractName,
    sourceName,
    abi: contract.abi,
    bytecode: `0x${contract.evm.bytecode.object}`,
    deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
    storageLayout: layoutOf(contract),
  }
}

/** The compiler's layout without AST ids, which change with unrelated sources. */
function layoutOf({ storageLayout }: CompiledContract): StorageLayout {
  return storageLayout.storage.map(({ label, slot, offset, type }) => ({
    label,
    slot: Number(slot),
    offset,
    type: storageLayout.types?.[type]?.label ?? type,
    bytes: Number(storageLayout.types?.[type]?.numberOfBytes ?? 32),
  }))
}

function sourceFiles(folder: string): Record<string, string> {
  const files: Record<string, string> = {}
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.sol')) continue
    const path = join(entry.parentPath, entry.name)
    files[relative(sourceRoot, path).split(sep).join('/')] = readFileSync(path, 'utf8')
  }
  return files
}
