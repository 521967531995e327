import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { headerHash } from '../../../protocol/header.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { outputRootV0 } from '../../../protocol/output-root.ts'
import { headerFromRpc } from '../../../protocol/rpc-json.ts'
import { type AccountProof, verifyAccountProof } from '../../../protocol/trie-proof.ts'
import { bytes, child, type Fields, hasAny, hash, integer, isFields, requireKnown, word } from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** `eth_getProof` answers, each under a state root or a header. */
export const accountProofsRunner: VectorRunner = {
  name: 'account proofs',
  matches: (folder, json) => folder === 'l1' && isFields(json) && Object.values(json).some((one) => isProof(one)),
  run: async (json, report) => {
    if (!isFields(json)) return
    for (const [name, one] of Object.entries(json)) {
      if (isProof(one)) await report.check(name, () => checkProof(one))
      else if (typeof one === 'object' && one !== null) report.fail(name, 'a section this runner does not know')
    }
  },
}

function isProof(one: unknown): one is Fields {
  return isFields(one) && hasAny(one['result'], 'accountProof')
}

function checkProof(one: Fields): void {
  requireKnown(one, ['stateRoot', 'header', 'headerHashMatches', 'result', 'valid', 'outputRoot'])
  const stateRoot = one['header'] === undefined ? bytes(one['stateRoot']) : checkHeader(one)
  if (one['valid'] === false) {
    expectThrows(() => verifyAccountProof(stateRoot, one['result']), 'verification')
    return
  }
  const proof = verifyAccountProof(stateRoot, one['result'])
  checkClaims(proof, child(one, 'result'))
  if (one['outputRoot'] !== undefined) checkOutputRoot(proof, one)
  for (const tampered of tamper(child(one, 'result'))) {
    expectThrows(() => verifyAccountProof(stateRoot, tampered), 'verification of a tampered answer')
  }
}

function checkHeader(one: Fields): Uint8Array {
  const header = headerFromRpc(one['header'])
  const matches = bytesToHex(headerHash(header)) === hash(child(one, 'header')['hash'])
  expectEqual(matches, one['headerHashMatches'] ?? true, 'header hash matches')
  if (one['stateRoot'] !== undefined) expectEqual(bytesToHex(header.stateRoot), hash(one['stateRoot']), 'state root')
  return header.stateRoot
}

function checkClaims(proof: AccountProof, result: Fields): void {
  expectEqual(proof.account.balance, integer(result['balance']), 'balance')
  expectEqual(proof.account.nonce, integer(result['nonce']), 'nonce')
  const slots = asArray(result['storageProof'] ?? [], 'storageProof') as readonly Fields[]
  const claimed = slots.map((slot) => ({ key: word(slot['key']), value: integer(slot['value']) }))
  expectEqual(
    proof.slots.map(({ key, value }) => ({ key: bytesToHex(key), value })),
    claimed,
    'slots',
  )
}

/** The account stands for the message passer here: its storage root goes into the output root. */
function checkOutputRoot(proof: AccountProof, one: Fields): void {
  const header = child(one, 'header')
  const root: Hex = outputRootV0({
    stateRoot: hash(header['stateRoot']),
    withdrawalStorageRoot: bytesToHex(proof.account.storageRoot),
    blockHash: hash(header['hash']),
  })
  expectEqual(root, hash(one['outputRoot']), 'output root')
}

/** The same answer with one false claim each. */
function* tamper(result: Fields): Iterable<Fields> {
  yield { ...result, balance: `0x${(integer(result['balance']) + 1n).toString(16)}` }
  yield { ...result, nonce: `0x${(integer(result['nonce']) + 1n).toString(16)}` }
  yield { ...result, accountProof: asArray(result['accountProof'], 'accountProof').slice(0, -1) }
  const slots = asArray(result['storageProof'] ?? [], 'storageProof') as readonly Fields[]
  for (const [index, slot] of slots.entries()) {
    const wrong = { ...slot, value: `0x${(integer(slot['value']) + 1n).toString(16)}` }
    yield { ...result, storageProof: slots.with(index, wrong) }
  }
}
