import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import {
  type GovernanceParameters,
  governanceCalls,
  governanceDrift,
  parametersFrom,
} from '../../protocol/governance-parameters.ts'
import type { ChainClient } from './chain-client.ts'

/** Between two looks: a parameter changes by a vote, which takes weeks. */
const lookMs = 60_000

type Parts = { readonly client: Pick<ChainClient, 'words'>; readonly clock: Clock; readonly log: Log }

/** Compares, while the chain runs, the parameters of Governor and Timelock with the documented ones. */
export class GovernanceWatch {
  readonly #parts: Parts
  #parameters: GovernanceParameters | undefined
  #drifted = ''

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** As the last look found them; undefined before the first and on a chain without a Governor. */
  get parameters(): GovernanceParameters | undefined {
    return this.#parameters
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => log.debug('parameters not compared', { error }))
      await clock.sleep(lookMs, signal)
    }
  }

  /** One look at the newest block. Throws RpcError, TransportError. */
  async look(): Promise<void> {
    const { client, log } = this.#parts
    const parameters = parametersFrom(await client.words(governanceCalls(openLedgerPredeploys)))
    if (parameters === undefined) return
    const drift = governanceDrift(parameters)
    const drifted = JSON.stringify(drift.map(({ parameter, actual }) => [parameter, String(actual)]))
    if (drift.length > 0 && drifted !== this.#drifted) {
      for (const each of drift) log.warn('a parameter of governance is not the documented one', each)
    }
    this.#parameters = parameters
    this.#drifted = drifted
  }
}
