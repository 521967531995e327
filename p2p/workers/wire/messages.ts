import { zeroHash } from '../../../protocol/bytes.ts'
import type { ObjectOf } from './container.ts'
import { SignedMessage } from './signed-message.ts'

/** Largest message of gossip. */
export const messageBytesMax = 512

const head = [
  ['version', 'uint8'],
  ['chainId', 'uint64'],
] as const
/** `nonce` rises with each message of an author and kind; `expiry` is a Unix time in seconds. */
const tail = [
  ['nonce', 'uint64'],
  ['expiry', 'uint64'],
] as const

/** A worker has answered a request and serves the proof. */
export const proofAnnounce = new SignedMessage(
  'ProofAnnounce',
  [
    ...head,
    ['requestId', 'bytes32'],
    ['worker', 'address'],
    // 0: paid by voucher, 1: opened on chain.
    ['origin', 'uint8'],
    // Newest L2 block that the worker knew.
    ['block', 'uint64'],
    ['modelVersion', 'bytes32'],
    ['promptRoot', 'bytes32'],
    ['outputRoot', 'bytes32'],
    ['traceRoot', 'bytes32'],
    // Names the bytes that `/proof/1` serves: `proofHash` of proofs/proof-tree.ts.
    ['proofHash', 'bytes32'],
    ['proofBytes', 'uint32'],
    ['class', 'uint8'],
    ...tail,
  ] as const,
  'worker',
)
export type ProofAnnounce = ObjectOf<typeof proofAnnounce.container.fields>

/** A request was opened on chain; the chain's event is the source, this only the quicker way. */
export const jobHead = new SignedMessage(
  'JobHead',
  [
    ...head,
    ['requestId', 'bytes32'],
    ['author', 'address'],
    ['payer', 'address'],
    ['modelVersion', 'bytes32'],
    // Root of the prompt's tokens, under which it is fetched.
    ['promptHash', 'bytes32'],
    ['class', 'uint8'],
    ['tin', 'uint32'],
    ['maxTokens', 'uint32'],
    ['maxFee', 'uint128'],
    ['block', 'uint64'],
    ['deadline', 'uint64'],
    ...tail,
  ] as const,
  'author',
)
export type JobHead = ObjectOf<typeof jobHead.container.fields>

/**
 * What a checker found: see `verdictKinds`. A wrong unit has its place as in docs/canonical-inference.md §12, a wrong answer its
 * position; `row` is `rowUnknown` where the checker cannot tell it.
 */
export const verdict = new SignedMessage(
  'Verdict',
  [
    ...head,
    ['requestId', 'bytes32'],
    ['checker', 'address'],
    ['worker', 'address'],
    ['proofHash', 'bytes32'],
    ['kind', 'uint8'],
    ['slab', 'uint32'],
    ['op', 'uint16'],
    ['position', 'uint32'],
    ['part', 'uint32'],
    ['row', 'uint32'],
    ...tail,
  ] as const,
  'checker',
)
export type Verdict = ObjectOf<typeof verdict.container.fields>
export const verdictKinds = { sound: 0, unit: 1, answer: 2, root: 3, withheld: 4 } as const
export const rowUnknown = 0xffff_ffff

/** A worker is there, and this busy. */
export const heartbeat = new SignedMessage(
  'Heartbeat',
  [
    ...head,
    ['worker', 'address'],
    ['running', 'uint16'],
    ['queued', 'uint16'],
    ['tokensPerMinute', 'uint32'],
    ['block', 'uint64'],
    // Nonce of the capability in force.
    ['capability', 'uint64'],
    ...tail,
  ] as const,
  'worker',
)
export type Heartbeat = ObjectOf<typeof heartbeat.container.fields>

/** What a worker offers and where it is dialled. Models are version hashes, ascending, zero words behind the last. */
export const capability = new SignedMessage(
  'Capability',
  [
    ...head,
    ['worker', 'address'],
    // Compressed secp256k1 key of the host: its peer id.
    ['keyPrefix', 'uint8'],
    ['keyX', 'bytes32'],
    // IPv4 addresses are mapped, ::ffff:a.b.c.d.
    ['ip', 'bytes16'],
    ['port', 'uint16'],
    ['units', 'uint32'],
    // Bit c: proof class c.
    ['classes', 'uint8'],
    ['contextMax', 'uint32'],
    ['model0', 'bytes32'],
    ['model1', 'bytes32'],
    ['model2', 'bytes32'],
    ['model3', 'bytes32'],
    // Multiply-adds a second in the last hardware challenge, and its seed.
    ['challengeScore', 'uint64'],
    ['challengeSeed', 'bytes32'],
    ...tail,
  ] as const,
  'worker',
)
export type Capability = ObjectOf<typeof capability.container.fields>

/** The on-chain key speaks through a host. Void where the worker registered anew at a later block than `epoch`. */
export const peerBinding = new SignedMessage(
  'PeerBinding',
  [
    ...head,
    ['account', 'address'],
    // keccak of the peer id's multihash.
    ['peerIdHash', 'bytes32'],
    ['epoch', 'uint64'],
    ['expiry', 'uint64'],
  ] as const,
  'account',
)
export type PeerBinding = ObjectOf<typeof peerBinding.container.fields>

/** Models of a capability. */
export function modelsOf({ model0, model1, model2, model3 }: Capability): readonly string[] {
  return [model0, model1, model2, model3].filter((model) => model !== zeroHash)
}
