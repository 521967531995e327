import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'

export type KeptVote = { readonly isWrong: boolean; readonly salt: Hex }

/** Votes of cases that are over are forgotten after so many others. */
const votesMax = 65_536

/**
 * What was voted, with the salt that shows it: on disk before the vote leaves the process, because whoever sent a vote and cannot show
 * it is slashed. The first one of a case stays.
 */
export class VoteJournal {
  readonly #db: Database.Database

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    this.#db = new Database(file)
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    this.#db.exec(
      'create table if not exists vote (id integer primary key, case_id text unique, wrong integer, salt text)',
    )
  }

  get(caseId: Hex): KeptVote | undefined {
    const row = this.#db.prepare('select wrong, salt from vote where case_id = ?').get(caseId)
    const { wrong, salt } = (row ?? {}) as { wrong?: number; salt?: Hex }
    return salt === undefined ? undefined : { isWrong: wrong === 1, salt }
  }

  /** Keeps a vote with a new salt, unless there is one of the case; the one that holds. */
  keep(caseId: Hex, isWrong: boolean): KeptVote {
    const insert = this.#db.prepare('insert or ignore into vote (case_id, wrong, salt) values (?, ?, ?)')
    insert.run(caseId, isWrong ? 1 : 0, bytesToHex(randomBytes(32)))
    this.#db.prepare('delete from vote where id <= (select max(id) from vote) - ?').run(votesMax)
    return this.get(caseId) ?? { isWrong, salt: '0x' }
  }

  close(): void {
    this.#db.close()
  }
}
