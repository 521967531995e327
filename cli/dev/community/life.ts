import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../../common/clock.ts'
import type { ContentStore } from '../../../common/content-store.ts'
import { CodedError } from '../../../common/errors.ts'
import type { RpcClient } from '../../../common/json-rpc.ts'
import type { Log } from '../../../common/log.ts'
import { type Hex, parseQuantity } from '../../../protocol/bytes.ts'
import { TransactionError } from '../../money/transaction.ts'
import { Account } from '../account.ts'
import { type LineResult, runLine } from '../run-line.ts'
import { contributions, soundFile, twinFile, writeFiles } from './contributions.ts'
import { type Name, names, type Person, peopleOf, roles, validators } from './people.ts'

/** A command did not do, or was not refused, as it should. */
export class CommunityError extends CodedError<'step'> {}

export type CommunityOptions = {
  readonly chainId: bigint
  readonly rpcUrl: string
  /** Of the account that gives everybody the OPEN to start with. */
  readonly sponsorKey: Hex
  readonly contentDir: string
  /** Where the people's files lie. */
  readonly folder: string
}

export type CommunityParts = {
  readonly rpc: RpcClient
  readonly content: ContentStore
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly log: Log
}

/** Something somebody did, and what came of it. */
export type Deed = { readonly who: Name; readonly what: string; readonly outcome: string; readonly isRefused: boolean }
/** What somebody holds of the Datanet, and what it earned. */
export type Holding = { readonly who: Name; readonly units: string; readonly earned: string }
export type Community = {
  readonly datanet: string
  readonly deeds: readonly Deed[]
  readonly vote: { readonly state: string; readonly for: string; readonly against: string; readonly bond: string }
  readonly holdings: readonly Holding[]
}

/** Seconds that a vote of the community is open: the least on a dev chain. */
const voteSeconds = 30
const pollMs = 1_000
/** Of a transaction that others came before. */
const triesMax = 3
const waitMsMax = 90_000
const unit = 10n ** 18n
const units: Readonly<Partial<Record<Name, number>>> = { Ana: 300, Ben: 400, Cleo: 300 }

/** A community's life on the running chain: Datanet, contributions, reviews, version, licence, units, a vote, earnings. */
export async function liveCommunity(options: CommunityOptions, parts: CommunityParts): Promise<Community> {
  return await new Life(options, parts).live()
}

class Life {
  readonly #options: CommunityOptions
  readonly #parts: CommunityParts
  readonly #people: Readonly<Record<Name, Person>>
  readonly #deeds: Deed[] = []

  constructor(options: CommunityOptions, parts: CommunityParts) {
    this.#options = options
    this.#parts = parts
    this.#people = peopleOf(randomBytes(32))
  }

