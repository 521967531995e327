import { createHash } from 'node:crypto'
import { type ModelConfig, narrowInput, tilePositions } from '../../inference/model-config.ts'
import { type Op, ops } from '../../inference/trace.ts'

/** Every unit of an answer: `op layer position part` to its values. */
export type Units = ReadonlyMap<string, readonly number[]>

/** The traceRoot, straight from docs/canonical-inference.md §12: all leaves in one map, the tree by recursion. No adapters. */
export function naiveTraceRoot(
  config: ModelConfig,
  units: Units,
  positions: number,
  tin: number,
  width: number,
): string {
  const linear = records(config, units, positions, tin, width, true)
  const derived = records(config, units, positions, tin, width, false)
  const longest = () => {
    const [input, queries] = [inputBytes(config), config.heads * config.headDim]
    const fixed = (8 + 2 * input) * config.dim + (6 + input) * queries + (4 + input) * config.ffnDim + 32
    const tiles = 8 * config.heads * (config.headDim + 2) * Math.ceil(config.context / tilePositions(config))
    const head = 8 + input * config.dim + 96 + 48 * Math.ceil(config.vocab / 256)
    const cache = 4 * config.kvHeads * config.headDim * Math.min(tilePositions(config), config.context)
    return Math.max(4 * config.dim, fixed + tiles, head, cache)
  }
  const { layers, dim, heads, kvHeads, headDim, ffnDim, vocab, context } = config
  const layerRows = heads * headDim + 2 * kvHeads * headDim + 2 * dim + 2 * ffnDim
  const linearLeaf = log2(Math.ceil((4 * layerRows) / 12_288))
  const linearSlabs = layers + 1 + Math.ceil(Math.ceil((4 * vocab) / 12_288) / 2 ** linearLeaf)
  const bits = {
    linear: [log2(linearSlabs), log2(context), linearLeaf] as const,
    derived: [log2(2 * layers + 2), log2(context), log2(Math.ceil(longest() / 4096))] as const,
  }
  // Slabs of the head share its record.
  const roots = [
    root(split(linear, 2 ** linearLeaf * 12_288, layers + 1), 12_288, bits.linear),
    root(derived, 4096, bits.derived),
  ]
  const numbers = [positions, tin, width, ...[bits.linear, bits.derived].map((each) => each.reduce((a, b) => a + b))]
  return sha256(Buffer.of(4), ...numbers.map(u32), ...roots).toString('hex')
}

/** Of an element of a linear's input. */
function inputBytes({ inputMax }: ModelConfig): number {
  return inputMax === narrowInput ? 1 : 2
}

type Records = Map<string, Buffer>

function split(all: Records, slabBytes: number, headSlab: number): Records {
  const out: Records = new Map()
  for (const [name, bytes] of all) {
    const [slab, position] = name.split(' ').map(Number) as [number, number]
    if (slab !== headSlab) out.set(name, bytes)
    else
      for (let k = 0; k * slabBytes < bytes.length; k++)
        out.set(`${slab + k} ${position}`, bytes.subarray(k * slabBytes, (k + 1) * slabBytes))
  }
  return out
}

function records(
  config: ModelConfig,
  units: Units,
  positions: number,
  tin: number,
  width: number,
  isLinear: boolean,
): Records {
  const out: Records = new Map()
  const own = (op: Op) => (op.endsWith('Input') ? inputBytes(config) : ops[op].bytes)
  const of = (op: Op, layer: number, position: number, part = 0, bytes: number = own(op)) =>
    integers(units.get(`${op} ${layer} ${position} ${part}`) ?? [], bytes)
  const tile = tilePositions(config)
  for (let position = 0; position < positions; position++) {
    const tiles = Math.floor(position / tile) + 1
    if (!isLinear) out.set(`0 ${position}`, of('embedding', 0, position))
    for (let layer = 0; layer < config.layers; layer++) {
      const list = isLinear
        ? (['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const).map((op) =>
            of(op, layer, position, 0, width),
          )
        : derivedOps.map((op) => of(op, layer, position))
      for (let head = 0; !isLinear && head < config.heads; head++) {
        for (let element = 0; element < config.headDim + 2; element++) {
          for (let t = 0; t < tiles; t++) {
            list.push(of('attentionTile', layer, position, head * tiles + t).subarray(8 * element, 8 * element + 8))
          }
        }
      }
      out.set(`${layer + 1} ${position}`, Buffer.concat(list))
    }
    if (position < tin - 1) continue
    const head = isLinear
      ? [of('head', 0, position, 0, width)]
      : (['headScale', 'headInput', 'choice'] as const).map((op) => of(op, 0, position))
    for (let part = 0; !isLinear && part < Math.ceil(config.vocab / 256); part++)
      head.push(of('choiceTile', 0, position, part))
    out.set(`${config.layers + 1} ${position}`, Buffer.concat(head))
  }
  for (let layer = 0; !isLinear && layer < config.layers; layer++) {
    for (let t = 0; t * tile < positions; t++) {
      const rows = Array.from({ length: Math.min(tile, positions - t * tile) }, (_, i) => t * tile + i)
      const lists = Array.from({ length: config.kvHeads }, (_, head) =>
        (['cachedKey', 'cachedValue'] as const).flatMap((op) =>
          rows.map((row) => of(op, layer, row).subarray(2 * head * config.headDim, 2 * (head + 1) * config.headDim)),
        ),
      )
      out.set(`${config.layers + 2 + layer} ${t}`, Buffer.concat(lists.flat()))
    }
  }
  return out
}

const derivedOps = [
  'attentionScale',
  'attentionInput',
  'rotatedQuery',
  'attentionMix',
  'outputScale',
  'outputInput',
  'attentionResidual',
  'ffnScale',
  'ffnInput',
  'activation',
  'downScale',
  'downInput',
  'ffnResidual',
] as const

function root(
  all: Records,
  leafBytes: number,
  [slabBits, positionBits, leafBits]: readonly [number, number, number],
): Buffer {
  const leaves = new Map<number, Buffer>()
  for (const [name, bytes] of all) {
    const [slab, position] = name.split(' ').map(Number) as [number, number]
    for (let leaf = 0; leaf * leafBytes < bytes.length; leaf++) {
      const index = (slab * 2 ** positionBits + position) * 2 ** leafBits + leaf
      leaves.set(index, sha256(Buffer.of(0), u32(index), bytes.subarray(leaf * leafBytes, (leaf + 1) * leafBytes)))
    }
  }
  const indexes = [...leaves.keys()].sort((a, b) => a - b)
  const node = (height: number, index: number, within: readonly number[]): Buffer => {
    if (within.length === 0) return Buffer.alloc(32)
    if (height === 0) return leaves.get(index) as Buffer
    const middle = (2 * index + 1) * 2 ** (height - 1)
    const left = node(
      height - 1,
      2 * index,
      within.filter((each) => each < middle),
    )
    return sha256(
      Buffer.of(1),
      left,
      node(
        height - 1,
        2 * index + 1,
        within.filter((each) => each >= middle),
      ),
    )
  }
  return node(slabBits + positionBits + leafBits, 0, indexes)
}

function integers(values: readonly number[], width: number): Buffer {
  const bytes = Buffer.alloc(values.length * width)
  const one = Buffer.alloc(8)
  for (const [i, value] of values.entries()) {
    one.writeBigInt64LE(BigInt(value))
    one.copy(bytes, i * width, 0, width)
  }
  return bytes
}

function log2(count: number): number {
  return Math.ceil(Math.log2(count))
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function sha256(...parts: Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}
