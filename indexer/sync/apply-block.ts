import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { agentRegistry } from '../handlers/agent-registry.ts'
import { agentReviews } from '../handlers/agent-reviews.ts'
import { agentSpending } from '../handlers/agent-spending.ts'
import { agentTrails } from '../handlers/agent-trails.ts'
import { attributionLedger } from '../handlers/attribution-ledger.ts'
import { checkerCommittee } from '../handlers/checker-committee.ts'
import { codeRegistry } from '../handlers/code-registry.ts'
import { datanetAccess } from '../handlers/datanet-access.ts'
import { datanetJudge, datanetRegistry } from '../handlers/datanet-registry.ts'
import { datanetReview } from '../handlers/datanet-review.ts'
import { datanetUnits } from '../handlers/datanet-units.ts'
import { datanetVotes } from '../handlers/datanet-votes.ts'
import { disputeGame } from '../handlers/dispute-game.ts'
import { type ContractHandlers, EventReader } from '../handlers/event.ts'
import { evidenceDemands } from '../handlers/evidence-demands.ts'
import { fingerprintJudge } from '../handlers/fingerprint-judge.ts'
import { feeShares, feeSplitter } from '../handlers/gas-fees.ts'
import { handleGenesis } from '../handlers/genesis.ts'
import { gopen } from '../handlers/gopen.ts'
import { governor } from '../handlers/governor.ts'
import { grants } from '../handlers/grants.ts'
import { indexRegistry } from '../handlers/index-registry.ts'
import { inferenceMarket } from '../handlers/inference-market.ts'
import { handleLabels } from '../handlers/labels.ts'
import { licencePolicy } from '../handlers/licence-policy.ts'
import { liquidityController } from '../handlers/liquidity-controller.ts'
import { modelRegistry } from '../handlers/model-registry.ts'
import { openBurner } from '../handlers/open-burner.ts'
import { revenueSplitter } from '../handlers/revenue-splitter.ts'
import { royaltyVault } from '../handlers/royalty-vault.ts'
import { signatureProofs } from '../handlers/signature-proofs.ts'
import { signatureRegistry } from '../handlers/signature-registry.ts'
import { sketchRegistry } from '../handlers/sketch-registry.ts'
import { stakePool } from '../handlers/stake-pool.ts'
import { timelock } from '../handlers/timelock.ts'
import { traceDemands } from '../handlers/trace-demands.ts'
import { wopen } from '../handlers/wopen.ts'
import { workerRegistry } from '../handlers/worker-registry.ts'
import { BlockWriter } from '../store/block-writer.ts'
import type { Store } from '../store/store.ts'
import type { IndexedBlock, IndexedTransaction } from './chain-client.ts'

/** The contracts whose events the index knows, each event of each. */
export const indexedContracts: ReadonlyMap<string, ContractHandlers> = new Map<string, ContractHandlers>([
  [openLedgerPredeploys.datanetRegistry, datanetRegistry],
  [openLedgerPredeploys.datanetJudge, datanetJudge],
  [openLedgerPredeploys.datanetUnits, datanetUnits],
  [openLedgerPredeploys.datanetVotes, datanetVotes],
  [openLedgerPredeploys.datanetAccess, datanetAccess],
  [openLedgerPredeploys.datanetReview, datanetReview],
  [openLedgerPredeploys.signatureProofs, signatureProofs],
  [openLedgerPredeploys.signatureRegistry, signatureRegistry],
  [openLedgerPredeploys.sketchRegistry, sketchRegistry],
  [openLedgerPredeploys.modelRegistry, modelRegistry],
  [openLedgerPredeploys.licencePolicy, licencePolicy],
  [openLedgerPredeploys.inferenceMarket, inferenceMarket],
  [openLedgerPredeploys.workerRegistry, workerRegistry],
  [openLedgerPredeploys.attributionLedger, attributionLedger],
  [openLedgerPredeploys.royaltyVault, royaltyVault],
  [openLedgerPredeploys.revenueSplitter, revenueSplitter],
  [openLedgerPredeploys.disputeGame, disputeGame],
  [openLedgerPredeploys.codeRegistry, codeRegistry],
  [openLedgerPredeploys.openBurner, openBurner],
  [openLedgerPredeploys.indexRegistry, indexRegistry],
  [openLedgerPredeploys.evidenceDemands, evidenceDemands],
  [openLedgerPredeploys.traceDemands, traceDemands],
  [openLedgerPredeploys.checkerCommittee, checkerCommittee],
  [openLedgerPredeploys.fingerprintJudge, fingerprintJudge],
  [openLedgerPredeploys.agentRegistry, agentRegistry],
  [openLedgerPredeploys.agentReviews, agentReviews],
  [openLedgerPredeploys.agentSpending, agentSpending],
  [openLedgerPredeploys.agentTrails, agentTrails],
  [openLedgerPredeploys.grants, grants],
  [openLedgerPredeploys.gopen, gopen],
  [openLedgerPredeploys.governor, governor],
  [openLedgerPredeploys.timelock, timelock(openLedgerPredeploys.timelock)],
  [openLedgerPredeploys.moneyTimelock, timelock(openLedgerPredeploys.moneyTimelock)],
  [openLedgerPredeploys.stakePool, stakePool],
  [openLedgerPredeploys.feeShares, feeShares],
  [predeploys.feeSplitter, feeSplitter],
  [predeploys.liquidityController, liquidityController],
  [predeploys.wopen, wopen],
])

/** Writes one block with all that follows from it. The caller holds the transaction. Returns the block's digest. */
export function applyBlock(store: Store, block: IndexedBlock, previousDigest: string): string {
  const writer = new BlockWriter(store, block.number, previousDigest)
  if (block.number === 0) handleGenesis(writer)
  for (const tx of block.transactions) {
    writer.insert('tx', transactionRow(tx, block.number))
    const context = { block: block.number, timestamp: block.timestamp, tx, writer }
    for (const log of tx.logs) {
      const [topic0, topic1, topic2, topic3] = log.topics
      const topics = { topic0: topic0 ?? null, topic1: topic1 ?? null, topic2: topic2 ?? null, topic3: topic3 ?? null }
      writer.insert('log', {
        block: block.number,
        idx: log.index,
        tx: tx.index,
        address: log.address,
        ...topics,
        data: log.data,
      })
      if (topic0 !== undefined) indexedContracts.get(log.address)?.get(topic0)?.(new EventReader(log), context)
    }
    handleLabels(tx, context)
  }
  const digest = writer.finish()
  store.run(
    'insert into block values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    block.number,
    block.hash,
    block.parentHash,
    block.timestamp,
    String(block.gasUsed),
    String(block.gasLimit),
    String(block.baseFee),
    block.transactions.length,
    block.stateRoot,
    digest,
  )
  return digest
}

function transactionRow(tx: IndexedTransaction, block: number) {
  return {
    block,
    idx: tx.index,
    hash: tx.hash,
    sender: tx.from,
    recipient: tx.to ?? null,
    type: tx.type,
    nonce: String(tx.nonce),
    value: String(tx.value),
    input: tx.input,
    status: tx.status,
    gas_used: String(tx.gasUsed),
    gas_price: String(tx.gasPrice),
    l1_fee: tx.l1Fee === undefined ? null : String(tx.l1Fee),
    contract: tx.contract ?? null,
  }
}
