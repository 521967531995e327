import type { VectorRunner } from './vector.ts'

/** Runners of folder `p2p`. */
export const runners: readonly VectorRunner[] = []
