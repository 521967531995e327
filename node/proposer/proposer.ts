import type { Registry } from 'prom-client'
import type { TxCandidate } from '../../chain/tx/tx-candidate.ts'
import type { TxReceipt } from '../../chain/tx/tx-manager.ts'
import type { Clock } from '../../common/clock.ts'
import { CodedError, errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { fixedHex, type Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import { outputRootV0 } from '../../protocol/output-root.ts'
import { type OutputOracle, type Proposal, proposalCalldata } from './output-oracle.ts'

/** Gas of a proposal: two new storage words and an event take below 100,000. Fixed, so that a replacement needs no estimate. */
export const proposalGas = 250_000n
/** Longest pause after failures in a row. */
export const failureBackoffMsMax = 60_000

export type ProposerOptions = {
  readonly pollIntervalMs: number
  /** Propose blocks that are safe; else only those whose L1 data is final. */
  readonly allowNonFinalized: boolean
}

/** op-proposer's defaults. */
export const proposerDefaults: ProposerOptions = { pollIntervalMs: 12_000, allowNonFinalized: false }

/** The L2 node as the proposer reads it. */
export type ProposerL2 = {
  readonly syncStatus: () => Promise<ProposerSyncStatus> | ProposerSyncStatus
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  /** Storage root of the L2ToL1MessagePasser; asked for blocks before Isthmus. */
  readonly messagePasserRoot: (blockHash: Hex) => Promise<Hex>
}

export type ProposerSyncStatus = {
  readonly headL1: L1BlockRef | undefined
  readonly safeL2: L2BlockRef
  readonly finalizedL2: L2BlockRef
}

export type ProposerParts = {
  readonly l2: ProposerL2
  readonly oracle: OutputOracle
  readonly txs: {
    readonly address: Hex
    readonly submit: (candidate: TxCandidate, signal: AbortSignal) => Promise<TxReceipt>
    readonly forget: (key: string) => Promise<void>
    readonly keys: () => readonly string[]
  }
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/**
 * Posts the output root of every block the oracle asks for, once that block cannot change any more. Keeps nothing of its
 * own: the oracle says what is due, the journal of the TxManager what is on its way. Spec: protocol/proposals.md.
 */
export class Proposer {
  readonly #options: ProposerOptions
  readonly #parts: ProposerParts
  #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: ProposerOptions, parts: ProposerParts) {
    this.#options = options
    this.#parts = parts
  }

  start(): void {
    if (this.#running !== undefined) return
    this.#stopped = new AbortController()
    this.#running = this.#loop(this.#stopped.signal)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
    this.#running = undefined
  }

  /** Posts everything that is due. */
  async tick(signal: AbortSignal): Promise<void> {
    await this.#finishEarlier(signal)
    while (!signal.aborted) {
      const proposal = await this.#due()
      if (proposal === undefined) return
      const refusal = await this.#parts.oracle.refusal(proposal, this.#parts.txs.address)
      if (refusal !== undefined) {
        this.#parts.log.warn('the oracle would refuse the output', { block: proposal.l2BlockNumber, error: refusal })
        return
      }
      if (!(await this.#propose(proposal, signal))) return
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    let waitMs = this.#options.pollIntervalMs
    while (!signal.aborted) {
      try {
        await this.tick(signal)
        waitMs = this.#options.pollIntervalMs
      } catch (error) {
        if (signal.aborted) return
        waitMs = Math.min(waitMs * 2, Math.max(failureBackoffMsMax, this.#options.pollIntervalMs))
        const needsAPerson = error instanceof CodedError && error.code === 'insufficient-funds'
        const report = needsAPerson ? this.#parts.log.error : this.#parts.log.warn
        report('output not proposed', { retryMs: waitMs, error: errorMessage(error) })
      }
      await this.#parts.clock.sleep(waitMs, signal)
    }
  }

  /** A proposal that was on its way at the last stop is seen through before the oracle is asked. */
  async #finishEarlier(signal: AbortSignal): Promise<void> {
    for (const key of this.#parts.txs.keys()) await this.#propose(parseKey(key), signal)
  }

  async #due(): Promise<Proposal | undefined> {
    const { l2, oracle } = this.#parts
    const l2BlockNumber = await oracle.nextBlockNumber()
    const status = await l2.syncStatus()
    const limit = this.#options.allowNonFinalized ? status.safeL2 : status.finalizedL2
    if (status.headL1 === undefined || limit.number < l2BlockNumber) return undefined
    const envelope = await l2.payloadByNumber(l2BlockNumber)
    if (envelope === undefined) return undefined
    const { stateRoot, blockHash, withdrawalsRoot } = envelope.executionPayload
    const withdrawalStorageRoot = withdrawalsRoot ?? (await l2.messagePasserRoot(blockHash))
    return {
      outputRoot: outputRootV0({ stateRoot, withdrawalStorageRoot, blockHash }),
      l2BlockNumber,
      // The head's parent: BLOCKHASH knows it in any block the call may be tried or mined in.
      l1BlockHash: status.headL1.parentHash,
      l1BlockNumber: status.headL1.number - 1n,
    }
  }

  /** True where the oracle took it. */
  async #propose(proposal: Proposal, signal: AbortSignal): Promise<boolean> {
    const { txs, oracle, log, registry } = this.#parts
    const key = proposalKey(proposal)
    const data = proposalCalldata(proposal)
    const receipt = await txs.submit({ key, to: oracle.address, data, gasLimit: proposalGas }, signal)
    await txs.forget(key)
    const fields = { block: proposal.l2BlockNumber, outputRoot: proposal.outputRoot, l1Block: receipt.blockNumber }
    if (!receipt.succeeded) {
      log.warn('output proposal reverted', { ...fields, hash: receipt.hash })
      return false
    }
    proposals(registry).inc()
    proposedNumber(registry).set(Number(proposal.l2BlockNumber))
    log.info('output proposed', fields)
    return true
  }
}

/** The whole proposal, so that after a restart the same transaction can be made again from the journal's key. */
function proposalKey(proposal: Proposal): string {
  return [proposal.l2BlockNumber, proposal.outputRoot, proposal.l1BlockNumber, proposal.l1BlockHash].join(':')
}

function parseKey(key: string): Proposal {
  const [l2BlockNumber = '', outputRoot, l1BlockNumber = '', l1BlockHash] = key.split(':')
  return {
    outputRoot: fixedHex(outputRoot, 32, 'output root'),
    l2BlockNumber: BigInt(l2BlockNumber),
    l1BlockHash: fixedHex(l1BlockHash, 32, 'L1 block hash'),
    l1BlockNumber: BigInt(l1BlockNumber),
  }
}

const proposals = (registry: Registry) => counter(registry, 'proposer_outputs_total', 'outputs the oracle took')
const proposedNumber = (registry: Registry) =>
  gauge(registry, 'proposer_last_block_number', 'L2 block of the last output the oracle took')
