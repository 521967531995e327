import { attributionContext } from './attribution-context.ts'
import { influenceDot } from './influence-dot.ts'
import { licenceLattice } from './licence-lattice.ts'
import { merkleSum } from './merkle-sum.ts'
import { minHashSim } from './min-hash-sim.ts'
import type { Precompile } from './precompile.ts'
import { proRata } from './pro-rata.ts'
import { royaltyGraph } from './royalty-graph.ts'
import { spanProof } from './span-proof.ts'
import { toplocCheck } from './toploc-check.ts'

/** Every custom precompile, by rising address. The bytecode of each stands at its address in genesis. */
export const precompiles: readonly Precompile[] = [
  attributionContext,
  royaltyGraph,
  merkleSum,
  spanProof,
  toplocCheck,
  proRata,
  influenceDot,
  minHashSim,
  licenceLattice,
]