  async live(): Promise<Community> {
    await this.#fund()
    writeFiles(
      this.#options.folder,
      names.flatMap((name) => (units[name] === undefined ? [] : [[this.#people[name].address, units[name]] as const])),
    )
    const datanet = await this.#found()
    await this.#contribute(datanet)
    await this.#publish(datanet)
    const proposal = await this.#propose(datanet)
    await this.#license(datanet)
    const vote = await this.#decide(datanet, proposal)
    return { datanet, deeds: this.#deeds, vote, holdings: await this.#holdings(datanet) }
  }

  /** Ana makes a Datanet whose contributions validators review, and the validators stake. */
  async #found(): Promise<string> {
    const metaHash = this.#meta('First help', 'What to do before the doctor comes')
    const made = await this.#does('Ana', [
      'datanet',
      'create',
      '--media',
      'text',
      '--licence',
      'CC-BY-SA-4.0',
      '--bond',
      '0.001',
      '--meta',
      metaHash,
    ])
    const datanet = eventValue(made, 'DatanetCreated', 'id')
    this.#told('Ana', `creates Datanet ${datanet} under CC-BY-SA-4.0, admitted to by validators`, 'done')
    const of = ['--datanet', datanet]
    await this.#does('Ana', ['datanet', 'set', ...of, '--parameter', 'admission', '--value', '2'])
    await this.#does('Ana', [
      'datanet',
      'vote-rule',
      ...of,
      '--parameter',
      'vote-period',
      '--value',
      String(voteSeconds),
    ])
    await this.#does('Ana', ['datanet', 'status', ...of, '--to', 'open'])
    await Promise.all(validators.map((name) => this.#does(name, ['datanet', 'validator-stake', '--amount', '100'])))
    return datanet
  }

  /** Each contribution has a round of its own: all validators commit when it opens, and reveal when their time comes. */
  async #contribute(datanet: string): Promise<void> {
    const rounds: { readonly round: string; readonly of: (typeof contributions)[number] }[] = []
    for (const of of contributions) {
      const sent = await this.#does(of.by, this.#submission(datanet, of.file))
      const contribution = eventValue(sent, 'ContributionSubmitted', 'contribId')
      const review = await this.#does('Ana', ['datanet', 'review', '--contribution', contribution])
      const round = eventValue(review, 'RoundOpened', 'round')
      await this.#score('score', round, of.scores)
      rounds.push({ round, of })
    }
    const [twin, sound] = [this.#submission(datanet, twinFile), this.#submission(datanet, soundFile)]
    await this.#isRefused('Dan', twin, `contributes ${twinFile}, Ben's text with CRLF`, 'Duplicate')
    await this.#isRefused('Dan', sound, `contributes ${soundFile}, which is an mp3`, 'TYPE_MISMATCH')
    for (const { round, of } of rounds) {
      const { commitUntil } = await this.#does('Ana', ['datanet', 'round', '--round', round])
      await this.#until('commits to end', async () => (await this.#now()) >= BigInt(String(commitUntil)))
      await this.#score('reveal', round, of.scores)
      const closed = await this.#does('Ana', ['datanet', 'close-round', '--round', round])
      const { contribId, accepted, score } = eventArgs(closed, 'ReviewDecided')
      const outcome = `contribution ${contribId}: ${accepted === true ? 'accepted' : 'rejected'} with ${Number(score) / 100} %`
      this.#told(of.by, `contributes ${of.file}, reviewed by ${validators.join(', ')}`, outcome)
    }
  }

  async #score(action: 'score' | 'reveal', round: string, scores: readonly number[]): Promise<void> {
    const of = (i: number) => ['datanet', action, '--round', round, '--score', String(scores[i])]
    await Promise.all(validators.map((name, i) => this.#does(name, of(i))))
  }

  /** Version 1 with its description and the owner's signed statement; everybody's units. */
  async #publish(datanet: string): Promise<void> {
    const { contentDir, folder } = this.#options
    const here = ['--datanet', datanet, '--content.dir', contentDir]
    const allotment = join(folder, 'allotment.csv')
    const [papers, allotted] = await Promise.all([
      this.#does('Ana', ['datanet', 'describe', ...here]),
      this.#does('Ana', ['datanet', 'allotment', '--allotment', allotment]),
    ])
    const hashes = ['--croissant', String(papers['croissant']), '--statement', String(papers['statement'])]
    const shares = ['--units', String(allotted['units']), '--units-root', String(allotted['root'])]
    const sent = await this.#does('Ana', ['datanet', 'publish', ...here, ...hashes, ...shares])
    const { version } = eventArgs(sent, 'VersionPublished')
    this.#told(
      'Ana',
      `publishes version ${version}: ${papers['items']} items, Croissant description, signed statement`,
      'done',
    )
    const ref = `${datanet}.${version}`
    for (const name of names.filter((each) => units[each] !== undefined)) {
      await this.#does(name, ['datanet', 'units-claim', '--version', ref, '--allotment', allotment])
    }
    await this.#does('Ana', ['datanet', 'govern', '--datanet', datanet])
    this.#told('Ana', 'leaves its parameters to its unit holders, for good', 'done')
    await this.#does('Rita', ['claim', 'fund', '--pool', `datanet:${datanet}`, '--amount', '10'])
    this.#told('Rita', "gives 10 OPEN to the Datanet's unit holders", 'done')
  }

  async #propose(datanet: string): Promise<string> {
    const made = await this.#does('Ben', [
      'datanet',
      'propose',
      '--datanet',
      datanet,
      '--parameter',
      'bond',
      '--value',
      String(unit / 500n),
    ])
    const proposal = eventValue(made, 'ProposalMade', 'proposalId')
    this.#told('Ben', 'proposes a bond of 0.002 OPEN', `proposal ${proposal}`)
    for (const [name, support] of [
      ['Ben', 'for'],
      ['Cleo', 'for'],
      ['Ana', 'against'],
    ] as const) {
      await this.#does(name, ['datanet', 'vote', '--proposal', proposal, '--support', support])
      this.#told(name, `votes ${support}`, `with ${units[name]} units`)
    }
    await this.#isRefused(
      'Rita',
      ['datanet', 'vote', '--proposal', proposal, '--support', 'for'],
      'votes without units',
      'NoUnits',
    )
    return proposal
  }

  /** What the licences allow of a model, and what they do not. */
  async #license(datanet: string): Promise<void> {
    const word = (n: number) => `0x${String(n).repeat(64)}`
    const register = (licence: string, trainedOn: string) => [
      ...['model', 'register', '--classes', '0', '--licence', licence, '--weights', word(1), '--config-hash', word(2)],
      ...['--trained-on', trainedOn],
    ]
    const clash = 'LicenceClash'
    await this.#isRefused(
      'Cleo',
      register('MIT', `${datanet}:1:10000`),
      `registers a model of Datanet ${datanet} under MIT`,
      clash,
    )
    await this.#does('Cleo', register('CC-BY-SA-4.0', `${datanet}:1:10000`))
    this.#told('Cleo', 'registers the same model under CC-BY-SA-4.0', 'done')
    const other = await this.#does('Dan', [
      'datanet',
      'create',
      '--media',
      'text',
      '--licence',
      'CC-BY-NC-4.0',
      '--meta',
      this.#meta('Pictures of wounds', 'For teaching, not for sale'),
    ])
    const nonCommercial = eventValue(other, 'DatanetCreated', 'id')
    const made = await this.#does('Dan', register('CC-BY-NC-4.0', `${nonCommercial}:1:10000`))
    const model = eventValue(made, 'ModelRegistered', 'id')
    const price = [
      'model',
      'set-price',
      '--model',
      model,
      '--class',
      '0',
      '--rin',
      '1',
      '--rout',
      '1',
      '--valid-until',
      '1h',
    ]
    await this.#isRefused('Dan', price, `asks a price for model ${model}, made of CC-BY-NC data`, clash)
  }

  async #decide(datanet: string, proposal: string): Promise<Community['vote']> {
    const show = ['datanet', 'proposal', '--proposal', proposal]
    await this.#until('the vote to end', async () => (await this.#does('Rita', show))['state'] !== 'active')
    await this.#does('Rita', ['datanet', 'execute', '--proposal', proposal])
    const shown = await this.#does('Rita', show)
    const { bond } = await this.#does('Rita', ['datanet', 'show', '--datanet', datanet])
    this.#told('Rita', 'carries out what passed', `state ${shown['state']}`)
    return {
      state: String(shown['state']),
      for: String(shown['for']),
      against: String(shown['against']),
      bond: String(bond),
    }
  }

  async #holdings(datanet: string): Promise<Holding[]> {
    const holders = names.filter((name) => units[name] !== undefined)
    return await Promise.all(
      holders.map(async (who) => {
        const found = await this.#does(who, ['datanet', 'units', '--datanet', datanet])
        return { who, units: String(found['movable']), earned: String(found['owed']) }
      }),
    )
  }

  /** Keeps a Datanet's metadata document; returns its hash. */
  #meta(name: string, summary: string): Hex {
    return this.#parts.content.put(new TextEncoder().encode(JSON.stringify({ name, summary, tags: ['health'] })))
  }

  async #fund(): Promise<void> {
    const { chainId, sponsorKey } = this.#options
    const sponsor = new Account({ privateKey: sponsorKey, chainId }, this.#parts)
    const empty = new Uint8Array(0)
    await sponsor.send(
      names.map((name) => ({ to: this.#people[name].address, data: empty, value: roles[name].open * unit })),
    )
  }

  #submission(datanet: string, file: string): string[] {
    const { contentDir, folder } = this.#options
    const about = ['--source', 'its author', '--use', 'first help at home', '--content.dir', contentDir]
    return ['datanet', 'submit', '--datanet', datanet, '--file', join(folder, file), ...about]
  }

  async #does(who: Name, words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    for (let tries = 1; ; tries++) {
      try {
        const result = await this.#tries(who, words)
        if (result.done) return result.output
        throw new CommunityError('step', `${who}: ${words.join(' ')}: ${result.error}, ${result.words}`)
      } catch (error) {
        // Another transaction of the block took what this one was estimated with.
        if (!(error instanceof TransactionError) || error.code !== 'lost' || tries === triesMax) throw error
      }
    }
  }

  async #isRefused(who: Name, words: readonly string[], what: string, error: string): Promise<void> {
    const result = await this.#tries(who, words)
    if (result.done || result.error !== error) {
      const found = result.done ? 'it was done' : result.error
      throw new CommunityError('step', `${who}: ${words.join(' ')} is to be refused as ${error}: ${found}`)
    }
    this.#deeds.push({ who, what, outcome: `${error}: ${result.words}`, isRefused: true })
  }

  #tries(who: Name, words: readonly string[]): Promise<LineResult> {
    const action = words[1] ?? ''
    const shared = makesFile.includes(action) ? [] : readsOnly.includes(action) ? ['--json'] : ['--json', '--yes']
    return runLine([...words, '--rpc', this.#options.rpcUrl, ...shared], this.#people[who].privateKey, this.#parts)
  }

  /** Throws {@link CommunityError} where it does not come. */
  async #until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const { clock, signal } = this.#parts
    const deadline = clock.nowMs() + waitMsMax
    while (!(await isSo())) {
      if (signal.aborted || clock.nowMs() > deadline) throw new CommunityError('step', `waited for ${what}`)
      await clock.sleep(pollMs, signal)
    }
  }

  /** Unix seconds of the newest block. */
  async #now(): Promise<bigint> {
    const block = (await this.#parts.rpc.request('eth_getBlockByNumber', ['latest', false])) as {
      readonly timestamp: string
    }
    return parseQuantity(block.timestamp)
  }

  #told(who: Name, what: string, outcome: string): void {
    this.#deeds.push({ who, what, outcome, isRefused: false })
  }
}

/** Of the lines above, those that send nothing: their result is JSON anyway, or when asked for. */
const makesFile: readonly string[] = ['describe', 'allotment']
const readsOnly: readonly string[] = ['units', 'proposal', 'show', 'round']

type Event = { readonly name: string; readonly args: Readonly<Record<string, unknown>> }

/** Throws where a transaction that was made had no such event. */
function eventArgs(output: Readonly<Record<string, unknown>>, name: string): Event['args'] {
  const { events = [] } = (output['receipt'] ?? {}) as { readonly events?: readonly Event[] }
  const event = events.find((each) => each.name === name)
  if (event === undefined) throw new CommunityError('step', `a transaction without ${name}`)
  return event.args
}

function eventValue(output: Readonly<Record<string, unknown>>, name: string, arg: string): string {
  return String(eventArgs(output, name)[arg])
}
