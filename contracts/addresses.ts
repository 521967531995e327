/** An L2 address, lower case. */
export type ContractAddress = `0x${string}`

/** OP Stack predeploys of the L2. Spec: protocol/predeploys.md, custom-gas-token/predeploys.md. */
export const predeploys = {
  legacyMessagePasser: '0x4200000000000000000000000000000000000000',
  deployerWhitelist: '0x4200000000000000000000000000000000000002',
  wopen: '0x4200000000000000000000000000000000000006',
  l2CrossDomainMessenger: '0x4200000000000000000000000000000000000007',
  gasPriceOracle: '0x420000000000000000000000000000000000000f',
  l2StandardBridge: '0x4200000000000000000000000000000000000010',
  sequencerFeeVault: '0x4200000000000000000000000000000000000011',
  optimismMintableErc20Factory: '0x4200000000000000000000000000000000000012',
  l1BlockNumber: '0x4200000000000000000000000000000000000013',
  l2Erc721Bridge: '0x4200000000000000000000000000000000000014',
  l1Block: '0x4200000000000000000000000000000000000015',
  l2ToL1MessagePasser: '0x4200000000000000000000000000000000000016',
  optimismMintableErc721Factory: '0x4200000000000000000000000000000000000017',
  proxyAdmin: '0x4200000000000000000000000000000000000018',
  baseFeeVault: '0x4200000000000000000000000000000000000019',
  l1FeeVault: '0x420000000000000000000000000000000000001a',
  operatorFeeVault: '0x420000000000000000000000000000000000001b',
  schemaRegistry: '0x4200000000000000000000000000000000000020',
  eas: '0x4200000000000000000000000000000000000021',
  nativeAssetLiquidity: '0x4200000000000000000000000000000000000029',
  liquidityController: '0x420000000000000000000000000000000000002a',
  feeSplitter: '0x420000000000000000000000000000000000002b',
} as const satisfies Record<string, ContractAddress>

/** OpenLedger's own predeploys: ASCII "OL" and a number. */
export const openLedgerPredeploys = {
  datanetRegistry: '0x4f4c000000000000000000000000000000000001',
  modelRegistry: '0x4f4c000000000000000000000000000000000002',
  inferenceMarket: '0x4f4c000000000000000000000000000000000003',
  workerRegistry: '0x4f4c000000000000000000000000000000000004',
  attributionLedger: '0x4f4c000000000000000000000000000000000005',
  royaltyVault: '0x4f4c000000000000000000000000000000000006',
  revenueSplitter: '0x4f4c000000000000000000000000000000000007',
  stakePool: '0x4f4c000000000000000000000000000000000008',
  disputeGame: '0x4f4c000000000000000000000000000000000009',
  agentRegistry: '0x4f4c00000000000000000000000000000000000a',
  codeRegistry: '0x4f4c00000000000000000000000000000000000b',
  /** OPEN that votes. */
  gopen: '0x4f4c00000000000000000000000000000000000c',
  governor: '0x4f4c00000000000000000000000000000000000d',
  /** Owner of OpenLedger's contracts but for those of `moneyTimelock`. */
  timelock: '0x4f4c00000000000000000000000000000000000e',
  licencePolicy: '0x4f4c00000000000000000000000000000000000f',
  /** L2 side of the OPEN bridge; past the 1f numbers that the contracts and precompiles of DESIGN §3 take. */
  openBridge: '0x4f4c000000000000000000000000000000000020',
  openBurner: '0x4f4c000000000000000000000000000000000021',
  /** Validators of contributions, and what anybody can show of their signatures. */
  datanetReview: '0x4f4c000000000000000000000000000000000033',
  signatureProofs: '0x4f4c000000000000000000000000000000000045',
  /** Owner of the contracts that hold other people's money: market, ledger, vault and disputes. PROTOCOL §7. */
  moneyTimelock: '0x4f4c000000000000000000000000000000000022',
  /** Judges of the DisputeGame: no state, asked with its own calldata. */
  receiptJudge: '0x4f4c000000000000000000000000000000000023',
  entryJudge: '0x4f4c000000000000000000000000000000000024',
  epochJudge: '0x4f4c000000000000000000000000000000000025',
  /** Makes the calls of the attribution ledger's users, so that none is made in the ledger's name. */
  attributionCaller: '0x4f4c000000000000000000000000000000000026',
  /** Judge of answers to the attribution ledger's data requests. */
  answerJudge: '0x4f4c000000000000000000000000000000000027',
  indexRegistry: '0x4f4c000000000000000000000000000000000028',
  /** Judge of spans, beside those above. */
  spanJudge: '0x4f4c000000000000000000000000000000000029',
  evidenceDemands: '0x4f4c00000000000000000000000000000000002a',
  traceDemands: '0x4f4c00000000000000000000000000000000002b',
  /** Contributions that their authors signed, and judge of contributions and versions. */
  datanetRelay: '0x4f4c000000000000000000000000000000000044',
  datanetJudge: '0x4f4c00000000000000000000000000000000003b',
  /** A Datanet's shares, who may use it, and its holders' votes. */
  datanetUnits: '0x4f4c000000000000000000000000000000000034',
  datanetAccess: '0x4f4c000000000000000000000000000000000035',
  datanetVotes: '0x4f4c000000000000000000000000000000000036',
  /** Staked checkers who judge by vote what no contract can compute. */
  checkerCommittee: '0x4f4c000000000000000000000000000000000038',
  fingerprintJudge: '0x4f4c000000000000000000000000000000000039',
  /** Judges of one step each. */
  linearStep: '0x4f4c00000000000000000000000000000000002c',
  quantiseStep: '0x4f4c00000000000000000000000000000000002d',
  elementStep: '0x4f4c00000000000000000000000000000000002e',
  attentionStep: '0x4f4c00000000000000000000000000000000002f',
  choiceStep: '0x4f4c000000000000000000000000000000000030',
  /** Judges of inference: what a step is part of, and where an answer ends. */
  traceJudge: '0x4f4c000000000000000000000000000000000031',
  stopJudge: '0x4f4c000000000000000000000000000000000032',
  /** Judges of algoHash v2, and what they ask: MinHash signatures that were shown, tables of influences. */
  sketchJudge: '0x4f4c00000000000000000000000000000000003a',
  signatureRegistry: '0x4f4c00000000000000000000000000000000003c',
  shareJudge: '0x4f4c00000000000000000000000000000000003d',
  sketchRegistry: '0x4f4c000000000000000000000000000000000043',
  /** Escrows that pay on attestations. */
  grants: '0x4f4c000000000000000000000000000000000037',
  /** Of agents: what others say of them, what their keys may spend, what they did. */
  agentReviews: '0x4f4c000000000000000000000000000000000040',
  agentSpending: '0x4f4c000000000000000000000000000000000041',
  agentTrails: '0x4f4c000000000000000000000000000000000042',
  /** Divides the fee vaults' money. */
  feeShares: '0x4f4c00000000000000000000000000000000003e',
} as const satisfies Record<string, ContractAddress>

/** Sends the L1-attributes transaction. Spec: protocol/deposits.md, "L1 Attributes Depositor Account". */
export const depositorAccount = '0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001'
