import { column } from '../rows.ts'

export const Code = {
  code: column('code'),
  owner: column('owner'),
  payout: column('payout'),
  uri: column('uri'),
  registeredAtBlock: column('block'),
}
