/**
 * Measures how far a server of the OpenAI API is from a model, as docs/CHECKING.md §7 compares them: what a worker's `--float.engine URL` would answer.
 * Usage: tsx scripts/fingerprints/openai.ts URL NAME [ANSWERS] [TOKENS] [MODEL.olm] [ADAPTER.ola], NAME the server's of the model. An adapter is
 * asked for by its root. The questions are those that the shipped model was trained on.
 */
import { readFileSync } from 'node:fs'
import { weightMax } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { adaptedModel, floatOf } from '../../inference/float/dequantise.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile, ownQuestionsFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { openFloatEngine } from '../../worker/backends/float-choice.ts'
import { WorkerError } from '../../worker/worker-error.ts'
import { measuredRow, tableHead } from './measure.ts'

const [url, name, answersText = '14', tokensText = '96', modelFile = baseModelFile, adapterFile] = process.argv.slice(2)
if (url === undefined || name === undefined) {
  process.stderr.write(
    'usage: npx tsx scripts/fingerprints/openai.ts URL NAME [ANSWERS] [TOKENS] [MODEL.olm] [ADAPTER.ola]\n',
  )
  process.exit(2)
}
const rules = {
  greedy: { tempQ16: 0, topK: 0, topPQ16: 65_536 },
  'T 0.8, topK 20, topP 0.95': { tempQ16: Math.round(0.8 * 65_536), topK: 20, topPQ16: Math.round(0.95 * 65_536) },
}
const canonical = decodeModel(readFileSync(modelFile))
const root = modelRoot(canonical)
const text = readTokenizer(canonical.tokenizer)
const questions = JSON.parse(readFileSync(ownQuestionsFile, 'utf8')) as readonly (readonly string[])[]
const inputs = Array.from({ length: Number(answersText) }, (_, i) => [
  canonical.config.bos,
  ...text.encode(`${questions[i]?.[1]} ${questions[i]?.[0]}`),
])
const adapter =
  adapterFile === undefined ? undefined : decodeAdapter(readFileSync(adapterFile), { root, config: canonical.config })
const slots = adapter === undefined ? [] : [{ adapter, weight: weightMax, root: adapterRoot(adapter) }]
const model = adaptedModel(floatOf(canonical), canonical.config, slots)
const open = await openFloatEngine({ kind: 'server', url, model: name }, canonical, root)

try {
  for (const [how, rule] of Object.entries(rules)) {
    process.stdout.write(tableHead(`logits, ${how}`))
    const asked = { model, text, inputs, rule, maxTokens: Number(tokensText) }
    process.stdout.write(await measuredRow(adapter === undefined ? name : 'with the adapter', open(slots), asked))
    if (adapter !== undefined) process.stdout.write(await measuredRow('the adapter left out', open([]), asked))
  }
} catch (error) {
  if (!(error instanceof WorkerError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
