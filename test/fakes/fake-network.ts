import type { BlockNetwork, PeerSummary } from '../../p2p/blocks/block-network.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'

/** A block network whose peers are functions: what each answers to a request for a block. */
export class FakeNetwork
  implements Pick<BlockNetwork, 'peerId' | 'peers' | 'request' | 'reportInvalid' | 'connect' | 'disconnect'>
{
  peerId = 'us'
  readonly answers = new Map<string, (number: bigint) => PayloadEnvelope | undefined | Error>()
  readonly summaries = new Map<string, PeerSummary>()
  readonly requests: { readonly peerId: string | undefined; readonly number: bigint }[] = []
  readonly reported: string[] = []
  readonly dialled: string[] = []
  /** Addresses that answer a dial; the others fail. */
  readonly reachable = new Set<string>()
  inFlightMax = 0
  #inFlight = 0

  add(peerId: string, change: Partial<PeerSummary> = {}): void {
    this.summaries.set(peerId, {
      peerId,
      address: '/ip4/10.0.0.1/tcp/9222',
      direction: 'outbound',
      score: 0,
      gossipBlocks: true,
      protocols: ['/opstack/req/payload_by_number/901/0'],
      isStatic: false,
      ...change,
    })
  }

  serve(peerId: string, answer: (number: bigint) => PayloadEnvelope | undefined | Error): void {
    this.add(peerId)
    this.answers.set(peerId, answer)
  }

  readonly peers = (): readonly PeerSummary[] => [...this.summaries.values()]

  readonly request: BlockNetwork['request'] = async (number, { peerId } = {}) => {
    this.requests.push({ peerId, number })
    this.inFlightMax = Math.max(this.inFlightMax, ++this.#inFlight)
    await new Promise((resolve) => setImmediate(resolve))
    this.#inFlight--
    const answer = this.answers.get(peerId ?? '')?.(number)
    if (answer instanceof Error) throw answer
    return answer
  }

  readonly reportInvalid = (peerId: string): void => {
    this.reported.push(peerId)
  }

  readonly connect = async (address: string): Promise<void> => {
    this.dialled.push(address)
    if (!this.reachable.has(address)) throw new Error(`${address} does not answer`)
    this.add(address.split('/p2p/')[1] ?? '', { address })
  }

  readonly disconnect = async (peerId: string): Promise<void> => {
    this.summaries.delete(peerId)
  }
}
