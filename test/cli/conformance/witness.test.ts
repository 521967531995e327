import { expect, test } from 'vitest'
import { Witness, WitnessWorld } from '../../../cli/conformance/witness.ts'
import { MissingNodeError } from '../../../node/engine/embedded/errors.ts'
import { emptyAccount } from '../../../node/engine/embedded/state/account-codec.ts'
import { World } from '../../../node/engine/embedded/state/world.ts'
import { bytesToHex, uintBytes } from '../../../protocol/bytes.ts'
import { messagePasserAddress } from '../../../protocol/genesis-file.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { emptyTrieRoot } from '../../../protocol/trie-root.ts'

const address = (n: number): Uint8Array => uintBytes(n, 20)
const account = (balance: bigint) => ({ ...emptyAccount, balance })
const change = (at: Uint8Array, balance: bigint) => ({
  address: at,
  after: account(balance),
  storageRoot: emptyTrieRoot,
  slots: [],
})

/** Sixty accounts; the witness has the nodes on the way to the first of them alone. */
function partial(): { root: Uint8Array; witness: Witness } {
  const none = { node: () => undefined, code: () => undefined }
  const changes = [
    ...Array.from({ length: 60 }, (_, i) => change(address(i + 1), 5n)),
    change(messagePasserAddress, 1n),
  ]
  const { world, diff } = new World(none, emptyTrieRoot).apply(changes, [])
  const way = world.proof(address(1), []).accountProof.map((raw) => bytesToHex(keccak256(raw)))
  const nodes = diff.born.filter(({ hash }) => way.includes(bytesToHex(hash)))
  return {
    root: world.root,
    witness: new Witness(Object.fromEntries(nodes.map(({ hash, raw }) => [bytesToHex(hash), bytesToHex(raw)]))),
  }
}

test('what a witness lacks reads as absent, is noted, and cannot be written', () => {
  const { root, witness } = partial()
  const world = new WitnessWorld(witness, root, undefined)
  expect(world.account(address(1))).toEqual(account(5n))
  expect(world.gaps).toEqual([])
  const missing = Array.from({ length: 59 }, (_, i) => address(i + 2)).find((at) => {
    const before = world.gaps.length
    expect(world.account(at)).toBeUndefined()
    return world.gaps.length > before
  })
  if (missing === undefined) throw new Error('the witness lacks nothing')
  expect(() => world.apply([change(missing, 6n)], [])).toThrow(MissingNodeError)
})

test("a message passer that nothing reads has the storage root of the parent's header, before and after the block", () => {
  const { root, witness } = partial()
  const withdrawalsRoot = keccak256(Uint8Array.of(1))
  const world = new WitnessWorld(witness, root, withdrawalsRoot)
  const { world: after } = world.apply([change(address(1), 7n)], [])
  expect(after.account(address(1))).toEqual(account(7n))
  for (const one of [world, after]) expect(one.account(messagePasserAddress)?.storageRoot).toEqual(withdrawalsRoot)
})
