import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KzgWorker, versionedHash } from '../../chain/tx/kzg.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'

/** Seconds of a slot: one, so that any two L1 blocks lie in different ones. */
export const secondsPerSlot = 1

/** A beacon node's API over an anvil, as op-node reads it; anvil's own takes block numbers for slots. */
export type FakeBeacon = { readonly url: string; readonly stop: () => Promise<void> }

type L1Block = { readonly number: bigint; readonly timestamp: bigint; readonly hashes: readonly Hex[] }
type Answer = { readonly status: number; readonly json: unknown }

/**
 * Serves genesis, config/spec, node/version, blobs by slot (repeated and comma-separated `versioned_hashes`), and
 * blob_sidecars with commitments and proofs. `lacks` names routes to answer with 404, as older and newer nodes do.
 * API: ethereum/beacon-APIs v4.
 */
export async function startBeacon(
  l1Url: string,
  options: { readonly lacks?: 'blobs' | 'blob_sidecars' } = {},
): Promise<FakeBeacon> {
  const chain = new L1Blobs(l1Url)
  const kzg = new KzgWorker()
  const proven = new Map<Hex, Promise<Proven>>()
  const answer = async (url: URL): Promise<Answer> => {
    const [route = '', slot] = url.pathname.replace('/eth/v1/', '').split(/\/(?=[^/]*$)/)
    switch (`${route}/${slot}`) {
      case 'beacon/genesis':
        return ok({ genesis_time: String(await chain.genesisTime()), genesis_fork_version: '0x00000000' })
      case 'config/spec':
        return ok({ SECONDS_PER_SLOT: String(secondsPerSlot), PRESET_BASE: 'mainnet' })
      case 'node/version':
        return ok({ version: 'fake-beacon/v0.0.0' })
    }
    const kind = route.replace('beacon/', '')
    if ((kind !== 'blobs' && kind !== 'blob_sidecars') || kind === options.lacks) return notFound('no such route')
    if (slot === undefined || !/^[0-9]{1,19}$/.test(slot)) return { status: 400, json: { code: 400, message: 'slot' } }
    const blocks = await chain.blocksAtSlot(BigInt(slot))
    if (blocks.length === 0) return notFound(`no block at slot ${slot}`)
    const all = await chain.blobs(blocks)
    if (kind === 'blobs') {
      const wanted = listOf(url, 'versioned_hashes')
      return ok(all.filter(({ hash }) => wanted.length === 0 || wanted.includes(hash)).map(({ blob }) => blob))
    }
    const indices = listOf(url, 'indices').map(Number)
    const sidecars = all.map((one, index) => ({ ...one, index }))
    const asked = sidecars.filter(({ index }) => indices.length === 0 || indices.includes(index))
    return ok(await Promise.all(asked.map(async (one) => sidecarOf(one, await provenOnce(one, proven, kzg), slot))))
  }
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? '/', 'http://beacon'))
      .catch((error: unknown): Answer => ({ status: 500, json: { code: 500, message: String(error) } }))
      .then((given) => send(request, response, given))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await kzg.stop()
    },
  }
}

/** The blobs of an anvil's blocks, found by the time of the block. */
class L1Blobs {
  readonly #url: string
  readonly #rpc: HttpRpcClient

  constructor(url: string) {
    this.#url = url
    this.#rpc = new HttpRpcClient({ url, timeoutMs: 10_000 })
  }

  async genesisTime(): Promise<bigint> {
    const genesis = await this.#block(0n)
    if (genesis === undefined) throw new Error('the L1 has no block 0')
    return genesis.timestamp
  }

