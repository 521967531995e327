import type { Registry } from 'prom-client'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { gauge } from '../../common/metrics.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { governanceCalls, governanceDrift, parametersFrom } from '../../protocol/governance-parameters.ts'

/** Between two looks: a parameter changes by a vote, which takes weeks. */
const lookMs = 600_000
/** After a look that failed: the engine may still be starting. */
const againMs = 10_000

type Parts = { readonly rpc: L2Rpc; readonly clock: Clock; readonly log: Log; readonly registry: Registry }

/** Says in log and metrics where the chain's Governor and Timelock have other parameters than the documented ones. */
export class DriftWatch {
  readonly #parts: Parts
  #told = ''

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      const pause = await this.look().then(
        () => lookMs,
        (error: unknown) => {
          log.debug('parameters of governance not read', { error })
          return againMs
        },
      )
      await clock.sleep(pause, signal)
    }
  }

  /** One look at the newest block; a chain without a Governor has nothing to drift. Throws what the RPC throws. */
  async look(): Promise<void> {
    const { rpc, log, registry } = this.#parts
    const answers = await Promise.all(
      governanceCalls(openLedgerPredeploys).map((call) => rpc.request('eth_call', [call, 'latest'])),
    )
    const parameters = parametersFrom(answers.map((answer) => (answer === '0x' ? undefined : BigInt(String(answer)))))
    if (parameters === undefined) return
    const drift = governanceDrift(parameters)
    driftGauge(registry).set(drift.length)
    const told = drift.map(({ parameter, actual }) => `${parameter} ${actual}`).join()
    if (told !== this.#told) {
      for (const each of drift) log.warn('a parameter of governance is not the documented one', each)
    }
    this.#told = told
  }
}

const driftGauge = (registry: Registry) =>
  gauge(registry, 'governance_drift_parameters', 'Parameters of Governor and Timelock that are not the documented ones')
