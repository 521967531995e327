import { createHash } from 'node:crypto'
import { uintBytes } from '../../../protocol/bytes.ts'

export const topicNames = ['jobs', 'proofs', 'verdicts', 'workers'] as const
export type TopicName = (typeof topicNames)[number]

export function workerTopic(chainId: bigint, name: TopicName): string {
  return `/ol/${chainId}/1/${name}`
}

export type ProtocolName = 'hello' | 'proof' | 'submit' | 'job' | 'challenge'

/** Direct protocols by name. */
export function workerProtocol(chainId: bigint, name: ProtocolName): string {
  return `/ol/${chainId}/${name}/1`
}

/** `SHA-256(01000000 ‖ topic bytes u64 LE ‖ topic ‖ data)`, 20 bytes: op-node's form for messages that are not compressed. */
export function workerMessageId(topic: string, data: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(topic)
  const hash = createHash('sha256').update(idDomain).update(uintBytes(name.length, 8).toReversed())
  return new Uint8Array(hash.update(name).update(data).digest().subarray(0, 20))
}

const idDomain = Uint8Array.of(1, 0, 0, 0)
