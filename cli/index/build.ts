import { resolve } from 'node:path'
import { UsageError } from '../../common/errors.ts'
import { asText } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { chainFlags } from '../money/money-flags.ts'
import { asModelRef as asVersionRef } from '../money/parsers.ts'
import { asJson, contentFlags, contentSource, rpcTimeoutMs, showProgress } from './sources.ts'

export const build = defineCommand({
  summary:
    'Makes the suffix index of a Datanet version from its contents, in the tokens of a model, and writes it to DIR/INDEX_ID.oli. Publishing it is the next step.',
  flags: {
    datanet: {
      help: 'Datanet and version, as 1.2; 1 is version 1 of Datanet 1 (required)',
      value: 'ID[.VERSION]',
      parse: asVersionRef,
    },
    model: { help: 'model file whose tokenizer makes the tokens (required)', value: 'FILE', parse: asText },
    out: { help: 'folder of index files', value: 'DIR', parse: asText, default: '.' },
    ...contentFlags,
    ...chainFlags,
  },
  run: async ({ flags, signal, print }) => {
    const { datanet: ref, model, out, rpc: url, json } = flags
    if (ref === undefined) throw new UsageError('--datanet is required')
    if (model === undefined) throw new UsageError('--model is required')
    // Loaded when it is known what is wanted: help and wrong flags need none of it.
    const [{ buildVersionIndex }, { readModel }] = await Promise.all([
      import('../../chain/indexes/build-version-index.ts'),
      import('../model/read-model.ts'),
    ])
    const { tokenizer } = readModel(model)
    const rpc = new HttpRpcClient({ url, timeoutMs: rpcTimeoutMs, signal })
    const built = await buildVersionIndex(
      { datanet: ref.id, version: ref.version, tokenizer, dir: resolve(out) },
      { rpc, ...(await contentSource(flags, signal)), onProgress: showProgress },
    )
    const { id, record, file } = built
    if (json) print(asJson({ id, record, file }))
    else {
      print(`index ${id}: ${record.documents} documents, ${record.n - record.documents} tokens`)
      print(`${file}`)
    }
    return exitCodes.ok
  },
})
