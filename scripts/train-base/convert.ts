/**
 * Makes the committed model of trained weights and measures it on held-out documents.
 * Usage: npx tsx scripts/train-base/convert.ts CORPUS WEIGHTS.safetensors MODEL.olm
 * Writes MODEL.olm and beside it MODEL.json, what it was made of; prints the quality.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { convertFrame, convertLayers } from '../../inference/float/convert.ts'
import { encodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseSource } from './base-source.ts'

/** Windows of the context that the smoothing looks at. */
const calibrationWindows = 4

const [corpus = '', weights = '', out = ''] = process.argv.slice(2)
if (out === '') throw new Error('usage: convert.ts CORPUS WEIGHTS.safetensors MODEL.olm')
const source = baseSource(weights, new Uint8Array(readFileSync(join(corpus, 'tokenizer'))))
const packed = new Uint8Array(readFileSync(join(corpus, 'train.tokens')))
const calibration = [...new Uint16Array(packed.buffer, 0, calibrationWindows * source.config.context)]
const model = { ...convertFrame(source), layers: [...convertLayers(source, calibration)] }
const bytes = encodeModel(model)
const manifest = JSON.parse(readFileSync(join(corpus, 'manifest.json'), 'utf8')) as { files: Record<string, string> }
const record = {
  root: modelRoot(model),
  weights: createHash('sha256').update(readFileSync(weights)).digest('hex'),
  corpus: manifest.files,
}
writeFileSync(out, bytes)
writeFileSync(out.replace(/\.olm$/, '.json'), `${JSON.stringify(record, undefined, 2)}\n`)
process.stdout.write(`${record.root} ${bytes.length} bytes\n`)
