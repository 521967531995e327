import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { endWorker } from '../../common/end-worker.ts'
import { CodedError } from '../../common/errors.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'

/** EIP-4844, VERSIONED_HASH_VERSION_KZG. */
const versionedHashVersion = 0x01

/** `unavailable`: the worker is stopped or failed. `invalid`: the library refuses the blob. */
export class KzgError extends CodedError<'unavailable' | 'invalid'> {}

/** KZG over blobs (EIP-4844, EIP-7594). Slow work; an implementation must not block the event loop. */
export type Kzg = {
  readonly commitment: (blob: Uint8Array) => Promise<Uint8Array>
  readonly proof: (blob: Uint8Array, commitment: Uint8Array) => Promise<Uint8Array>
  /** 128 proofs, one a cell. */
  readonly cellProofs: (blob: Uint8Array) => Promise<readonly Uint8Array[]>
}

/** For accounts that send no blobs. */
export const noBlobs: Kzg = {
  commitment: () => Promise.reject(new KzgError('invalid', 'this account sends no blobs')),
  proof: () => Promise.reject(new KzgError('invalid', 'this account sends no blobs')),
  cellProofs: () => Promise.reject(new KzgError('invalid', 'this account sends no blobs')),
}

/** EIP-4844, `kzg_to_versioned_hash`. */
export function versionedHash(commitment: Uint8Array): Hex {
  const hash = createHash('sha256').update(commitment).digest()
  hash[0] = versionedHashVersion
  return bytesToHex(hash)
}

/**
 * KZG on a worker thread, started at the first use: c-kzg where it could be compiled (60 ms a commitment), else
 * micro-eth-signer (0.6 to 1 s).
 */
export class KzgWorker implements Kzg {
  readonly #library: 'auto' | 'native' | 'javascript'
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  #worker: Worker | undefined
  /** When the newest thread said that it has its library, or ended. */
  #loaded: Promise<unknown> = Promise.resolve()
  #nextId = 0

  constructor(options: { readonly library?: 'auto' | 'native' | 'javascript' } = {}) {
    this.#library = options.library ?? 'auto'
  }

  /** Begins to load the library, so that the first blob does not wait for it. */
  preload(): void {
    this.#start()
  }

  commitment(blob: Uint8Array): Promise<Uint8Array> {
    return this.#call('commitment', blob)
  }

  proof(blob: Uint8Array, commitment: Uint8Array): Promise<Uint8Array> {
    return this.#call('proof', blob, commitment)
  }

  cellProofs(blob: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.#call('cellProofs', blob)
  }

  async stop(): Promise<void> {
    const [worker, loaded] = [this.#worker, this.#loaded]
    this.#worker = undefined
    if (worker !== undefined) await endWorker(worker, loaded)
    this.#failAll(new KzgError('unavailable', 'the KZG worker was stopped'))
  }

  #call<T>(operation: keyof Kzg, blob: Uint8Array, commitment?: Uint8Array): Promise<T> {
    const worker = this.#start()
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject })
      // A waiting call keeps the process alive, an idle worker does not.
      worker.ref()
      worker.postMessage({ id, operation, blob, commitment })
    })
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./kzg-worker.mjs', import.meta.url), { workerData: { library: this.#library } })
    worker.on('message', (message: WorkerAnswer) => this.#settle(message))
    worker.on('error', (cause) => {
      if (this.#worker === worker) this.#worker = undefined
      this.#failAll(new KzgError('unavailable', 'the KZG worker failed', { cause }))
    })
    this.#loaded = new Promise<void>((resolve) => {
      worker.once('message', () => resolve())
      worker.once('exit', () => resolve())
    })
    worker.unref()
    this.#worker = worker
    return worker
  }

  #settle(message: WorkerAnswer): void {
    if (!('id' in message)) return
    const call = this.#calls.get(message.id)
    this.#calls.delete(message.id)
    if (this.#calls.size === 0) this.#worker?.unref()
    if ('error' in message) call?.reject(new KzgError('invalid', `KZG: ${message.error}`))
    else call?.resolve(message.value as never)
  }

  #failAll(error: Error): void {
    for (const call of this.#calls.values()) call.reject(error)
    this.#calls.clear()
  }
}

type WorkerAnswer =
  | { readonly ready: string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }
