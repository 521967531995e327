import type { EventEmitter } from 'node:events'
import { Discv5, type ITransportService as Transport } from '@chainsafe/discv5'
import { ENR, SignableENR } from '@chainsafe/enr'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { counter, gauge } from '../../common/metrics.ts'
import { decodeEnr, type Enr, encodeOpStack, enrAddress, enrOpStack, opStackKey } from '../../protocol/enr.ts'
import { checkKey } from './identity.ts'
import { addressOfRecord, nodeIdOfRecord, type PeerAddress, parseEnodeAddress, parseRecord } from './peer-address.ts'
import type { RecordStore } from './record-store.ts'
import { UdpTransport } from './udp-transport.ts'

/** Time between walks of the network: while peers are wanted, and else. op-node's values. */
export const walkMs = { hungry: 5_000, content: 20_000 } as const
/** Time between writes of the table to disk. */
const saveMs = 5 * 60_000
/** Records kept over a restart: as many as a few buckets of the table hold. */
const recordsMax = 256

export type DiscoveryOptions = {
  /** Of the host: a record's key is the peer's identity. */
  readonly privateKey: Uint8Array
  readonly chainId: bigint
  readonly listenIp: string
  /** UDP; 0 takes any free port. */
  readonly listenPort: number
  /** What the record says in place of what is listened on. Without an IP it is learnt from what peers see of us. */
  readonly advertise: { readonly ip?: string | undefined; readonly udp?: number | undefined; readonly tcp: number }
  /** `enr:` and `enode:` texts. */
  readonly bootnodes: readonly string[]
}

export type DiscoveryParts = {
  readonly store: RecordStore
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
  /** True for addresses outside the networks we may talk to, or banned. */
  readonly isDenied: (ip: string) => boolean
  /** More peers are wanted now. */
  readonly isHungry: () => boolean
  /** A node of our chain was found. */
  readonly onPeer: (peer: PeerAddress & { readonly enr: string }) => void
}

