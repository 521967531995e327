import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  encodeTable,
  type InfluenceTable,
  tableExtension,
  tableOf,
  tableRoot,
} from '../../attribution/combined/influence-table.ts'
import { AdapterGradients } from '../../attribution/gradients/gradient-attributor.ts'
import { makeSketches } from '../../attribution/gradients/sketches.ts'
import type { SketchSource } from '../../attribution/influences/query-maker.ts'
import { adapterRoot, encodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { baseModelFile } from '../../inference/models/base-model.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { randomAdapter } from './random-adapter.ts'

const subject = { data: zeroHash, seed: 7, fold: 8 } as const
const exampleTokens = 24

/** The shipped model with an adapter, and the table of influences of some texts, each a contribution's. */
export class SketchedModel {
  readonly dir = mkdtempSync(join(tmpdir(), 'sketched-model-'))
  readonly table: InfluenceTable
  readonly source: SketchSource

  /** The adapter lies in the folder, the table does not. */
  constructor(texts: readonly (readonly [contribution: bigint, text: string])[]) {
    const model = decodeModel(readFileSync(baseModelFile))
    const tokenizer = readTokenizer(model.tokenizer)
    const base = modelRoot(model)
    const adapter = { ...randomAdapter(3, model.config, 8, ['query']), base }
    const gradients = new AdapterGradients(model, adapter, exampleTokens)
    const examples = texts.map(([contribution, text]) => {
      const tokens = [model.config.bos, ...tokenizer.encode(text)].slice(0, exampleTokens)
      return { contribution, gradient: gradients.of({ tokens, from: 1 }) }
    })
    const sketches = makeSketches(gradients.projection(subject.seed, subject.fold), examples)
    const root = adapterRoot(adapter)
    this.table = tableOf({ ...subject, ...sketches, base, adapter: root })
    const { size, rows } = this.table
    this.source = { model: base, adapter: root, table: tableRoot(this.table), size, rows: rows.length }
    writeFileSync(join(this.dir, 'adapter.ola'), encodeAdapter(adapter))
  }

  /** Of the model, the adapter and, once it is given, the table. */
  get folders(): readonly string[] {
    return [dirname(baseModelFile), this.dir]
  }

  get adapter(): Hex {
    return this.source.adapter
  }

  /** What SketchRegistry is told. */
  get registered() {
    const { table: root, size, rows } = this.source
    return { root, size, rows }
  }

  giveTable(): void {
    writeFileSync(join(this.dir, `table${tableExtension}`), encodeTable(this.table))
  }

  close(): void {
    rmSync(this.dir, { recursive: true })
  }
}
