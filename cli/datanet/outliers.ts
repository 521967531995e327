import { HttpRpcClient } from '../../common/json-rpc.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asJson, contentSource, rpcTimeoutMs } from '../index/sources.ts'
import { datanetFlags, versionRefs } from './datanet-flags.ts'

export const outliers = defineCommand({
  summary:
    'Lists contributions whose words are far rarer than those of the others: noise, shuffled letters, keys, or another language. A list to look at, docs/INTEGRITY.md says what is on it.',
  flags: datanetFlags,
  run: async ({ flags, signal, print }) => {
    const refs = versionRefs(flags.datanet)
    const [{ outliers: outliersOf, wordRarities }, { versionDocuments }] = await Promise.all([
      import('../../attribution/integrity/outliers.ts'),
      import('./version-documents.ts'),
    ])
    const rpc = new HttpRpcClient({ url: flags.rpc, timeoutMs: rpcTimeoutMs, signal })
    const { documents } = await versionDocuments(refs, { rpc, ...(await contentSource(flags, signal)) })
    const found = outliersOf(wordRarities(documents))
    if (flags.json) print(asJson({ documents: documents.length, found }))
    else {
      for (const { contribId, value } of found)
        print(`contribution ${contribId}: ${(value / bit).toFixed(1)} bit a word`)
      print(`${found.length} of ${documents.length} contributions to be looked at`)
    }
    return exitCodes.ok
  },
})

/** Rarities are in 1/65,536 bit. */
const bit = 65_536
