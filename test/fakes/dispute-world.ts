import {
  type AbiFunction,
  decodeFunctionData,
  encodeFunctionData,
  encodeFunctionResult,
  parseAbi,
  toFunctionSelector,
} from 'viem'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { loadArtifact } from './artifact.ts'
import { type Actor, MoneyChain, open, Reverted } from './money-chain.ts'

const batchHeader =
  'struct BatchHeader { uint64 batchId; address worker; uint64 committedAt; uint64 l2Block; bytes32 receiptRoot; uint32 count; uint128[10] sums; uint8 class; bytes32 dataHash; bytes32 segmentsHash; }'
const segment =
  'struct Segment { bytes32 channel; uint32 count; uint128 fee; bytes32 requestId; uint128 maxFee; uint128 cumulativeCap; uint64 deadline; bytes32 r; bytes32 vs; }'

/** What the judges and DisputeGame ask of other contracts. */
const abi = parseAbi([
  batchHeader,
  segment,
  'struct Price { uint128 rin; uint128 rout; uint64 validUntil; uint32 sharesVersion; uint64 setAt; }',
  'struct Shares { uint128 platformFee; uint16 betaBps; uint16 gammaBps; uint16 omegaBps; uint16 rhoBps; }',
  'struct EpochHeader { uint64 epoch; bytes32 parentRoot; uint64 firstBatch; uint64 lastBatch; bytes32 creditsRoot; uint128 creditsSum; uint32 creditsCount; bytes32 payoutRoot; uint128 payoutSum; uint32 payoutCount; bytes32 dataHash; bytes32 algoHash; }',
  'struct Totals { uint64 receipts; uint64 entries; uint128 payable_; uint128 platform; uint128 stakers; }',
  'struct EpochRecord { EpochHeader header; address proposer; uint64 proposedAt; uint128 bond; Totals totals; }',
  'function revertEpoch(EpochRecord record, address winner) returns (uint256)',
  'function isAlgoInForce(bytes32, uint64) view returns (bool)',
  'function batchHash(uint64) view returns (bytes32)',
  'function isVoid(uint64, uint32) view returns (bool)',
  'function receiptsThrough(uint64) view returns (uint64)',
  'function voidReceipt(BatchHeader header, uint32 index, uint128[10] row, bytes32 channel, bytes32 requestId)',
  'function voidBatch(BatchHeader header, Segment[] segments)',
  'function priceOf(bytes32, uint8, uint32) view returns (Price)',
  'function royaltyHashOf(bytes32) view returns (bytes32)',
  'function indexSetHashOf(bytes32) view returns (bytes32)',
  'function trainedOnHashOf(bytes32) view returns (bytes32)',
  'function payeeAt(uint64, uint64) view returns (address)',
  'function sharesOf(uint32) view returns (Shares)',
  'function payoutAt(bytes32, uint64) view returns (address)',
  'function payoutOfAt(uint64, uint64) view returns (address)',
  'function datanetCount() view returns (uint64)',
  'struct SketchTable { bytes32 root; uint32 size; uint16 rows; }',
  'function shownBefore(uint64, uint64) view returns (bytes32)',
  'function tableAt(bytes32, bytes32, uint64) view returns (SketchTable)',
  'function slash(address worker, uint8 fault, uint256 feeBase, address beneficiary) returns (uint256)',
])

const asked = {
  InferenceMarket: ['batchHash', 'isVoid', 'receiptsThrough', 'voidReceipt', 'voidBatch'],
  ModelRegistry: ['priceOf', 'royaltyHashOf', 'indexSetHashOf', 'trainedOnHashOf', 'payeeAt'],
  RevenueSplitter: ['sharesOf'],
  CodeRegistry: ['payoutAt'],
  DatanetRegistry: ['payoutOfAt', 'datanetCount'],
  WorkerRegistry: ['slash'],
  AttributionLedger: ['revertEpoch', 'isAlgoInForce'],
  SignatureRegistry: ['shownBefore'],
  SketchRegistry: ['tableAt'],
} as const
type Asked = keyof typeof asked
type Question = (typeof asked)[Asked][number]

