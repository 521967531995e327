import type { Shares } from '../../protocol/fee.ts'
import type { Row } from '../store/store.ts'
import { contractHandlers, noChange } from './event.ts'

/** Index of the RevenueSplitter's events: versions of the split. */
export const revenueSplitter = contractHandlers({
  'SharesSet(uint32,uint128,uint16,uint16,uint16,uint16)': (event, { block, writer }) => {
    const [betaBps, gammaBps, omegaBps, rhoBps] = [event.number(1), event.number(2), event.number(3), event.number(4)]
    const shares = { platformFee: event.uint(0), betaBps, gammaBps, omegaBps, rhoBps }
    writer.insert('shares', sharesRow(event.topicNumber(1), shares, block))
  },
  'Initialized(uint64)': noChange,
})

export function sharesRow(version: number, shares: Shares, block: number): Row {
  return {
    version,
    platform_fee: String(shares.platformFee),
    beta_bps: shares.betaBps,
    gamma_bps: shares.gammaBps,
    omega_bps: shares.omegaBps,
    rho_bps: shares.rhoBps,
    block,
  }
}
