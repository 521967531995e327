/** Proof classes of answers whose proofs are checked: the whole trace is at hand. */
export const exactClass = 1
/** What the batch's beacon draws of the trace. */
export const sampledClass = 2
/** Fingerprints of float engines. */
export const fingerprintClass = 3
