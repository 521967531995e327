import type { Registry } from 'prom-client'
import { type Kzg, versionedHash } from '../../chain/tx/kzg.ts'
import { errorMessage } from '../../common/errors.ts'
import { withoutSecrets } from '../../common/json-rpc.ts'
import type { Log } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { counter } from '../../common/metrics.ts'
import { blobBytes } from '../../protocol/blob-codec.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError, fixedHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { IndexedBlobHash } from '../../protocol/l1-block.ts'
import { L1Error } from './l1-error.ts'

/** Verified blobs kept, 128 KiB each: two full blocks of EIP-7892's BPO2. */
export const blobsCachedMax = 42
/** Bytes of an answer: 128 blobs in hex, several times what a block may hold. */
export const answerBytesMax = 64 * 1024 * 1024
/** Milliseconds a beacon node may take to answer. */
export const beaconRequestMsMax = 20_000

export type BeaconOptions = {
  /** Tried in order; archivers come last. */
  readonly urls: readonly string[]
  /** Seconds of a slot where `/eth/v1/config/spec` is not served. */
  readonly secondsPerSlot?: number | undefined
  /**
   * How blocks are named: by slot, or by execution block number as anvil does. `auto` takes the latter where a node
   * serves neither `/eth/v1/config/spec` nor `/eth/v1/node/version`, which every beacon node must.
   */
  readonly addressing?: 'auto' | 'slot' | 'block-number'
}

/**
 * Reads blobs from beacon nodes and checks each against its versioned hash by recomputing the commitment.
 * API: `/eth/v1/beacon/blobs` (since Fusaka), `/eth/v1/beacon/blob_sidecars` before it.
 */
export class BeaconClient {
  readonly #nodes: readonly BeaconNode[]
  readonly #parts: { readonly kzg: Pick<Kzg, 'commitment'>; readonly log: Log; readonly registry: Registry }
  readonly #verified = new LruCache<Hex, Uint8Array>(blobsCachedMax)

  constructor(
    options: BeaconOptions,
    parts: { readonly kzg: Pick<Kzg, 'commitment'>; readonly log: Log; readonly registry: Registry },
  ) {
    this.#nodes = options.urls.map((url) => new BeaconNode(url.replace(/\/+$/, ''), options))
    this.#parts = parts
  }

