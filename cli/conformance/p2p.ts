import { hasAny, isFields } from './fields.ts'
import { enrRunners } from './p2p/enr.ts'
import { gossipRunner } from './p2p/gossip.ts'
import { reqRespRunner } from './p2p/req-resp.ts'
import type { VectorRunner } from './vector.ts'

const parts: readonly VectorRunner[] = [gossipRunner, reqRespRunner, ...enrRunners]

/** One file may hold all of the formats: each part takes its own sections, and a section nobody takes is a failure. */
const p2pRunner: VectorRunner = {
  name: 'p2p',
  matches: (folder, json) => folder === 'p2p' && parts.some((part) => part.matches(folder, json)),
  run: async (json, report) => {
    if (!isFields(json)) return
    for (const [section, value] of Object.entries(json)) {
      if (typeof value !== 'object' || value === null) continue
      const part = parts.find((one) => one.matches('p2p', { [section]: value }))
      if (part === undefined) report.fail(section, 'a section this runner does not know')
      else if (hasAny(json, section)) await part.run({ [section]: value }, report)
    }
  },
}

/** Runners of folder `p2p`. */
export const runners: readonly VectorRunner[] = [p2pRunner]
