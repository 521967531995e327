import { bytesToBigint, concatBytes, emptyBytes, uintBytes } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { abiPrecompile, customError, encodeResults } from './abi.ts'
import type { GasMeter, PrecompileCall, PrecompileState } from './precompile.ts'

/** The models that a model was made from. Twin of contracts/src/precompiles/RoyaltyGraph.sol, which has the rules. */
export const royaltyGraph = abiPrecompile('RoyaltyGraph', '0x4f4c000000000000000000000000000000000011', [
  {
    signature: 'setEdge(uint64,uint64,uint16,uint8)',
    words: 4,
    async run(args, call, gas) {
      const edge = { parent: args.uint(1, 64), bps: args.uint(2, 16), policy: args.uint(3, 8) }
      gas.charge(baseGas)
      await setEdge(call, args.uint(0, 64), edge, gas)
      return emptyBytes
    },
  },
  {
    signature: 'parents(uint64)',
    words: 1,
    async run(args, { state }, gas) {
      const id = args.uint(0, 64)
      gas.charge(baseGas)
      const edges = await edgesOf(state, id, gas)
      return encodeResults(
        edges.map(({ parent }) => parent),
        edges.map(({ bps }) => bps),
        edges.map(({ policy }) => policy),
      )
    },
  },
  {
    signature: 'ancestors(uint64,uint256)',
    words: 2,
    async run(args, { state }, gas) {
      const [id, max] = [args.uint(0, 64), args.uint(1, 256)]
      gas.charge(baseGas)
      const found = await collect(state, id, 0n, max, gas)
      return encodeResults(found.slice(1))
    },
  },
  {
    signature: 'hasPath(uint64,uint64)',
    words: 2,
    async run(args, { state }, gas) {
      const [id, ancestor] = [args.uint(0, 64), args.uint(1, 64)]
      gas.charge(baseGas)
      if (ancestor >= id) return encodeResults(false)
      const found = await collect(state, id, ancestor, ancestorsMax, gas)
      return encodeResults(found.at(-1) === ancestor)
    },
  },
  {
    signature: 'flatten(uint64,uint256)',
    words: 2,
    async run(args, { state }, gas) {
      const [id, max] = [args.uint(0, 64), args.uint(1, 256)]
      gas.charge(baseGas)
      const found = await collect(state, id, 0n, max, gas)
      const kept = await flow(state, found, gas)
      const paid = found.flatMap((ancestor, i) => {
        const bps = (kept[i] ?? 0n) / basis
        return i > 0 && bps > 0n ? [{ ancestor, bps }] : []
      })
      return encodeResults(
        paid.map(({ ancestor }) => ancestor),
        paid.map(({ bps }) => bps),
      )
    },
  },
])

const baseGas = 100
const gasPerEdge = 60
const registry = '0x4f4c000000000000000000000000000000000002'
const parentsMax = 16
const ancestorsMax = 1_024n
const basis = 10_000n
/** Parts that a revenue is counted in: 10^-4 of a basis point. */
const whole = basis * basis
/** Of every descendant's revenue, or of what its child receives. */
const policies = { absolute: 0n, relative: 1n } as const

type Edge = { readonly parent: bigint; readonly bps: bigint; readonly policy: bigint }

async function setEdge({ caller, state }: PrecompileCall, child: bigint, drawn: Edge, gas: GasMeter): Promise<void> {
  const { parent, bps, policy } = drawn
  if (caller !== registry) throw customError('NotRegistry(address)', BigInt(caller))
  if (child === 0n || parent === 0n || bps === 0n || bps > basis || policy > policies.relative) {
    throw customError('BadEdge(uint64,uint64,uint16,uint8)', child, parent, bps, policy)
  }
  if (parent >= child) throw customError('Cycle()')
  const edges = await edgesOf(state, child, gas)
  const others = edges.filter((edge) => edge.parent !== parent)
  const sum = others.reduce((total, edge) => total + edge.bps, bps)
  if (sum > basis) throw customError('Overcommitted(uint64)', child)
  const place = edges.findIndex((edge) => edge.parent === parent)
  if (place < 0 && edges.length === parentsMax) throw customError('TooManyParents(uint64)', child)
  const lengthSlot = edgesSlot(child)
  if (place < 0) await state.store(lengthSlot, BigInt(edges.length + 1), gas)
  await state.store(edgeSlot(lengthSlot, place < 0 ? edges.length : place), encodeEdge(drawn), gas)
}

/** `id` and its ancestors not below `lowest`, in falling order. */
async function collect(
  state: PrecompileState,
  id: bigint,
  lowest: bigint,
  max: bigint,
  gas: GasMeter,
): Promise<bigint[]> {
  const countMax = max > ancestorsMax ? ancestorsMax : max
  const found = [id]
  for (let i = 0; i < found.length; i++) {
    for await (const { parent } of eachEdge(state, found[i] ?? 0n, gas)) {
      if (parent < lowest) continue
      let at = found.length
      while ((found[at - 1] ?? id) < parent) at--
      if (found[at - 1] === parent) continue
      if (found.length > countMax) throw customError('TooManyAncestors(uint64)', id)
      found.splice(at, 0, parent)
    }
  }
  return found
}

/** Sends a revenue through the graph, children before parents; returns what each model keeps, in parts of `whole`. */
async function flow(state: PrecompileState, found: readonly bigint[], gas: GasMeter): Promise<bigint[]> {
  const kept = found.map((_, i) => (i === 0 ? whole : 0n))
  let fromRoot = 0n
  for (const [i, id] of found.entries()) {
    const received = kept[i] ?? 0n
    for (const { parent, bps, policy } of await edgesOf(state, id, gas)) {
      const isAbsolute = policy === policies.absolute
      const amount = isAbsolute ? bps * basis : (received * bps) / basis
      if (isAbsolute) fromRoot += amount
      else kept[i] = (kept[i] ?? 0n) - amount
      const at = found.indexOf(parent, i + 1)
      kept[at] = (kept[at] ?? 0n) + amount
    }
  }
  const [root = 0n] = kept
  if (fromRoot > root) throw customError('Overcommitted(uint64)', found[0] ?? 0n)
  kept[0] = root - fromRoot
  return kept
}

async function edgesOf(state: PrecompileState, child: bigint, gas: GasMeter): Promise<Edge[]> {
  const edges: Edge[] = []
  for await (const edge of eachEdge(state, child, gas)) edges.push(edge)
  return edges
}

/** One after the other: who stops early has paid for no more than he saw. */
async function* eachEdge(state: PrecompileState, child: bigint, gas: GasMeter): AsyncGenerator<Edge> {
  const slot = edgesSlot(child)
  const count = Number(await state.load(slot, gas))
  for (let i = 0; i < count; i++) {
    gas.charge(gasPerEdge)
    yield decodeEdge(await state.load(edgeSlot(slot, i), gas))
  }
}

/** Storage as solc lays out `mapping(uint64 => uint256[])` at slot 0: the array's length here, its elements behind the hash. */
function edgesSlot(child: bigint): bigint {
  return bytesToBigint(keccak256(concatBytes(uintBytes(child, 32), new Uint8Array(32))))
}

function edgeSlot(lengthSlot: bigint, index: number): bigint {
  return BigInt.asUintN(256, bytesToBigint(keccak256(uintBytes(lengthSlot, 32))) + BigInt(index))
}

/** parent u64 | bps u16 << 64 | policy u8 << 80. */
function encodeEdge({ parent, bps, policy }: Edge): bigint {
  return parent | (bps << 64n) | (policy << 80n)
}

function decodeEdge(word: bigint): Edge {
  return {
    parent: BigInt.asUintN(64, word),
    bps: BigInt.asUintN(16, word >> 64n),
    policy: BigInt.asUintN(8, word >> 80n),
  }
}
