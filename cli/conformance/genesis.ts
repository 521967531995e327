import { messagePasserRoot } from '../../node/engine/embedded/block/seal.ts'
import { genesisState } from '../../node/engine/embedded/state/genesis-state.ts'
import { bytesToHex, FormatError } from '../../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../../protocol/genesis-file.ts'
import { headerHash } from '../../protocol/header.ts'
import { asObject } from '../../protocol/json-fields.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import { headerFromRpc } from '../../protocol/rpc-json.ts'
import { chainParameters } from './chain-parameters.ts'
import { expectEqual, type VectorRunner } from './vector.ts'

/** Computes block 0 of a registry chain: by the engine's own trie, and once more by the plain one of protocol/. */
const genesisBlock: VectorRunner = {
  name: 'genesis block',
  matches: (folder, json) =>
    folder === 'genesis' && typeof json === 'object' && json !== null && 'genesis' in json && 'expected' in json,
  async run(json, report) {
    const vector = asObject(json, 'genesis vector')
    await report.check(String(vector['name'] ?? 'genesis'), () => compute(vector))
  },
}

export const runners: readonly VectorRunner[] = [genesisBlock]

function compute(vector: Readonly<Record<string, unknown>>): void {
  const expected = asObject(vector['expected'], 'expected')
  const parameters = vector['rollup'] === undefined ? undefined : chainParameters(vector['rollup'])
  const genesis = parseGenesis(vector['genesis'], parameters)
  const roots = genesisHeader(genesis)
  const hash = bytesToHex(headerHash(roots.header))
  // A migrated chain's file has the root alone.
  if (genesis.stateHash === undefined) {
    const { world } = genesisState(noStore, genesis)
    expectEqual(bytesToHex(world.root), bytesToHex(roots.stateRoot), "state root of the engine's trie")
    expectEqual(messagePasserRoot(world), roots.messagePasserRoot, "message passer root of the engine's trie")
  }
  compare(expected, 'stateRoot', bytesToHex(roots.stateRoot))
  compare(expected, 'messagePasserStorageRoot', bytesToHex(roots.messagePasserRoot))
  if (expected['header'] !== undefined) {
    const header = headerFromRpc(expected['header'])
    for (const [field, value] of Object.entries(roots.header)) {
      expectEqual(value, header[field as keyof typeof header], `header field ${field}`)
    }
  }
  if (expected['hash'] === undefined) throw new FormatError('expected has no hash')
  compare(expected, 'hash', hash)
  const output = {
    stateRoot: bytesToHex(roots.stateRoot),
    withdrawalStorageRoot: bytesToHex(roots.messagePasserRoot),
    blockHash: hash,
  }
  compare(expected, 'outputRootV0_derived', outputRootV0(output))
}

function compare(expected: Readonly<Record<string, unknown>>, field: string, actual: string): void {
  if (expected[field] !== undefined) expectEqual(actual, expected[field], field)
}

/** A genesis begins from nothing. */
const noStore = { node: () => undefined, code: () => undefined }
