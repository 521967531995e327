import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { DriverError } from '../driver-error.ts'
import type { EngineState } from '../engine-state.ts'
import type { Build } from './build.ts'

/** First byte of a deposit transaction. */
const depositType = 0x7e

/** Takes the built payload and checks that it is what was asked for. Throws DriverError `invalid-block` where it is not. */
export async function seal(state: EngineState, job: Build): Promise<PayloadEnvelope> {
  const envelope = await state.engine.getPayload(job.id)
  const wrong = faultOf(envelope, job)
  if (wrong !== undefined) throw new DriverError('invalid-block', `the engine built an unusable block: ${wrong}`)
  return envelope
}

function faultOf({ executionPayload: payload }: PayloadEnvelope, { parent, attributes }: Build): string | undefined {
  const transactions = payload.transactions
  if (payload.parentHash !== parent.hash) return 'another parent'
  if (payload.timestamp !== attributes.timestamp) return 'another timestamp'
  if (transactions[0]?.[0] !== depositType) return 'no L1-info deposit'
  const given = attributes.transactions
  if (given.some((tx, i) => transactions[i] === undefined || Buffer.compare(tx, transactions[i]) !== 0)) {
    return 'a given transaction is missing'
  }
  if (attributes.noTxPool && transactions.length !== given.length) return 'pool transactions although none were allowed'
  const pooled = transactions.slice(given.length)
  return pooled.some((tx) => tx[0] === depositType) ? 'a deposit that was not given' : undefined
}