const places: Readonly<Record<Asked, Hex>> = {
  InferenceMarket: openLedgerPredeploys.inferenceMarket,
  ModelRegistry: openLedgerPredeploys.modelRegistry,
  RevenueSplitter: openLedgerPredeploys.revenueSplitter,
  CodeRegistry: openLedgerPredeploys.codeRegistry,
  DatanetRegistry: openLedgerPredeploys.datanetRegistry,
  WorkerRegistry: openLedgerPredeploys.workerRegistry,
  AttributionLedger: openLedgerPredeploys.attributionLedger,
  SignatureRegistry: openLedgerPredeploys.signatureRegistry,
  SketchRegistry: openLedgerPredeploys.sketchRegistry,
}

export type Judge =
  | 'ReceiptJudge'
  | 'EntryJudge'
  | 'EpochJudge'
  | 'AnswerJudge'
  | 'SpanJudge'
  | 'EvidenceDemands'
  | 'ShareJudge'
  | 'SketchJudge'

/** A call that changes something, as DisputeGame made it. */
export type Call = { readonly name: string; readonly args: readonly unknown[] }

/** DisputeGame and its judges, behind their proxies, over contracts that give the answers that a test sets. */
export class DisputeWorld {
  readonly chain: MoneyChain
  readonly challenger: Actor

  static async create(): Promise<DisputeWorld> {
    start ??= placed()
    return new DisputeWorld(await (await start).fork())
  }

  constructor(chain: MoneyChain) {
    this.chain = chain
    this.challenger = chain.actor('challenger')
  }

  /** Sets what a function returns for these arguments, or without them for all others. `pays` wei go to the caller. */
  async answer(name: Question, args: readonly unknown[] | undefined, result?: unknown, pays?: bigint): Promise<void> {
    const item = functionOf(name)
    const data =
      args === undefined ? toFunctionSelector(item) : encodeFunctionData({ abi, functionName: name, args } as never)
    const encoded = encodeFunctionResult({ abi, functionName: name, result } as never)
    const logged = item.stateMutability !== 'view'
    await this.chain.evm.call(answersAt(placeOf(name)), 'set', [data, encoded, logged, pays ?? 0n])
  }

  /** What a judge finds: the fault's number, or the name of the error that it refuses with. */
  async ask(judge: Judge, name: string, args: readonly unknown[]): Promise<number | string> {
    try {
      return Number((await this.chain.send(this.challenger, judge, name, args)).result)
    } catch (error) {
      if (error instanceof Reverted) return error.error
      throw error
    }
  }

  /** Sends a challenge; the gas it took and what DisputeGame had the other contracts do. */
  async challenge(name: string, args: readonly unknown[], by: Actor = this.challenger) {
    const { gas, events } = await this.chain.send(by, 'DisputeGame', name, args)
    const calls = events.flatMap((event): Call[] => {
      if (event.name !== 'Called') return []
      const { functionName, args: given } = decodeFunctionData({ abi, data: event.args['data'] as Hex })
      return [{ name: functionName, args: given as readonly unknown[] }]
    })
    return { gas, events, calls }
  }
}

let start: Promise<MoneyChain> | undefined

async function placed(): Promise<MoneyChain> {
  const chain = await MoneyChain.create()
  const answers = loadArtifact('Answers')
  for (const address of Object.values(places)) {
    const account = chain.evm.state.account(address)
    account.storage.clear()
    account.balance += open
    await chain.evm.place(address, answers.abi, hexToBytes(answers.bytecode))
  }
  return chain
}

function functionOf(name: Question): AbiFunction {
  const item = abi.find((each) => each.name === name)
  if (item === undefined) throw new Error(`nobody is asked ${name}`)
  return item
}

function placeOf(name: Question): Hex {
  const contract = (Object.keys(asked) as Asked[]).find((each) => (asked[each] as readonly string[]).includes(name))
  if (contract === undefined) throw new Error(`nobody is asked ${name}`)
  return places[contract]
}

const answersAt = (address: Hex) => ({ abi: loadArtifact('Answers').abi, address })
