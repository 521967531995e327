/** Of node-llama-cpp's contexts, what is used. */
export type LlamaContext = { getSequence(): LlamaSequence; dispose(): Promise<void> }
export type LlamaSequence = {
  /** Resolves when its place is free again. */
  dispose(): Promise<void>
  controlledEvaluate(items: readonly (number | readonly [number, object])[]): Promise<readonly unknown[]>
}

/** A model that is loaded: its contexts are made of it, and go with it. */
type LoadedModel<Adapter> = {
  create(adapters: readonly Adapter[]): Promise<LlamaContext>
  dispose(): Promise<void>
}
type Named = { readonly root: string; readonly scale: number }
type Open = { readonly context: Promise<LlamaContext>; inUse: number }
type Lease = { readonly sequence: LlamaSequence; readonly release: () => void }

/** Contexts kept, each with keys and values of its own: one more, and one that is not in use goes. */
export const contextsMax = 4
/** Adapters that a model reads: it keeps them all, so one more, and it is loaded anew once nothing is in use. */
export const adaptersReadMax = 64

/** Contexts of one model, one for each set of adapters that answers are made with; whoever finds no room waits for it. */
export class LlamaContexts<Adapter extends Named> {
  readonly #sequences: number
  readonly #load: () => Promise<LoadedModel<Adapter>>
  #model: Promise<LoadedModel<Adapter>> | undefined
  /** By the adapters, the one used the longest ago first. */
  readonly #open = new Map<string, Open>()
  readonly #read = new Set<string>()
  #waiting: (() => void)[] = []
  /** What is opened and closed now, one after another: contexts of one adapter read the same file. */
  #changes: Promise<unknown> = Promise.resolve()

  /** `sequences`: answers of a context at once. */
  constructor(sequences: number, load: () => Promise<LoadedModel<Adapter>>) {
    this.#sequences = sequences
    this.#load = load
  }

  /** Loads the model. */
  async open(): Promise<void> {
    await this.#loaded()
  }

  /** A place for an answer, as soon as there is one. Throws what loading throws. */
  async take(adapters: readonly Adapter[]): Promise<Lease> {
    const key = adapters.map(({ root, scale }) => `${root} ${scale}`).join(' ')
    for (;;) {
      const open = this.#find(key, adapters)
      if (open === undefined) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      else return await this.#lease(key, open)
    }
  }

  async #lease(key: string, open: Open): Promise<Lease> {
    open.inUse++
    try {
      const sequence = (await open.context).getSequence()
      const release = () => {
        sequence
          .dispose()
          .catch(() => undefined)
          .finally(() => this.#release(open))
      }
      return { sequence, release }
    } catch (error) {
      if (this.#open.get(key) === open) this.#open.delete(key)
      this.#release(open)
      throw error
    }
  }

  #release(open: Open): void {
    open.inUse--
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** A context with room, known or new; undefined where there is none. */
  #find(key: string, adapters: readonly Adapter[]): Open | undefined {
    const known = this.#open.get(key)
    if (known !== undefined) {
      if (known.inUse >= this.#sequences) return undefined
      this.#open.delete(key)
      this.#open.set(key, known)
      return known
    }
    if (!this.#makeRoom(adapters)) return undefined
    for (const { root } of adapters) this.#read.add(root)
    const made = { context: this.#change(async () => (await this.#loaded()).create(adapters)), inUse: 0 }
    this.#open.set(key, made)
    return made
  }

  #makeRoom(adapters: readonly Adapter[]): boolean {
    const read = new Set([...this.#read, ...adapters.map(({ root }) => root)])
    if (read.size > adaptersReadMax) return this.#unload()
    if (this.#open.size < contextsMax) return true
    const idle = [...this.#open].find(([, { inUse }]) => inUse === 0)
    if (idle === undefined) return false
    this.#open.delete(idle[0])
    this.#close(async () => (await idle[1].context).dispose())
    return true
  }

  #unload(): boolean {
    if ([...this.#open.values()].some(({ inUse }) => inUse > 0)) return false
    const model = this.#model
    this.#model = undefined
    this.#open.clear()
    this.#read.clear()
    this.#close(async () => (await model)?.dispose())
    return true
  }

  /** What does not close was of no use before. */
  #close(close: () => Promise<void>): void {
    this.#change(close).catch(() => undefined)
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changes.then(change)
    this.#changes = changed.catch(() => undefined)
    return changed
  }

  #loaded(): Promise<LoadedModel<Adapter>> {
    this.#model ??= this.#load()
    this.#model.catch(() => {
      this.#model = undefined
    })
    return this.#model
  }
}
