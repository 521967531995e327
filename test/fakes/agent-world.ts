import type { Span } from '../../protocol/agent-trail.ts'
import { spanFields, trailDigest, trailPaid, trailTree } from '../../protocol/agent-trail.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { SumTree } from '../../protocol/sum-tree.ts'
import { siblingsOf } from './money-batch.ts'
import { type Actor, chainId, type MoneyChain, open } from './money-chain.ts'

export type TestPolicy = {
  readonly perRequest?: bigint
  readonly perDay?: bigint
  readonly until?: bigint
  readonly models?: readonly bigint[]
  readonly payees?: readonly Hex[]
}

/** An agent with a key: registered, its purse funded, the key granted and bound to it. */
export class AgentWorld {
  readonly chain: MoneyChain
  readonly owner: Actor
  readonly key: Actor
  agentId = 0n
  purse: Hex = `0x${'00'.repeat(20)}`

  static async create(chain: MoneyChain, policy: TestPolicy = {}): Promise<AgentWorld> {
    const world = new AgentWorld(chain)
    world.agentId = (await chain.send(world.owner, 'AgentRegistry', 'register', ['ipfs://agent'])).result as bigint
    world.purse = String(await chain.read('AgentSpending', 'purseOf', [world.agentId])).toLowerCase() as Hex
    await chain.send(world.owner, 'AgentSpending', 'fund', [world.agentId], { value: 100n * open })
    await world.grant(world.key, policy)
    await chain.send(world.key, 'InferenceMarket', 'bindHome', [world.purse])
    return world
  }

  private constructor(chain: MoneyChain) {
    this.chain = chain
    this.owner = chain.actor('agent owner')
    this.key = chain.actor('agent key')
  }

  async grant(key: Actor, { perRequest = open, perDay = 3n * open, until, models = [], payees = [] }: TestPolicy = {}) {
    const policy = { perRequest, perDay, until: until ?? this.chain.now + 10n * 86_400n }
    return await this.chain.send(this.owner, 'AgentSpending', 'grantSession', [
      ...[this.agentId, key.address, policy, models, payees],
    ])
  }

  async anchor(trailId: Hex, spans: readonly Span[], by: Actor = this.key) {
    return await this.chain.send(by, 'AgentTrails', 'anchor', this.anchorArgs(trailId, spans))
  }

  anchorArgs(trailId: Hex, spans: readonly Span[]): readonly unknown[] {
    const tree = trailTree(spans)
    return [
      ...[this.agentId, trailId, bytesToHex(tree.root), bytesToHex(tree.topHash)],
      ...[spans.length, trailPaid(spans)],
    ]
  }

  /** What a key says of a trail, and its signature. */
  statement(trailId: Hex, spans: readonly Span[], by: Actor = this.key) {
    const value = { agentId: this.agentId, trailId, root: bytesToHex(trailTree(spans).root), spans: spans.length }
    const { r, vs } = by.sign(trailDigest(chainId, value))
    return [value, { r, vs }] as const
  }
}

/** A span as leaf of its trail. */
export function openedSpan(spans: readonly Span[], index: number, tree: SumTree = trailTree(spans)) {
  const span = spans[index]
  if (span === undefined) throw new Error(`no span ${index}`)
  return { span: spanFields(span, index), siblings: siblingsOf(tree, index) }
}

/** An action that cost nothing; of the session itself unless something else is said. */
export function freeSpan(more: Partial<Span> = {}): Span {
  return {
    ...{ parent: 0, kind: 'tool', at: 1_700_000_000n, name: 'session' },
    ...{ input: zeroHash, output: zeroHash, ref: zeroHash, fee: 0n },
    ...more,
  }
}