/** Finds nodes of our chain by discv5: a record counts when its `opstack` entry names our chain and version 0. Spec: protocol/rollup-node-p2p.md, "Discv5". */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #parts: DiscoveryParts
  readonly #discv5: Discv5
  readonly #bootnodes: Bootnodes
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #savedMs = 0
  /** Node ids of the records on disk. */
  #stored: ReadonlySet<string> = new Set()

  private constructor(options: DiscoveryOptions, parts: DiscoveryParts, discv5: Discv5, bootnodes: Bootnodes) {
    this.#options = options
    this.#parts = parts
    this.#discv5 = discv5
    this.#bootnodes = bootnodes
    // The library's types of its events are lost on the way through its default export.
    const events = discv5 as unknown as EventEmitter<Record<'discovered' | 'enrAdded', [ENR]>>
    for (const event of ['discovered', 'enrAdded'] as const) events.on(event, (enr) => this.#found(enr))
  }

  /** Throws PeersError for a port that is taken or a bootnode that cannot be read. */
  static async start(options: DiscoveryOptions, parts: DiscoveryParts): Promise<Discovery> {
    const bootnodes = readBootnodes(options.bootnodes)
    const privateKey = privateKeyFromRaw(checkKey(options.privateKey)) as unknown as PrivateKey
    const enr = SignableENR.createV4(privateKey.raw)
    const transport = new UdpTransport(
      { ip: options.listenIp, port: options.listenPort, nodeId: enr.nodeId },
      { isDenied: parts.isDenied, nowMs: parts.clock.nowMs },
    )
    const udp = await transport.bind()
    const { ip, udp: advertisedUdp, tcp } = options.advertise
    const knownIp = ip ?? (isWildcard(options.listenIp) ? undefined : options.listenIp)
    // A later start must have a higher sequence number, or peers keep the record of the run before.
    enr.seq = BigInt(parts.clock.nowMs())
    enr.set(opStackKey, encodeOpStack({ chainId: options.chainId, version: 0n }))
    if (knownIp?.includes(':')) enr.ip6 = knownIp
    else enr.ip = knownIp
    enr.udp = advertisedUdp ?? udp
    enr.tcp = tcp
    const bindAddrs = transport.bindAddrsOfConfig
    const config = { enrUpdate: knownIp === undefined }
    const discv5 = Discv5.create({ enr, privateKey, bindAddrs, transport: transport as unknown as Transport, config })
    const discovery = new Discovery(options, parts, discv5, bootnodes)
    await discovery.#start()
    return discovery
  }

  /** Our own record, `enr:…`. */
  get enr(): string {
    return this.#discv5.enr.encodeTxt()
  }

  /** Records of the table, of all chains. */
  table(): readonly string[] {
    return this.#discv5.kadValues().map((enr) => enr.encodeTxt())
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#save()
    await this.#discv5.stop()
    await this.#running
  }

  async #start(): Promise<void> {
    const { store, log } = this.#parts
    const stored = await store.all()
    this.#stored = new Set(stored.map(([nodeId]) => nodeId))
    this.#add([...stored.map(([, enr]) => String(enr)), ...this.#bootnodes.records])
    await this.#discv5.start()
    log.info('discovery started', { enr: this.enr })
    this.#running = this.#run(this.#stopping.signal)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, registry, isHungry } = this.#parts
    this.#savedMs = clock.nowMs()
    while (!signal.aborted) {
      // A node that lost everyone, or started before its bootnodes did, must find them again.
      if (this.#discv5.connectedPeerCount === 0) await this.#askBootnodes()
      if (!signal.aborted) await this.#discv5.findRandomNode().catch((error: unknown) => this.#failed('walk', error))
      tableGauge(registry).set(this.#discv5.kadValues().length)
      if (clock.nowMs() - this.#savedMs > saveMs) this.#save()
      await clock.sleep(isHungry() ? walkMs.hungry : walkMs.content, signal)
    }
  }

  /** An `enode:` has no record: its own node is asked for it, at distance 0 from itself. */
  async #askBootnodes(): Promise<void> {
    this.#add(this.#bootnodes.records)
    const ask = async (unsigned: ENR) => {
      try {
        for (const enr of await this.#discv5.sendFindNode(unsigned, [0])) this.#discv5.addEnr(enr)
      } catch (error) {
        this.#failed('bootnode', error)
      }
    }
    await Promise.all(this.#bootnodes.unsigned.map(ask))
  }

  #found(record: ENR): void {
    const enr = record.encodeTxt()
    try {
      const decoded = decodeEnr(enr)
      if (!isOfChain(decoded, this.#options.chainId) || !this.#mayTalkTo(decoded)) return
      const address = addressOfRecord(decoded)
      if (address === undefined) return
      found(this.#parts.registry).inc()
      this.#parts.onPeer({ ...address, enr })
    } catch (error) {
      this.#failed('record', error)
    }
  }

  #add(records: readonly string[]): void {
    for (const text of records) {
      try {
        if (this.#mayTalkTo(parseRecord(text))) this.#discv5.addEnr(text)
      } catch (error) {
        this.#failed('record', error)
      }
    }
  }

  #mayTalkTo(enr: Enr): boolean {
    const { ip } = enrAddress(enr)
    return ip === undefined || !this.#parts.isDenied(ip)
  }

  #save(): void {
    const { store, clock } = this.#parts
    this.#savedMs = clock.nowMs()
    const records = this.table().slice(0, recordsMax)
    const kept = new Map(records.map((enr) => [nodeIdOfRecord(decodeEnr(enr)), enr]))
    for (const nodeId of this.#stored) if (!kept.has(nodeId)) store.delete(nodeId)
    for (const [nodeId, enr] of kept) store.put(nodeId, enr)
    this.#stored = new Set(kept.keys())
  }

  #failed(what: string, error: unknown): void {
    if (!this.#stopping.signal.aborted) this.#parts.log.debug('discovery', { what, error: errorMessage(error) })
  }
}

/** Records, and stand-ins without signature for nodes whose records must be asked for. */
type Bootnodes = { readonly records: readonly string[]; readonly unsigned: readonly ENR[] }

/** Throws PeersError and FormatError. */
function readBootnodes(texts: readonly string[]): Bootnodes {
  const records = texts.filter((text) => !text.startsWith('enode:'))
  for (const record of records) parseRecord(record)
  return { records, unsigned: texts.filter((text) => text.startsWith('enode:')).map(unsignedRecord) }
}

/** What an `enode:` says, as a record. A multiaddr would do but for the library, which then refuses the answer. */
function unsignedRecord(url: string): ENR {
  const { ip, udp, publicKey } = parseEnodeAddress(url)
  const octets = Uint8Array.from(ip.split('.').map(Number))
  const port = Uint8Array.of(udp >> 8, udp & 0xff)
  const values = { id: new TextEncoder().encode('v4'), secp256k1: publicKey, ip: octets, udp: port }
  return new ENR(values, 0n, new Uint8Array(64))
}

/** True where the record says that its node serves the chain. */
export function isOfChain(enr: Enr, chainId: bigint): boolean {
  const entry = enrOpStack(enr)
  return entry?.chainId === chainId && entry.version === 0n
}

const isWildcard = (ip: string) => ip === '0.0.0.0' || ip === '::'

const found = (registry: Registry) => counter(registry, 'p2p_discovered_total', 'records of our chain that were found')
const tableGauge = (registry: Registry) => gauge(registry, 'p2p_discovery_table', 'records in the discovery table')
