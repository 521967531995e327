/** Words of the block that threads share. */
const claimWord = 0
const doneWord = 1
const jobWord = 2
const readyWord = 3
export const crewBytes = 16

/** A claim is the phase's number above the next piece's; a phase that is over has the piece {@link closed}. */
const pieceBits = 10
const phaseMask = 2 ** (32 - pieceBits) - 1
const pieceMask = 2 ** pieceBits - 1
const closed = 2 ** (pieceBits - 1)
const piecesMax = 64
/** More than any program has. */
const phasesMax = 2 ** 14
/** Multiplications of int8 in a piece: some µs, several times what it costs to hand one out. */
export const pieceCostDefault = 2 ** 17
/** Looks at a word before a thread sleeps until it changes: some 20 µs. */
const spins = 1000
/** A thread that does a piece for so long has died. */
const pieceMsMax = 30_000

/** Cuts work of `total` units, each of about `cost` multiplications, into pieces. */
export type Each = (total: number, cost: number, work: (from: number, to: number) => void) => void

/** Without other threads. */
export const alone: Each = (total, _, work) => work(0, total)

function piecesOf(total: number, cost: number, pieceCost: number): number {
  return Math.max(1, Math.min(total, piecesMax, Math.floor((total * cost) / pieceCost)))
}

/**
 * Threads that go through the same program of phases. Each phase is cut into pieces, which whoever is free claims; the leader
 * goes on when all are done, whether or not the others had any. Who is late skips to the phase that is on.
 */
export class Leader {
  readonly #words: Int32Array
  #phase = 0
  #lost = false
  readonly #pieceCost: number

  constructor(words: Int32Array, pieceCost: number) {
    this.#words = words
    this.#pieceCost = pieceCost
    Atomics.store(words, claimWord, closed)
  }

  /** A helper went away with a piece of work. */
  get lost(): boolean {
    return this.#lost
  }

  /** Helpers that have started. */
  get helpers(): number {
    return Atomics.load(this.#words, readyWord)
  }

  /** Runs a program, for which helpers wait; `post` sends them the program, and the phase before its first. */
  run(post: (phase: number) => void, program: (each: Each) => void): void {
    post(this.#phase)
    Atomics.add(this.#words, jobWord, 1)
    Atomics.notify(this.#words, jobWord)
    try {
      program(this.#each)
    } catch (error) {
      // Helpers stand in a phase that will not come: what is on now is none of this program.
      this.#phase = (this.#phase + phasesMax) & phaseMask
      Atomics.store(this.#words, claimWord, (this.#phase << pieceBits) | closed)
      Atomics.notify(this.#words, claimWord)
      throw error
    }
  }

  readonly #each: Each = (total, cost, work) => {
    const pieces = piecesOf(total, cost, this.#pieceCost)
    if (pieces === 1) {
      work(0, total)
      return
    }
    this.#phase = (this.#phase + 1) & phaseMask
    Atomics.store(this.#words, doneWord, 0)
    Atomics.store(this.#words, claimWord, this.#phase << pieceBits)
    Atomics.notify(this.#words, claimWord)
    let others = pieces
    for (let piece = this.#claim(); piece < pieces; piece = this.#claim()) {
      doPiece(piece, pieces, total, work)
      others--
    }
    this.#awaitDone(others)
    Atomics.store(this.#words, claimWord, (this.#phase << pieceBits) | closed)
  }

  #claim(): number {
    return Atomics.add(this.#words, claimWord, 1) & pieceMask
  }

  /** Waits until the others have done so many pieces. */
  #awaitDone(pieces: number): void {
    const words = this.#words
    for (let spin = 0; spin < spins; spin++) if (Atomics.load(words, doneWord) >= pieces) return
    for (let done = Atomics.load(words, doneWord); done < pieces; done = Atomics.load(words, doneWord)) {
      if (Atomics.wait(words, doneWord, done, pieceMsMax) === 'timed-out') {
        this.#lost = true
        throw new Error('a thread of the engine does not answer')
      }
    }
  }
}

type Claim = { readonly phase: number; readonly piece: number }

export class Helper {
  readonly #words: Int32Array
  #phase = 0
  #jobs = 0
  readonly #pieceCost: number
  /** A piece of a later phase than where this thread is. */
  #ahead: Claim | undefined

  /** The leader's piece cost: both must cut alike. */
  constructor(words: Int32Array, pieceCost: number) {
    this.#words = words
    this.#pieceCost = pieceCost
    Atomics.add(words, readyWord, 1)
  }

  /** Sleeps until there is another program. */
  awaitProgram(): void {
    while (Atomics.load(this.#words, jobWord) === this.#jobs) Atomics.wait(this.#words, jobWord, this.#jobs)
    this.#jobs = (this.#jobs + 1) | 0
  }

  run(phase: number, program: (each: Each) => void): void {
    this.#phase = phase
    program(this.#each)
  }

  readonly #each: Each = (total, cost, work) => {
    const pieces = piecesOf(total, cost, this.#pieceCost)
    if (pieces === 1) return
    this.#awaitNext()
    for (let claim = this.#claim(); claim !== undefined; claim = this.#claim()) {
      if (claim.piece >= pieces) return
      doPiece(claim.piece, pieces, total, work)
      Atomics.add(this.#words, doneWord, 1)
      Atomics.notify(this.#words, doneWord)
    }
  }

  /** Goes to the next phase of the program, and waits until the leader is there, or further. */
  #awaitNext(): void {
    const before = this.#phase
    this.#phase = (before + 1) & phaseMask
    for (let spin = 0; spin < spins; spin++) if (phaseOf(Atomics.load(this.#words, claimWord)) !== before) return
    for (let word = Atomics.load(this.#words, claimWord); phaseOf(word) === before; ) {
      Atomics.wait(this.#words, claimWord, word)
      word = Atomics.load(this.#words, claimWord)
    }
  }

  /** A piece of this thread's phase; undefined where another one is on. */
  #claim(): Claim | undefined {
    if (this.#ahead === undefined) {
      if (phaseOf(Atomics.load(this.#words, claimWord)) !== this.#phase) return undefined
      const word = Atomics.add(this.#words, claimWord, 1)
      if ((word & pieceMask) >= closed) return undefined
      this.#ahead = { phase: phaseOf(word), piece: word & pieceMask }
    }
    if (this.#ahead.phase !== this.#phase) return undefined
    const claim = this.#ahead
    this.#ahead = undefined
    return claim
  }
}

function phaseOf(word: number): number {
  return word >>> pieceBits
}

function doPiece(piece: number, pieces: number, total: number, work: (from: number, to: number) => void): void {
  work(Math.floor((piece * total) / pieces), Math.floor(((piece + 1) * total) / pieces))
}
