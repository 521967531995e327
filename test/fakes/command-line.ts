import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { openledgerHere, type Ran } from './money-cli.ts'
import { ServedChain } from './served-chain.ts'

/** A dev account by its number, or whoever has a key. */
export type Who = number | { readonly key: Hex }

/** An event of a receipt; amounts are decimal, in wei. */
type Event = { readonly name: string; readonly args: Readonly<Record<string, string>> }

export const addressOf = (account: number): Hex =>
  bytesToHex(privateKeyAddress(hexToBytes(devPrivateKeys[account] ?? '0x')))

/** People at the command line of a chain, with a folder for their files. */
export class CommandLine {
  readonly served: ServedChain
  readonly dir = mkdtempSync(join(tmpdir(), 'openledger-people-'))
  readonly #isItsOwn: boolean

  private constructor(served: ServedChain, isItsOwn: boolean) {
    this.served = served
    this.#isItsOwn = isItsOwn
  }

  static async open(): Promise<CommandLine> {
    return new CommandLine(await ServedChain.open(), true)
  }

  /** At a chain that somebody else closes. */
  static at(served: ServedChain): CommandLine {
    return new CommandLine(served, false)
  }

  /** Path of a file of that content; of one to be written where there is none. */
  readonly file = (name: string, content?: string): string => {
    const path = join(this.dir, name)
    if (content !== undefined) writeFileSync(path, content)
    return path
  }

  /** Words are divided by spaces, but within double quotes. */
  readonly run = (who: Who, line: string, runs = openledgerHere): Promise<Ran> => {
    const words = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []
    const person =
      typeof who === 'number' ? { OPENLEDGER_DEV_ACCOUNT: String(who) } : { OPENLEDGER_PRIVATE_KEY: who.key }
    return runs(words, { env: { OPENLEDGER_RPC: this.served.url, ...person } })
  }

  /** Sends; the receipt's events in order. */
  readonly events = async (who: Who, line: string, runs = openledgerHere): Promise<readonly Event[]> => {
    const { code, stdout, stderr } = await this.run(who, `${line} --yes --json`, runs)
    expect(code, `${line}: ${stderr}`).toBe(0)
    return (JSON.parse(stdout) as { receipt: { events: Event[] } }).receipt.events
  }

  /** Sends; arguments of the receipt's events by name. */
  readonly does = async (
    who: Who,
    line: string,
    runs = openledgerHere,
  ): Promise<Readonly<Record<string, Event['args']>>> =>
    Object.fromEntries((await this.events(who, line, runs)).map(({ name, args }) => [name, args]))

  readonly shows = async (who: Who, line: string): Promise<Readonly<Record<string, unknown>>> => {
    const { code, stdout, stderr } = await this.run(who, `${line} --json`)
    expect(code, `${line}: ${stderr}`).toBe(0)
    return JSON.parse(stdout) as Record<string, unknown>
  }

  readonly isRefused = async (who: Who, line: string, why: string): Promise<void> => {
    const { code, stderr } = await this.run(who, line)
    expect([code, stderr.includes(why)], `${line}: ${stderr}`).toEqual([1, true])
  }

  readonly later = async (seconds: bigint): Promise<void> => {
    this.served.chain.advance(seconds)
    await this.served.chain.mine()
  }

  async close(): Promise<void> {
    if (this.#isItsOwn) await this.served.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
