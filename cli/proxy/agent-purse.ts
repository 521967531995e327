import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { UsageError } from '../../common/errors.ts'
import { spansMax } from '../../protocol/agent-trail.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { addSpan, beginTrail, readTrail } from '../agent/trail-file.ts'
import { ProxyError } from './proxy-error.ts'

/** wei. */
type Limits = { readonly perRequest: bigint; readonly perDay: bigint }
type Session = Limits & { readonly agentId: bigint }
type Options = {
  readonly chainId: bigint
  readonly agentId: bigint
  /** The payer: a key of the agent. */
  readonly key: Hex
  /** A trail to go on with; absent: a new one in `dir`. */
  readonly trail: string | undefined
  readonly dir: string
}

/**
 * An agent whose key pays: its limits are kept before anything is signed, its channels are funded from its purse, and each paid
 * answer is an action of its trail. A voucher counts for its greatest fee on the UTC day of its deadline, as AgentTrails counts it.
 */
export class AgentPurse {
  readonly limits: Limits
  readonly #options: Options
  readonly #rpc: L2Rpc
  readonly #nowMs: () => number
  #trail: string
  #spans: number

  /** Throws {@link UsageError} for a key that is none of the agent's, or whose channels are not bound to its purse. */
  static async open(options: Options, rpc: L2Rpc, nowMs: () => number): Promise<AgentPurse> {
    const { agentId, key } = options
    const spending = (functionName: string, args: readonly unknown[]) =>
      callContract(rpc, { contract: 'AgentSpending', functionName, args })
    const session = (await spending('sessionOf', [key])) as Session
    if (session.agentId !== agentId)
      throw new UsageError(`${key} is no key of agent ${agentId}: openledger agent grant-key`)
    const purse = await spending('purseOf', [agentId])
    const home = await callContract(rpc, { contract: 'InferenceMarket', functionName: 'homeOf', args: [key] })
    if (home !== purse)
      throw new UsageError(`channels of ${key} are not bound to the purse ${purse}: openledger agent bind`)
    return new AgentPurse(options, session, rpc, nowMs)
  }

  private constructor(options: Options, { perRequest, perDay }: Limits, rpc: L2Rpc, nowMs: () => number) {
    this.limits = { perRequest, perDay }
    this.#options = options
    this.#rpc = rpc
    this.#nowMs = nowMs
    const { trail } = options
    const isThere = trail !== undefined && existsSync(trail)
    this.#trail = isThere ? trail : this.#begin(trail)
    const { agentId, chainId, spans } = readTrail(this.#trail)
    if (agentId !== options.agentId || chainId !== options.chainId) {
      throw new UsageError(`${this.#trail} is a trail of agent ${agentId} on chain ${chainId}`)
    }
    this.#spans = spans.length
  }

  /** The file that answers are added to. */
  get trail(): string {
    return this.#trail
  }

  /** Throws {@link ProxyError} `insufficient_quota` that names the limit. */
  async requireAllowed({ modelVersion, maxFee }: Pick<InferenceRequest, 'modelVersion' | 'maxFee'>): Promise<void> {
    const { key, agentId } = this.#options
    const { perRequest } = this.limits
    const refused = (why: string) => new ProxyError('insufficient_quota', why)
    if (maxFee > perRequest) {
      throw refused(`AboveRequestLimit: the answer may cost ${maxFee} wei, key ${key} may spend ${perRequest} at once`)
    }
    const modelId = BigInt(modelVersion) >> 32n
    const ask = (functionName: string, args: readonly unknown[]) =>
      callContract(this.#rpc, { contract: 'AgentSpending', functionName, args })
    if (!(await ask('mayUse', [key, modelId])))
      throw refused(`ModelNotAllowed: key ${key} may not ask model ${modelId}`)
    if (!(await ask('isLive', [key]))) throw refused(`SessionEnded: key ${key} acts for agent ${agentId} no more`)
  }

  /** Puts `wei` of the purse into the key's channel with a worker. */
  fundCall(worker: Hex, wei: bigint): MoneyCall {
    return { contract: 'AgentSpending', functionName: 'fundChannel', args: [worker, wei] }
  }

  /** Adds a paid answer to the trail. */
  record(name: string, { promptRoot }: Pick<InferenceRequest, 'promptRoot'>, receipt: InferenceReceipt): void {
    if (this.#spans === spansMax) [this.#trail, this.#spans] = [this.#begin(undefined), 1]
    const at = BigInt(Math.floor(this.#nowMs() / 1_000))
    const { requestId: ref, outputRoot: output, fee } = receipt
    addSpan(this.#trail, { parent: 0, kind: 'model', at, name, input: promptRoot, output, ref, fee })
    this.#spans++
  }

  #begin(path: string | undefined): string {
    const { chainId, agentId, dir } = this.#options
    const trailId = bytesToHex(randomBytes(32))
    if (path === undefined) mkdirSync(dir, { recursive: true })
    const file = path ?? join(dir, `${trailId}.jsonl`)
    beginTrail(file, { chainId, agentId, trailId }, Math.floor(this.#nowMs() / 1_000))
    return file
  }
}
