import { type ForkTimes, isActive } from '../../protocol/hardforks.ts'

/** Error codes of the Engine API. Source: ethereum/execution-apis, `engine/common.md`. */
export const engineErrorCodes = {
  unknownPayload: -38001,
  invalidForkchoiceState: -38002,
  invalidPayloadAttributes: -38003,
  tooLargeRequest: -38004,
  unsupportedFork: -38005,
} as const

/** Versions of the three methods for a block of that time. Spec: protocol/exec-engine.md, "Engine API". */
export type EngineApiVersions = {
  /** With attributes; without them it is always V3. */
  readonly forkchoiceUpdated: 1 | 2 | 3
  readonly newPayload: 2 | 3 | 4
  readonly getPayload: 2 | 3 | 4 | 5
}

export function engineApiVersions(times: ForkTimes, timestamp: bigint): EngineApiVersions {
  const last = table.findLast(([fork]) => isActive(times, fork, timestamp))
  return last?.[1] ?? { forkchoiceUpdated: 1, newPayload: 2, getPayload: 2 }
}

const table = [
  ['canyon', { forkchoiceUpdated: 2, newPayload: 2, getPayload: 2 }],
  ['ecotone', { forkchoiceUpdated: 3, newPayload: 3, getPayload: 3 }],
  ['isthmus', { forkchoiceUpdated: 3, newPayload: 4, getPayload: 4 }],
  ['karst', { forkchoiceUpdated: 3, newPayload: 4, getPayload: 5 }],
] as const
