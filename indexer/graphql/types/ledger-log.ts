import { column, origin } from '../rows.ts'

export const Shares = {
  version: column('version'),
  platformFee: column('platform_fee'),
  betaBps: column('beta_bps'),
  gammaBps: column('gamma_bps'),
  omegaBps: column('omega_bps'),
  rhoBps: column('rho_bps'),
  blockNumber: column('block'),
}

export const AttributionRule = {
  algoHash: column('hash'),
  from: column('in_force_from'),
  blockNumber: column('block'),
}

export const Declaration = {
  sender: column('sender'),
  kind: column('kind'),
  modelId: column('model_id'),
  datanetId: column('datanet_id'),
  requestId: column('request_id'),
  payload: column('payload'),
  ...origin,
}

export const Heartbeat = {
  epoch: column('epoch'),
  root: column('root'),
  workers: column('workers'),
  ...origin,
}

export const Burn = { from: column('account'), amount: column('amount'), ...origin }