  /**
   * Sought anew for each request: a reorg may have put another block there. Several, because the blocks of anvil's
   * reorgs all have the time of the block before them; those are empty.
   */
  async blocksAtSlot(slot: bigint): Promise<readonly L1Block[]> {
    const time = (await this.genesisTime()) + slot * BigInt(secondsPerSlot)
    let low = 0n
    let high = ((await this.#block('latest'))?.number ?? 0n) + 1n
    // The first block that is not before that time.
    while (low < high) {
      const middle = (low + high) / 2n
      const block = await this.#block(middle)
      if (block !== undefined && block.timestamp < time) low = middle + 1n
      else high = middle
    }
    const found: L1Block[] = []
    for (let block = await this.#block(low); block?.timestamp === time; block = await this.#block(block.number + 1n)) {
      found.push(block)
    }
    return found
  }

  async blobs(blocks: readonly L1Block[]): Promise<readonly { readonly hash: Hex; readonly blob: Hex }[]> {
    const found: { readonly hash: Hex; readonly blob: Hex }[] = []
    for (const { number, hashes } of blocks.filter((block) => block.hashes.length > 0)) {
      const answer = await fetch(`${this.#url}/eth/v1/beacon/blobs/${number}`)
      const { data } = (await answer.json()) as { readonly data: readonly Hex[] }
      if (data.length !== hashes.length) throw new Error(`${data.length} of ${hashes.length} blobs in block ${number}`)
      // anvil gives them in the order of the transactions.
      found.push(...hashes.map((hash, i) => ({ hash, blob: data[i] ?? '0x' })))
    }
    return found
  }

  async #block(at: bigint | 'latest'): Promise<L1Block | undefined> {
    const name = at === 'latest' ? at : `0x${at.toString(16)}`
    const block = (await this.#rpc.request('eth_getBlockByNumber', [name, true])) as {
      readonly number: Hex
      readonly timestamp: Hex
      readonly transactions: readonly { readonly blobVersionedHashes?: readonly Hex[] }[]
    } | null
    if (block === null) return undefined
    const hashes = block.transactions.flatMap(({ blobVersionedHashes = [] }) => blobVersionedHashes)
    return { number: BigInt(block.number), timestamp: BigInt(block.timestamp), hashes }
  }
}

type Proven = { readonly commitment: Uint8Array; readonly proof: Uint8Array }

/** Commitment and proof of a blob, made once. */
function provenOnce(
  { blob, hash }: { readonly blob: Hex; readonly hash: Hex },
  proven: Map<Hex, Promise<Proven>>,
  kzg: KzgWorker,
): Promise<Proven> {
  const prove = async () => {
    const bytes = hexToBytes(blob)
    const commitment = await kzg.commitment(bytes)
    if (versionedHash(commitment) !== hash) throw new Error(`a blob is not that of its hash ${hash}`)
    return { commitment, proof: await kzg.proof(bytes, commitment) }
  }
  const known = proven.get(hash) ?? prove()
  proven.set(hash, known)
  return known
}

function sidecarOf(
  { blob, index }: { readonly blob: Hex; readonly index: number },
  { commitment, proof }: Proven,
  slot: string,
): unknown {
  const zero = `0x${'00'.repeat(32)}`
  return {
    index: String(index),
    blob,
    kzg_commitment: bytesToHex(commitment),
    kzg_proof: bytesToHex(proof),
    signed_block_header: {
      message: { slot, proposer_index: '0', parent_root: zero, state_root: zero, body_root: zero },
      signature: `0x${'00'.repeat(96)}`,
    },
    kzg_commitment_inclusion_proof: Array.from({ length: 17 }, () => zero),
  }
}

/** Values of a parameter that may be repeated, hold several values with commas, or both. */
function listOf(url: URL, name: string): string[] {
  return url.searchParams
    .getAll(name)
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '')
}

const ok = (data: unknown): Answer => ({ status: 200, json: { data } })
const notFound = (message: string): Answer => ({ status: 404, json: { code: 404, message } })

function send(request: IncomingMessage, response: ServerResponse, { status, json }: Answer): void {
  if (request.method !== 'GET') response.writeHead(405).end()
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
}
