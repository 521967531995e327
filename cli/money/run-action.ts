import { createInterface } from 'node:readline/promises'
import { encodeCall } from '../../chain/ledger/money-contracts.ts'
import { UsageError } from '../../common/errors.ts'
import { type CommandContext, exitCodes } from '../command.ts'
import type { Action } from './action.ts'
import { type Call, Chain } from './chain.ts'
import type { Spoken } from './contracts.ts'
import { RefusedError } from './refused.ts'
import { type Estimate, estimate, type Receipt, send, simulate } from './transaction.ts'
import { Amount, toJson } from './values.ts'
import { eventWords } from './words.ts'

/** Dry run, estimate, consent, sending, receipt. What a contract refuses is told in words, and nothing is sent. */
export async function runAction(action: Action, context: CommandContext): Promise<number> {
  const chain = await Chain.open(context)
  try {
    return await act(action, chain, context)
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    const name = `${action.contract}.${action.functionName}`
    if (context.flags['json'] === true)
      context.print(toJson({ call: name, refused: error.reason ?? {}, words: error.message }))
    chain.note(`openledger: refused: ${error.message}`)
    return exitCodes.failed
  }
}

async function act(action: Action, chain: Chain, context: CommandContext): Promise<number> {
  const { flags, print } = context
  const { contract, functionName } = action
  const from = chain.sender()
  await chain.requireContract(contract)
  const { args, value = 0n, afterwards } = await action.prepare(flags, chain)
  const call: Call = { from, ...encodeCall({ contract, functionName, args }), value }
  const events = await simulate(chain, call, contract)
  const cost = await estimate(chain, call, contract)
  const isJson = flags['json'] === true
  const plan = { call: `${contract}.${functionName}`, ...call, wouldHappen: events, estimate: cost }
  if (!isJson) for (const line of planLines(plan.call, call, events, cost)) print(line)
  if (flags['dry-run'] === true) {
    if (isJson) print(toJson(plan))
    else print('dry run: nothing was sent')
    return exitCodes.ok
  }
  chain.key()
  if (flags['yes'] !== true && !(await isAgreed(chain.signal))) {
    print('nothing was sent')
    return exitCodes.failed
  }
  const receipt = await send(chain, call, contract, cost.gas)
  const more = (await afterwards?.()) ?? []
  if (isJson) print(toJson({ ...plan, receipt, more }))
  else for (const line of [...receiptLines(receipt), ...more]) print(line)
  return exitCodes.ok
}

function planLines(name: string, call: Call, events: readonly Spoken[] | undefined, cost: Estimate): string[] {
  const sent = call.value === 0n ? '' : `, sends ${new Amount(call.value)} along`
  const operator = cost.operatorFee === 0n ? '' : ` + operator fee ${new Amount(cost.operatorFee)}`
  return [
    `${name} by ${call.from}${sent}`,
    ...eventLines('would happen', events ?? [], events === undefined ? 'it would succeed' : 'nothing changes hands'),
    `estimate: gas ${cost.gas}, L2 fee ${new Amount(cost.l2Fee)} + L1 data fee ${new Amount(cost.l1Fee)}${operator} = ${new Amount(cost.total)}`,
  ]
}

function receiptLines({ hash, block, gasUsed, fee, events }: Receipt): string[] {
  return [
    ...eventLines('happened', events, 'nothing changed hands'),
    `transaction ${hash}`,
    `block ${block}, gas used ${gasUsed}, fee ${new Amount(fee)}`,
  ]
}

function eventLines(title: string, events: readonly Spoken[], none: string): string[] {
  const lines = events.length === 0 ? [none] : events.map(eventWords)
  return lines.map((line) => `  ${title}: ${line}`)
}

/** Asks on a terminal. Throws UsageError where there is none. */
async function isAgreed(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('nobody to ask: add --yes to send it, or --dry-run')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question('Send it? [y/N] ', { signal })).trim())
  } finally {
    terminal.close()
  }
}
