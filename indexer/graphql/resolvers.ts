import { scalars } from './scalars.ts'
import { Account } from './types/account.ts'
import {
  Agent,
  AgentFeedback,
  AgentMetadata,
  AgentPayment,
  AgentSession,
  AgentSlash,
  AgentValidation,
  FeedbackResponse,
  Trail,
  TrailLeg,
} from './types/agent.ts'
import { Block, Log, Transaction } from './types/chain.ts'
import { Code } from './types/code.ts'
import { CommitteeCase, CommitteeMember, CommitteeSeat, FingerprintDemand } from './types/committee.ts'
import { Contribution, ContributionFault, ContributionSlash } from './types/contribution.ts'
import { ContributionUsage } from './types/contribution-usage.ts'
import { Datanet, DatanetParameter, DatanetVersion, VersionDiff } from './types/datanet.ts'
import { Demand, Dispute, Evidence, Reward } from './types/dispute.ts'
import { Credit, Epoch, Settlement } from './types/epoch.ts'
import {
  FeeDisbursement,
  GopenHolder,
  Governance,
  GovernanceProposal,
  GovernanceVote,
  GovernorChange,
  LiquidityMove,
  OpenSupply,
  TimelockOperation,
  TimelockRole,
  VoteCheckpoint,
  Voter,
} from './types/governance.ts'
import { Grant, Milestone } from './types/grant.ts'
import { AttributionLabel } from './types/label.ts'
import { AttributionRule, Burn, Declaration, Heartbeat, Shares } from './types/ledger-log.ts'
import { Licence, ModelLicence } from './types/licence.ts'
import { Batch, Channel, Request, Segment, VoidReceipt } from './types/market.ts'
import { Meta } from './types/meta.ts'
import {
  Evaluation,
  Model,
  ModelDatanet,
  ModelParent,
  ModelVersion,
  Price,
  Royalty,
  SketchTable,
} from './types/model.ts'
import { Claim, Operator, Payee } from './types/payee.ts'
import { Pool, PoolFunding, PoolMember } from './types/pool.ts'
import { Query } from './types/query.ts'
import { Entry, Receipt } from './types/receipt.ts'
import {
  ItemDispute,
  ReviewRound,
  ReviewVote,
  SharedLabel,
  ShownSignature,
  SignatureDemand,
  SignatureProof,
  Validator,
} from './types/review.ts'
import { Stake, StakeEvent, StakePool, StakeTerm } from './types/stake.ts'
import { Subscription } from './types/subscription.ts'
import { EvidenceDemand, TextIndex } from './types/text-index.ts'
import { TraceDemand } from './types/trace-demand.ts'
import {
  AccessGrant,
  AccessOffer,
  AccessRequest,
  CountedReputation,
  DatanetGate,
  KeyDelivery,
  ShownCredential,
  UnitBalance,
  UnitIncome,
  UnitProposal,
  UnitVote,
  VersionUnits,
} from './types/units.ts'
import { Slash, Worker } from './types/worker.ts'

/** Resolvers of indexer/schema.graphql, one module a part of the schema. */
export const resolvers = {
  ...scalars,
  Query,
  Subscription,
  Meta,
  Block,
  Transaction,
  Log,
  Account,
  ContributionFault,
  ContributionSlash,
  ContributionUsage,
  Datanet,
  DatanetParameter,
  DatanetVersion,
  VersionDiff,
  Contribution,
  AttributionLabel,
  Code,
  Licence,
  Model,
  ModelLicence,
  Royalty,
  ModelVersion,
  Price,
  Evaluation,
  ModelParent,
  ModelDatanet,
  Worker,
  Slash,
  Channel,
  Request,
  Batch,
  Segment,
  VoidReceipt,
  Receipt,
  Entry,
  Dispute,
  Reward,
  Evidence,
  Demand,
  Epoch,
  Settlement,
  Credit,
  Payee,
  Operator,
  Claim,
  Pool,
  PoolMember,
  PoolFunding,
  Shares,
  AttributionRule,
  Declaration,
  Heartbeat,
  Burn,
  TextIndex,
  EvidenceDemand,
  TraceDemand,
  Validator,
  ReviewRound,
  ReviewVote,
  ItemDispute,
  SharedLabel,
  SignatureProof,
  SignatureDemand,
  ShownSignature,
  SketchTable,
  CommitteeCase,
  CommitteeMember,
  CommitteeSeat,
  FingerprintDemand,
  Agent,
  AgentMetadata,
  AgentSession,
  AgentPayment,
  AgentFeedback,
  FeedbackResponse,
  AgentValidation,
  Trail,
  TrailLeg,
  AgentSlash,
  Grant,
  Milestone,
  Governance,
  GovernanceProposal,
  GovernanceVote,
  GovernorChange,
  TimelockOperation,
  TimelockRole,
  Voter,
  GopenHolder,
  VoteCheckpoint,
  FeeDisbursement,
  OpenSupply,
  LiquidityMove,
  StakePool,
  Stake,
  StakeTerm,
  StakeEvent,
  AccessGrant,
  AccessOffer,
  AccessRequest,
  CountedReputation,
  DatanetGate,
  KeyDelivery,
  ShownCredential,
  UnitBalance,
  UnitIncome,
  UnitProposal,
  UnitVote,
  VersionUnits,
}
