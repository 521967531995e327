import type { Hex } from '../../protocol/bytes.ts'
import { type Decoded, eventTopic, type MoneyContract } from './money-contracts.ts'

/** An event that the book keeps. */
export type LedgerEvent = {
  /** Orders all events of the chain: block · 2²⁰ + place in the block. */
  readonly pos: number
  readonly block: bigint
  readonly txHash: Hex
  readonly contract: MoneyContract
  readonly name: string
  readonly args: Decoded
}

/** What is followed, by contract. */
export const followedEvents = {
  InferenceMarket: [
    ...['BatchCommitted', 'ReceiptVoided', 'BatchVoided', 'BatchMatured', 'BatchHeld'],
    ...['RequestOpened', 'RequestSettled', 'RequestRefunded'],
  ],
  AttributionLedger: [
    ...['EpochProposed', 'EpochFinalized', 'EpochReverted', 'EpochOrphaned', 'AttributorSet'],
    ...['DataRequested', 'DataServed', 'DataMissing', 'DataRequestDropped'],
  ],
  DisputeGame: [
    ...['ReceiptDisputed', 'BatchDisputed', 'EpochDisputed', 'EvidenceCommitted'],
    ...['RewardWon', 'RewardTakenOver', 'RewardPaid'],
  ],
  RoyaltyVault: ['Claimed', 'ClaimSkipped'],
  WorkerRegistry: ['WorkerSlashed'],
  TraceDemands: ['TraceRequested', 'TraceServed'],
  CheckerCommittee: ['CaseOpened', 'CaseDrawn', 'VoteSent', 'VoteShown', 'CaseClosed'],
  FingerprintJudge: ['FingerprintRequested', 'FingerprintServed'],
  EvidenceDemands: ['EvidenceRequested', 'EvidenceServed', 'PrepaidReturned'],
  IndexRegistry: [
    ...['IndexPublished', 'IndexRetired', 'IndexTakenOver', 'IndexProvenFalse'],
    ...['EvidenceCommitted', 'RewardWon', 'RewardTakenOver', 'RewardPaid'],
  ],
  SketchRegistry: [
    ...['SketchesRegistered', 'SketchSources', 'SketchesProvenFalse'],
    ...['EvidenceCommitted', 'RewardWon', 'RewardTakenOver', 'RewardPaid'],
  ],
  DatanetRegistry: [
    ...['DatanetCreated', 'DatanetParameter', 'VersionPublished', 'VersionDiffed'],
    ...['ContributionSubmitted', 'ContributionParent', 'ContributionBatch'],
    ...['ContributionDecided', 'ContributionBatchDecided', 'ConsentWithdrawn', 'ContributionSlashed'],
  ],
  DatanetJudge: ['VersionVoided', 'EvidenceCommitted', 'RewardWon', 'RewardTakenOver', 'RewardPaid'],
  SignatureProofs: ['SignatureDemanded', 'SignatureShown', 'SignatureWithheld'],
  SignatureRegistry: ['SignatureShown'],
} as const satisfies Partial<Record<MoneyContract, readonly string[]>>

export type FollowedEvent = (typeof followedEvents)[keyof typeof followedEvents][number]

/** Their topics. */
export function followedTopics(): Hex[] {
  return followedContracts.flatMap((contract) => followedEvents[contract].map((name) => eventTopic(contract, name)))
}

export const followedContracts = Object.keys(followedEvents) as readonly (keyof typeof followedEvents)[]

/** Events of one block stand below the first of the next. */
export const eventsPerBlockMax = 2 ** 20

/** The batch or epoch an event is about, the deadline of a request; what it has none of, no number. */
export function numberOf({ args }: Pick<LedgerEvent, 'args'>): bigint | undefined {
  const request = args['request'] as { readonly deadline?: bigint } | undefined
  const number = args['batchId'] ?? args['epoch'] ?? args['number'] ?? request?.deadline
  return typeof number === 'bigint' ? number : undefined
}

/** The demand, case, subject, request or account by which events are found again. */
export function keyOf({ args }: Pick<LedgerEvent, 'args'>): Hex | undefined {
  const { demandId, caseId, subject, payee, commitment, requestId, worker } = args
  const key = demandId ?? caseId ?? subject ?? payee ?? commitment ?? requestId ?? worker
  return typeof key === 'string' ? (key as Hex) : undefined
}