  /** The blobs asked for, in that order. Throws {@link L1Error} `unavailable`: a blob is never skipped. */
  readonly blobs = async (ref: L1BlockRef, hashes: readonly IndexedBlobHash[]): Promise<readonly Uint8Array[]> => {
    const wanted = hashes.filter(({ hash }) => this.#verified.get(hash) === undefined)
    const found = new Map<Hex, Uint8Array>()
    const failed: unknown[] = []
    for (const node of this.#nodes) {
      const rest = wanted.filter(({ hash }) => !found.has(hash))
      if (rest.length === 0) break
      try {
        await this.#match(await node.fetch(ref, rest), rest, found)
      } catch (error) {
        failed.push(error)
        beaconFailures(this.#parts.registry).inc()
        this.#parts.log.warn('beacon node failed', {
          endpoint: withoutSecrets(node.url),
          l1Block: ref.number,
          error: errorMessage(error),
        })
      }
    }
    return hashes.map(({ hash, index }) => {
      const blob = found.get(hash) ?? this.#verified.get(hash)
      if (blob !== undefined) return blob
      const cause = failed.at(-1)
      throw new L1Error('unavailable', noBlob(ref, index, this.#nodes.length), cause === undefined ? {} : { cause })
    })
  }

  /** Puts what hashes to a wanted hash into `found`. Answers usually stand in the order asked for. */
  async #match(
    candidates: readonly Uint8Array[],
    wanted: readonly IndexedBlobHash[],
    found: Map<Hex, Uint8Array>,
  ): Promise<void> {
    const hashes = new Set(wanted.map(({ hash }) => hash))
    for (const blob of candidates) {
      if (hashes.size === 0) return
      const hash = versionedHash(await this.#parts.kzg.commitment(blob))
      if (!hashes.delete(hash)) continue
      found.set(hash, blob)
      this.#verified.set(hash, blob)
    }
  }
}

type Addressing = 'block-number' | { readonly genesisTime: bigint; readonly secondsPerSlot: bigint }

class BeaconNode {
  readonly url: string
  readonly #options: BeaconOptions
  #addressing: Addressing | undefined
  #lacksBlobs = false

  constructor(url: string, options: BeaconOptions) {
    this.url = url
    this.#options = options
  }

  /** Blobs of the block, unchecked; possibly more or fewer than asked for. */
  async fetch(ref: L1BlockRef, wanted: readonly IndexedBlobHash[]): Promise<Uint8Array[]> {
    const block = await this.#blockId(ref)
    if (!this.#lacksBlobs) {
      // One comma-separated value: anvil reads repeated parameters as a wrong subset.
      const filter = wanted.map(({ hash }) => hash).join(',')
      const answer = await this.#get(`/eth/v1/beacon/blobs/${block}?versioned_hashes=${filter}`)
      if (answer.found) return listOf(answer.json).map(asBlob)
      if (answer.status !== 404 || !(await this.#isAtRoot(`/eth/v1/beacon/blobs/head`))) this.#lacksBlobs = true
    }
    const indices = wanted.map(({ index }) => index).join(',')
    const answer = await this.#get(`/eth/v1/beacon/blob_sidecars/${block}?indices=${indices}`)
    if (!answer.found) throw new L1Error('unavailable', `no blobs for block ${block}: HTTP ${answer.status}`)
    const sidecars = listOf(answer.json)
    return sidecars.map((sidecar) => asBlob(field(sidecar, 'blob')))
  }

  /** `head` exists on every beacon node: what answers it with 404 does not serve the route at all. */
  async #isAtRoot(path: string): Promise<boolean> {
    const answer = await this.#get(path)
    return answer.found || answer.status === 400
  }

  async #blockId(ref: L1BlockRef): Promise<bigint> {
    this.#addressing ??= await this.#detectAddressing()
    if (this.#addressing === 'block-number') return ref.number
    const { genesisTime, secondsPerSlot } = this.#addressing
    if (ref.timestamp < genesisTime)
      throw new L1Error('unavailable', `block ${ref.number} is older than the beacon chain`)
    return (ref.timestamp - genesisTime) / secondsPerSlot
  }

  async #detectAddressing(): Promise<Addressing> {
    const { addressing = 'auto', secondsPerSlot } = this.#options
    if (addressing === 'block-number') return 'block-number'
    const spec = await this.#get('/eth/v1/config/spec')
    if (addressing === 'auto' && !spec.found && !(await this.#get('/eth/v1/node/version')).found) return 'block-number'
    const genesis = await this.#get('/eth/v1/beacon/genesis')
    if (!genesis.found)
      throw new L1Error('unavailable', `the beacon node does not serve its genesis: HTTP ${genesis.status}`)
    const perSlot = secondsPerSlot === undefined ? undefined : BigInt(secondsPerSlot)
    const fromSpec = spec.found ? decimal(field(field(spec.json, 'data'), 'SECONDS_PER_SLOT')) : undefined
    const seconds = perSlot ?? fromSpec
    if (seconds === undefined || seconds === 0n) {
      throw new L1Error('unavailable', 'the beacon node does not say SECONDS_PER_SLOT; give it as an option')
    }
    const genesisTime = decimal(field(field(genesis.json, 'data'), 'genesis_time'))
    if (genesisTime === undefined) throw new FormatError('beacon genesis without genesis_time')
    return { genesisTime, secondsPerSlot: seconds }
  }

  async #get(path: string): Promise<Answer> {
    let response: Response
    try {
      response = await fetch(this.url + path, {
        headers: { accept: 'application/json' },
        signal: AbortSignal.timeout(beaconRequestMsMax),
      })
    } catch (cause) {
      throw new L1Error('unavailable', `no answer from ${withoutSecrets(this.url)}`, { cause })
    }
    if (!response.ok) {
      await response.body?.cancel()
      if (response.status === 429 || response.status >= 500) {
        throw new L1Error('unavailable', `${withoutSecrets(this.url)} answered HTTP ${response.status}`)
      }
      return { found: false, status: response.status }
    }
    return { found: true, json: JSON.parse(await readText(response)) }
  }
}

type Answer = { readonly found: true; readonly json: unknown } | { readonly found: false; readonly status: number }

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > answerBytesMax) throw new FormatError(`a beacon answer is longer than ${answerBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function listOf(json: unknown): readonly unknown[] {
  const data = field(json, 'data')
  if (!Array.isArray(data)) throw new FormatError('beacon answer without a data list')
  return data
}

function asBlob(value: unknown): Uint8Array {
  return hexToBytes(fixedHex(value, blobBytes, 'blob'))
}

function decimal(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^[0-9]{1,20}$/.test(value) ? BigInt(value) : undefined
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined
}

function noBlob(ref: L1BlockRef, index: number, nodes: number): string {
  const where = nodes === 0 ? 'no beacon node is given' : 'no beacon node has it'
  return `blob ${index} of L1 block ${ref.number} (${ref.hash}) is needed and ${where}`
}

const beaconFailures = (registry: Registry) =>
  counter(registry, 'l1_beacon_failures_total', 'requests for blobs a beacon node failed')
