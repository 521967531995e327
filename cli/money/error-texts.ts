/**
 * What users are told of a contract's refusal: the cause, then what to do. `{name}` is the error's argument, `:open` wei, `:time`
 * Unix seconds. `Contract.Name` where two contracts mean different things by one name.
 */
export const errorTexts: Readonly<Record<string, string>> = {
  // Everywhere
  ZeroAmount: 'the amount is 0; give more',
  ZeroAddress: 'the zero address is nobody; give an account',
  TransferFailed: 'a payment to an account was not accepted; name a recipient that takes OPEN',
  NotAllowed: '{caller} may not do this; only another contract of the protocol does',
  NotTimelock: '{caller} may not do this; only the timelock does',
  WrongValue: '{expected:open} must be sent along, not {actual:open}',

  // InferenceMarket: channels
  ChannelTooPoor: 'channel {channel} holds {balance:open} and {needed:open} are needed; deposit more, or ask for less',
  AboveVoucher:
    'the voucher of channel {channel} reaches to {cumulativeCap:open} in all, and {cumulative:open} would be taken: it was settled before or is older than one that was; ask the payer for a new voucher',
  VoucherExpired: 'the voucher of channel {channel} ended at {deadline:time}; ask the payer for a new one',
  NotSignedByPayer:
    'the voucher is signed by {signer}, who is not the payer of channel {channel}; ask the payer of that channel to sign it',
  NoWithdrawal: 'no withdrawal from channel {channel} was asked for; use infer request-withdrawal first',
  TooEarly: 'the withdrawal from channel {channel} is paid from {availableAt:time} on; wait until then',
  'InferenceMarket.NothingOwed': 'nothing is owed to {account}: no request of theirs was refunded',
  'DatanetRegistry.NothingOwed': 'nothing is owed to {author}',

  // InferenceMarket: requests
  WrongChain: 'the request is for chain {chainId}, not this one; make it anew with infer request',
  NotPayer: 'the request is one of {payer}, who alone can open it; sign with the key of that account',
  BadDeadline:
    "the request's deadline {deadline:time} is over or after {latest:time}, the latest allowed; make it anew",
  TooManyAdapters: '{adapters} adapters are more than a request may name',
  AlreadyOpened: 'request {requestId} was opened before; each is opened once, so make one with another nonce',
  RequestNotOpen: 'request {requestId} is not open: it was never opened, or is settled or refunded',
  RequestExpired: 'request {requestId} ended at {deadline:time}; the payer gets its money back by infer refund',
  RequestNotExpired: 'request {requestId} can still be answered until {deadline:time}; ask for the refund after that',
  AboveMaxFee: 'the fee {fee:open} is above the {maxFee:open} that request {requestId} allows',
  BadRequestSegment: 'request {requestId} was opened on chain: its segment is one receipt without a voucher',
  PriceNotValid:
    'price {priceVersion} of model version {modelVersion} in class {class} does not exist or is over; look at model show and make the request with a price that is valid',

  ModelFrozen: 'the model of version {modelVersion} is frozen while a dispute about it is open; ask another model',

  // InferenceMarket: batches
  NotTransaction: '{sender} is a contract or has code; a batch is committed by an account in a transaction of its own',
  TooLate: 'the batch was to be committed by {notAfter:time}; make it anew',
  BadReceiptCount: 'a batch of {count} receipts; 1 to 65536 are allowed',
  BadEntryCount: '{entries} entries are too few or too many for the receipts of the batch',
  BadSegmentCount: '{segments} payers in one batch are too many; commit 32 at most',
  SegmentsDoNotAdd: 'segment {k} does not add up with the receipts of the batch; make the batch anew',
  PartsDoNotAdd: 'the parts of the fees are {parts:open} and the fees {fee:open}; make the batch anew',
  UnknownClass: 'there is no proof class {class}',
  'InferenceMarket.UnderStaked':
    'immature fees of {worker} would need {cover:open} of stake and it has {free:open}; add stake, or wait until earlier batches are mature',
  UnknownBatch: 'there is no batch {batchId} with this header',
  WrongSegments: 'these are not the segments of batch {batchId}',
  AlreadyMature: 'batch {batchId} is mature already',
  BatchIsVoid: 'batch {batchId} is void as a whole; infer refund-batch pays its channels back',
  NotNext: 'batches mature in order: {expected} is next, not {batchId}',
  WindowOpen: 'batch {batchId} can be challenged until {until:time}; it matures after that',
  Held: 'batch {batchId} waits for {holds} data request(s) to be answered',
  NotMature: 'batch {batchId} is not mature yet',
  NoRefund: 'batch {batchId} owes no such refund, or it was paid before',
  NothingToMature: 'no batch was named to mature',
  NoTotals: 'maturing never ended at batch {batchId}',

  // WorkerRegistry
  UnknownWorker: '{worker} is no worker; use worker register first',
  BadPeerId: 'a peer id of {bytes_} bytes; it is a multihash of 1 to 64 bytes',
  BadUnits: '{units} compute units; 1 to 1000000 are allowed',
  BadClasses: 'no or unknown proof classes; name some of 0 to 5',
  'WorkerRegistry.UnderStaked':
    'the compute units need {required:open} of stake and {stake:open} would be there; stake more, or offer fewer units',
  AboveStake: '{amount:open} are more than the stake, {stake:open}',
  NothingUnbonding: 'no stake of {worker} is being unbonded; use worker unbond first',
  StillBonded: 'the stake is unbonded at {availableAt:time}; withdraw it after that',
  NotInJail: '{worker} is not in jail',
  StillInJail: 'the time in jail ends at {until:time}; use worker unjail after that',

  // ModelRegistry
  UnknownModel: 'there is no model {id}',
  UnknownVersion: 'model {id} has no version {version}; look at model show',
  NotModelOwner: 'model {id} belongs to somebody else; sign with the key of its owner (model show)',
  NotLive: 'model {id} is deprecated or frozen: it takes no new versions and prices',
  EmptyManifest: 'the hash of the weights must not be zero',
  ClassNotOffered: 'model {id} does not offer proof class {class}; look at model show',
  DuplicateParent: 'model {parent} is named twice as a parent',
  UnknownDatanet: 'there is no Datanet {id}',
  'ModelRegistry.AlreadyCommitted': 'suite {suiteHash} is committed for model {id} already',
  NotCommitted:
    'suite {suiteHash} was not committed for model {id} in an earlier block; use model commit-eval before the result is known',
  AlreadyRecorded: 'version {version} of model {id} has its result under suite {suiteHash} already',
  BadIndexOrder: 'index {index} of the list is zero or not above the one before it; name the ids in ascending order',
  IndexNotLive: 'the suffix index {indexId} is not published, was retired or proven false',
  AlreadyPublished: 'the index {id} is published already',
  'IndexRegistry.Permissioned': 'Datanet {datanet} is permissioned: its texts stand in no index',
  'IndexRegistry.UnknownVersion': 'Datanet {datanet} has no version {version}',
  BadCounts: 'an index of {documents} documents, {n} entries and {vocab} tokens is none',
  UnknownIndex: 'nobody published the index {id}',
  NotPublisher: 'somebody else published the index {id}',
  AlreadyRetired: 'the index {id} is retired or proven false already',
  BondLocked: 'the bond of the index {id} answers for it until {until:time}',
  'IndexRegistry.FailedCall': 'whoever gets the bond refuses it; name another account',
  NoBond: 'the bond of the index {id} was paid back already, or lost',
  TooManyIndexes: '{indexes} indexes; a version names 8 at most',
  TooManyPayees: '{payees} payees; a royalty vector has 32 at most, so name fewer parents',
  TooManyDatanets: '{datanets} Datanets; a model names 8 at most',
  BadWeights: 'the weights of the Datanets sum to {bps} basis points; 10000 are all',
  BadPriceExpiry: 'the price would end at {validUntil:time}; it must end later than now and by {latest:time}',

  // RoyaltyGraph, asked by the ModelRegistry
  BadEdge: 'the share of parent {parent} is {bps} basis points; 1 to 10000 are allowed',
  Cycle: 'a parent must be older than its child',
  TooManyParents: 'a model names 16 parents at most',
  TooManyAncestors: 'model {id} goes back to too many models',
  Overcommitted: 'the shares of the parents of model {id} are more than the whole',

  // RoyaltyVault
  BadProof: 'the proof does not show what epoch {epoch} owes {payee}; fetch it anew',
  NotFinal: 'epoch {epoch} is not final; wait until its window is over and it is finalized',
  OlderThanLastClaim: 'epoch {lastClaimed} was claimed against already; bring a proof of that epoch or a newer one',
  NotOperator: '{payee} lets only itself and its operators claim, and {caller} is neither',
  LengthMismatch: '{payees} payees and {claims} proofs; there must be a proof for each',
  NotPoolManager: '{caller} does not decide about this pool; the owner of a Datanet does about its pool',
  UnknownPool: 'there is no such pool',

  // DatanetRegistry
  BondInDispute: 'the bond of contribution {contribId} can be released from {releasableAt:time} on',
  UnknownContribution: 'there is no contribution {contribId}',
  WrongDecision: 'contribution {contribId} is not in the state for that',

  // CodeRegistry
  InvalidCode: '"{code}" is no app code: 1 to 32 of a-z, 0-9 and _',
  CodeTaken: 'app code "{code}" belongs to somebody already; choose another',
  Unregistered: 'app code "{code}" is not registered; use claim code-register first',
  NotCodeOwner: 'app code "{code}" belongs to somebody else; sign with the key of its owner',
  URITooLong: 'the URI has {bytes_} bytes; 1024 are allowed',
  CheckpointUnorderedInsertion: 'this was changed for a later day already',
}
