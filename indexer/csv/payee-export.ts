import type { ServerResponse } from 'node:http'
import type { Store } from '../store/store.ts'
import { missingEpochs, payeeYear } from './payee-year.ts'

/** Lists written at once. */
export const exportsMax = 4
/** A reader that takes nothing for so long is cut: it holds one of them. */
const readerMsMax = 30_000
/** Bytes handed over in one go. */
const chunkChars = 64 * 1024

const route = /^\/payees\/(0x[0-9a-fA-F]{40})\/(\d{4})\.csv$/

/**
 * Serves `/payees/0x…/YEAR.csv`: credits and claims of a UTC year. Streamed at the reader's pace from one state of the index; a
 * reorg of that state breaks the answer off, so that no list is of two chains.
 */
export class PayeeExports {
  readonly #store: Store
  #open = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** False where the path is not one of these. */
  answer(path: string, response: ServerResponse): boolean {
    const [, payee, year] = route.exec(path) ?? []
    if (payee === undefined) return false
    const at = this.#store.cursor()
    if (at === undefined) return refuse(response, 503, 'nothing is indexed yet')
    const of = { payee: payee.toLowerCase(), year: Number(year), at: at.number }
    const missing = missingEpochs(this.#store, of)
    if (missing.length > 0) return refuse(response, 503, `the data of these epochs is missing: ${missing.join(', ')}`)
    if (this.#open >= exportsMax) return refuse(response, 503, `${exportsMax} lists are being written; try again later`)
    response.writeHead(200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${of.payee}-${year}.csv"`,
    })
    void this.#write(payeeYear(this.#store, of), at.hash, at.number, response)
    return true
  }

  async #write(lines: Iterable<string>, hash: string, number: number, response: ServerResponse): Promise<void> {
    this.#open++
    try {
      let chunk = ''
      for (const line of lines) {
        chunk += line
        if (chunk.length < chunkChars) continue
        const isTaken = await handedOver(response, chunk)
        if (!isTaken || this.#store.blockHash(number) !== hash) return void response.destroy()
        chunk = ''
      }
      response.end(chunk)
    } catch {
      // The index went away while the list was read.
      response.destroy()
    } finally {
      this.#open--
    }
  }
}

function refuse(response: ServerResponse, status: number, why: string): true {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${why}\n`)
  return true
}

/** Writes and waits until the reader has taken it, and for a turn of everything else; false where the reader is gone. */
function handedOver(response: ServerResponse, chunk: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve(false)
    const done = (isTaken: boolean) => () => {
      clearTimeout(timer)
      response.off('drain', taken)
      response.off('close', gone)
      resolve(isTaken)
    }
    const [taken, gone] = [done(true), done(false)]
    const timer = setTimeout(gone, readerMsMax)
    response.on('close', gone)
    if (response.write(chunk)) setImmediate(taken)
    else response.on('drain', taken)
  })
}
