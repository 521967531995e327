import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { BuiltEpoch } from '../../../attribution/epochs/build-epoch.ts'
import { checkBatch } from '../../../attribution/epochs/check-batch.ts'
import { claimOf } from '../../../attribution/epochs/claim-proof.ts'
import { decodeEpochFile } from '../../../attribution/epochs/epoch-file.ts'
import { payoutTree } from '../../../attribution/epochs/epoch-rows.ts'
import { ChainFacts } from '../../../chain/ledger/chain-facts.ts'
import { committedBatch } from '../../../chain/ledger/committed-batch.ts'
import { claimTable } from '../../../cli/money/claim-table.ts'
import { inferTable } from '../../../cli/money/infer-table.ts'
import { modelTable } from '../../../cli/money/model-table.ts'
import { workerTable } from '../../../cli/money/worker-table.ts'
import { ContentStore } from '../../../common/content-store.ts'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { merkleRoot } from '../../../protocol/content-hash.ts'
import { privateKeyAddress } from '../../../protocol/secp256k1.ts'
import { fileOf, LedgerMarket } from '../../fakes/ledger-market.ts'
import { type BuiltBatch, batchOf, entryTree } from '../../fakes/money-batch.ts'
import { openledger, openledgerHere, type Ran } from '../../fakes/money-cli.ts'
import { ServedChain } from '../../fakes/served-chain.ts'
import { settleFirstEpoch } from '../../fakes/settled-epoch.ts'
import { addingDiff, noRoots } from '../../fakes/version-diff.ts'

/** A chain, its users, and every command of theirs by the real binary. Each act stands on those before it. */
const dir = mkdtempSync(join(tmpdir(), 'openledger-money-'))
const content = join(dir, 'content')
const [payer, worker, owner, buyer, stranger] = [1, 2, 3, 4, 6] as const
const address = devPrivateKeys.map((key) => bytesToHex(privateKeyAddress(hexToBytes(key))))
const of = (account: number): Hex => address[account] ?? '0x'
const hash = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const day = 86_400

let served: ServedChain
let market: LedgerMarket
let epoch: BuiltEpoch
const ran = new Set<string>()
const started = new Set<string>()

vi.setConfig({ testTimeout: 600_000 })

beforeAll(async () => {
  served = await ServedChain.open()
  market = await LedgerMarket.open(served.chain)
})

afterAll(async () => {
  await served.close()
  rmSync(dir, { recursive: true, force: true })
})

/** Whose account it is: a dev account, the holder of a key, or nobody's. */
function environment(who: number | Hex | undefined): Record<string, string> {
  const rpc = { OPENLEDGER_RPC: served.url }
  if (who === undefined) return rpc
  return typeof who === 'number'
    ? { ...rpc, OPENLEDGER_DEV_ACCOUNT: String(who) }
    : { ...rpc, OPENLEDGER_PRIVATE_KEY: who }
}

/** What changes nothing runs in this process. */
const here = (who: number | Hex | undefined, words: string): Promise<Ran> =>
  openledgerHere(words.split(' ').map(inDir), { env: environment(who) })

/** The real binary where an action sends or signs for the first time; again, it is this process. */
function once(who: number | Hex, words: string): Promise<Ran> {
  const action = words.split(' ').slice(0, 2).join(' ')
  const isFirst = !started.has(action)
  started.add(action)
  return isFirst ? openledger(words.split(' ').map(inDir), { env: environment(who) }) : here(who, words)
}

/** Files of this test stand in its directory. */
const inDir = (word: string): string =>
  word.replace(/(^|,)([\w-]+\.(?:json|bin))/g, (_, before: string, file: string) => `${before}${join(dir, file)}`)

type Done = {
  readonly wouldHappen: readonly { readonly name: string }[]
  readonly estimate: { readonly gas: string; readonly total: string }
  readonly receipt: {
    readonly gasUsed: string
    readonly fee: string
    readonly events: readonly { readonly name: string; readonly args: Readonly<Record<string, string>> }[]
  }
}

/** Sends; what it said would happen is what happened, for no more than it said. Returns the events by name. */
async function sends(
  who: number | Hex,
  words: string,
): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const { code, stdout, stderr } = await once(who, `${words} --yes --json`)
  expect(code, `${words}: ${stderr}`).toBe(0)
  ran.add(words.split(' ').slice(0, 2).join(' '))
  const { wouldHappen, estimate, receipt } = JSON.parse(stdout) as Done
  const { events } = receipt
  expect(wouldHappen.map(({ name }) => name)).toEqual(events.map(({ name }) => name))
  expect(BigInt(receipt.gasUsed)).toBeLessThanOrEqual(BigInt(estimate.gas))
  return Object.fromEntries(events.map(({ name, args }) => [name, args]))
}

/** Is refused in these words, as one line without a stack trace, and nothing was sent. */
async function isRefused(who: number | Hex, words: string, why: string | RegExp): Promise<void> {
  const before = served.chain.head
  const { code, stderr } = await here(who, `${words} --yes`)
  expect(stderr).toMatch(why)
  expect(stderr.trim().split('\n').at(-1)).toMatch(/^openledger: refused: /)
  expect(stderr).not.toMatch(/^\s+at /m)
  expect(code).toBe(1)
  expect(served.chain.head).toEqual(before)
  ran.add(words.split(' ').slice(0, 2).join(' '))
}

/** Shows; returns what it showed. */
async function shows(words: string): Promise<Readonly<Record<string, unknown>>> {
  const { code, stdout, stderr } = await here(undefined, `${words} --json`)
  expect(code, `${words}: ${stderr}`).toBe(0)
  ran.add(words.split(' ').slice(0, 2).join(' '))
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>
}

/** Makes a file. */
async function makes(who: number, words: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const { code, stderr } = await once(who, `${words} --out ${file}`)
  expect(code, `${words}: ${stderr}`).toBe(0)
  ran.add(words.split(' ').slice(0, 2).join(' '))
  return JSON.parse(readFileSync(join(dir, file), 'utf8')) as Readonly<Record<string, unknown>>
}

describe('models', () => {
  test('a model is registered, versioned, priced and evaluated', async () => {
    const hashes = `--weights ${hash(1)} --config-hash ${hash(2)}`
    const first = await sends(owner, `model register --classes 0,1,2 --licence MIT ${hashes} --trained-on 1:1:10000`)
    expect(first['ModelRegistered']?.['id']).toBe('2')
    const second = await sends(
      owner,
      `model register --classes 1 --licence MIT ${hashes} --parent 2:fine-tune:1000:of-all`,
    )
    expect(second['ModelParent']).toMatchObject({ id: '3', parent: '2', bps: 1000 })
    await sends(owner, `model publish --model 2 ${hashes} --training-root ${hash(3)}`)
    await sends(owner, 'model set-price --model 3.1 --class 1 --rin 1 --rout 2.5 --valid-until 30d')
    await sends(owner, 'model set-price --model 2.1 --class 2 --rin 100 --rout 100 --valid-until 10d')
    await sends(owner, `model commit-eval --model 3 --suite ${hash(9)}`)
    await served.chain.mine()
    await sends(owner, `model record-eval --model 3.1 --suite ${hash(9)} --result ${hash(8)}`)
    const shown = (await shows('model show --model 3')) as { owner: string; versions: { prices: object[] }[] }
    expect(shown).toMatchObject({ owner: of(owner), classes: '1', deprecated: false })
    expect(shown.versions[0]?.prices).toMatchObject([{ class: 1, price: 1, rin: String(10n ** 18n) }])
    expect(await shows('model list')).toHaveLength(3)
  })

  test('who does not own a model cannot change it, and a price that ends too late is refused', async () => {
    await isRefused(
      stranger,
      'model deprecate --model 3',
      /model 3 belongs to somebody else; sign with the key of its owner/,
    )
    await isRefused(
      owner,
      'model set-price --model 3.1 --class 1 --rin 1 --rout 1 --valid-until 31d',
      /must end later than now/,
    )
    await isRefused(
      owner,
      'model set-price --model 3.1 --class 4 --rin 1 --rout 1 --valid-until 1d',
      /does not offer proof class 4/,
    )
  })
})

describe('workers', () => {
  test('stake is added, unbonded, and withdrawn when its time is over', async () => {
    await isRefused(
      worker,
      'worker register --peer-id 0x1220 --units 2 --classes 0,1,2 --stake 150',
      /need 200 OPEN of stake/,
    )
    await sends(worker, 'worker register --peer-id 0x1220 --units 2 --classes 0,1,2 --stake 300')
    await sends(worker, 'worker add-stake --amount 50')
    await sends(worker, 'worker unbond --amount 100')
    await isRefused(
      worker,
      `worker withdraw --to ${of(worker)}`,
      /the stake is unbonded at 20\d\d-.* UTC; withdraw it after that/,
    )
    await sends(worker, 'worker cancel-unbond')
    await sends(worker, 'worker unbond --amount 100.5')
    served.chain.advance(120)
    await served.chain.mine()
    const before = await served.chain.balance(of(buyer))
    await sends(worker, `worker withdraw --to ${of(buyer)}`)
    expect(await served.chain.balance(of(buyer))).toBe(before + 1005n * 10n ** 17n)
    await isRefused(worker, 'worker unbond --amount 100', /need 200 OPEN of stake and 149.5 OPEN would be there/)
    expect(await shows(`worker show --worker ${of(worker)}`)).toMatchObject({
      isActive: true,
      stake: String(2495n * 10n ** 17n),
    })
    expect(await shows('worker list')).toHaveLength(2)
  })
})

describe('channels', () => {
  test('a deposit leaves its channel only after the delay', async () => {
    await sends(payer, `infer deposit --worker ${of(worker)} --amount 10`)
    await sends(
      stranger,
      `infer deposit-for --payer ${of(payer)} --worker ${of(worker)} --amount 2000000000000000000wei`,
    )
    await isRefused(payer, `infer withdraw --worker ${of(worker)}`, /use infer request-withdrawal first/)
    await isRefused(
      payer,
      `infer request-withdrawal --worker ${of(worker)} --amount 13`,
      /holds 12 OPEN and 13 OPEN are needed/,
    )
    await sends(payer, `infer request-withdrawal --worker ${of(worker)} --amount 1`)
    await isRefused(payer, `infer withdraw --worker ${of(worker)}`, /is paid from 20.* UTC on; wait until then/)
    await sends(payer, `infer cancel-withdrawal --worker ${of(worker)}`)
    await sends(payer, `infer request-withdrawal --worker ${of(worker)} --amount 2`)
    served.chain.advance(60)
    await served.chain.mine()
    await sends(payer, `infer withdraw --worker ${of(worker)}`)
    const shown = await shows(`infer show --worker ${of(worker)} --payer ${of(payer)}`)
    expect(shown).toMatchObject({ balance: String(10n ** 19n), spent: '0', withdrawal: '0' })
  })

  test('--dry-run says what would happen and changes nothing, and without --yes nobody is asked in vain', async () => {
    const { head } = served.chain
    const words = `infer deposit --worker ${of(worker)} --amount 3`
    const dry = await here(payer, `${words} --dry-run`)
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(dry.stdout).toMatch(/would happen: 3 OPEN of 0x.* deposited for worker/)
    expect(dry.stdout).toMatch(/estimate: gas \d+, L2 fee 0\.0\d+ OPEN \+ L1 data fee [\d.]+ OPEN = 0\.0\d+ OPEN/)
    expect(dry.stdout).toMatch(/dry run: nothing was sent/)
    const keyless = await here(undefined, `${words} --dry-run --from ${of(payer)}`)
    expect(keyless.code).toBe(0)
    const unasked = await here(payer, words)
    expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('add --yes to send it') })
    const unsigned = await here(undefined, `${words} --yes`)
    expect(unsigned).toMatchObject({ code: 2, stderr: expect.stringContaining('OPENLEDGER_PRIVATE_KEY') })
    const argued = await here(undefined, `${words} --private-key 0x12`)
    expect(argued).toMatchObject({ code: 2, stderr: expect.stringContaining('is a secret') })
    const poor = await here(payer, `infer deposit --worker ${of(worker)} --amount 100000 --dry-run`)
    expect(poor.code).toBe(3)
    expect(poor.stderr).toMatch(/insufficient|has [\d.]+ OPEN; the call needs/)
    expect(served.chain.head).toEqual(head)
  })
})

describe('from a prompt to a batch', () => {
  const ask = 'infer request --model 3.1 --class 1 --max-tokens 100 --prompt-tokens 1,2,3,4'

  test('a voucher pays a receipt once', async () => {
    const request = await makes(payer, `${ask} --deadline 2d`, 'request.json')
    // It reaches just as far as the fee.
    const voucher = `infer voucher --request request.json --worker ${of(worker)} --cap 0.0116`
    await makes(payer, voucher, 'voucher.json')
    const receipt = await makes(
      worker,
      'worker receipt --request request.json --voucher voucher.json --output-tokens 7,8,9 --datanet 1',
      'receipt.json',
    )
    // 4 prompt tokens for 1 OPEN and 3 of the answer for 2.5 OPEN per 1,000, and the platform's 0.0001 OPEN.
    expect(receipt['receipt']).toMatchObject({
      requestId: request['requestId'],
      fee: String(116n * 10n ** 14n),
      tin: 4,
      tout: 3,
    })
    const committed = await sends(worker, `worker batch --receipt receipt.json --content.dir ${content}`)
    expect(committed['BatchCommitted']).toMatchObject({ batchId: '1', worker: of(worker) })
    expect(await shows('infer show-batch --batch 1')).toMatchObject({ receipts: 1, isMature: false, isVoid: false })
    const again = `worker batch --receipt receipt.json --content.dir ${content}`
    await isRefused(worker, again, /request 0x\w+ was settled in your batch 1 already/)
    const elsewhere = `worker batch --receipt receipt.json --content.dir ${dir}/elsewhere`
    await isRefused(worker, elsewhere, /the data of your batch 1 are not found/)
    await isRefused(worker, `${elsewhere} --allow-unchecked`, /it was settled before or is older than one that was/)
  })

  test('later vouchers reach further, a cut stream is settled for what was delivered', async () => {
    await makes(payer, ask, 'second.json')
    await makes(payer, ask, 'third.json')
    await makes(payer, `infer voucher --request second.json --worker ${of(worker)}`, 'second-voucher.json')
    await makes(
      payer,
      `infer voucher --request third.json --worker ${of(worker)} --previous second-voucher.json`,
      'third-voucher.json',
    )
    await makes(payer, 'infer cancel --request third.json --output-tokens 5', 'cancel.json')
    const receipt = 'worker receipt --datanet 1'
    await makes(
      worker,
      `${receipt} --request second.json --voucher second-voucher.json --output-tokens 1,2`,
      'second-receipt.json',
    )
    await makes(
      worker,
      `${receipt} --request third.json --voucher third-voucher.json --cancel cancel.json --output-tokens 5`,
      'third-receipt.json',
    )
    const stolen = await here(
      stranger,
      `${receipt} --request second.json --voucher second-voucher.json --output-tokens 1`,
    )
    expect(stolen).toMatchObject({ code: 2, stderr: expect.stringContaining('--voucher is for the worker') })
    await sends(worker, `worker batch --receipt third-receipt.json,second-receipt.json --content.dir ${content}`)
  })

  test('receipts that are wrong, malformed or out of order are refused by what is wrong with them', async () => {
    const commit = (file: string) => `worker batch --receipt ${file} --content.dir ${content}`
    await makes(payer, ask, 'fourth.json')
    await makes(payer, `infer voucher --request fourth.json --worker ${of(worker)}`, 'fourth-voucher.json')
    const receipt = 'worker receipt --datanet 1 --request fourth.json --voucher fourth-voucher.json --output-tokens 6'
    const paper = (await makes(worker, receipt, 'fourth-receipt.json')) as {
      readonly receipt: Readonly<Record<string, unknown>>
      readonly entries: readonly Readonly<Record<string, unknown>>[]
      readonly sums: readonly string[]
    }
    const write = (change: object) => writeFileSync(join(dir, 'wrong.json'), JSON.stringify({ ...paper, ...change }))
    write({ receipt: { ...paper.receipt, fee: '1' } })
    await isRefused(
      worker,
      commit('wrong.json'),
      /the batch would be challenged by badSegment: what a channel is debited/,
    )
    write({ receipt: { ...paper.receipt, algoHash: hash(5) } })
    await isRefused(worker, commit('wrong.json'), /receipt 0 of the batch would be challenged by badTerms/)
    write({ output: [6, 6] })
    await isRefused(worker, commit('wrong.json'), /challenged/)
    write({ receipt: { ...paper.receipt, tin: -1 } })
    expect(await here(worker, `${commit('wrong.json')} --yes`)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/wrong\.json cannot be used: tin must fit 32 bits/),
    })
    writeFileSync(join(dir, 'wrong.json'), '{')
    expect((await here(worker, `${commit('wrong.json')} --yes`)).code).toBe(2)
    // A voucher of before the channel was debited further.
    await makes(payer, `infer voucher --request fourth.json --worker ${of(worker)} --cap 0.01`, 'fourth-voucher.json')
    await makes(worker, receipt, 'fourth-receipt.json')
    await isRefused(worker, commit('fourth-receipt.json'), /it was settled before or is older than one that was/)
  })

  test('a request opened on chain is settled out of its escrow, or refunded', async () => {
    await makes(payer, ask, 'open.json')
    const opened = await sends(payer, 'infer open --request open.json')
    await isRefused(stranger, 'infer open --request open.json', /who alone can open it/)
    await isRefused(
      payer,
      `infer refund --request ${opened['RequestOpened']?.['requestId']}`,
      /can still be answered until/,
    )
    await makes(worker, 'worker receipt --request open.json --output-tokens 1 --datanet 1', 'open-receipt.json')
    await sends(worker, `worker batch --receipt open-receipt.json --content.dir ${content}`)
    await makes(payer, `${ask} --deadline 10m`, 'late.json')
    const late = (await sends(payer, 'infer open --request late.json'))['RequestOpened']?.['requestId']
    expect(await shows(`infer show-request --request ${late}`)).toMatchObject({ state: 'open' })
    served.chain.advance(601)
    await served.chain.mine()
    await isRefusedPaper(
      worker,
      'worker receipt --request late.json --output-tokens 1 --datanet 1',
      /the request ended at/,
    )
    await sends(stranger, `infer refund --request ${late}`)
    const owed = (await shows(`infer show --worker ${of(worker)} --payer ${of(payer)}`))['owedFromRequests']
    const paid = await sends(payer, 'infer claim-refund')
    expect(paid['RefundClaimed']?.['amount']).toBe(owed)
    await isRefused(payer, 'infer claim-refund', /nothing is owed to/)
  })

  test('fees above the stake, and prices that end before the deadline, are refused', async () => {
    await sends(payer, `infer deposit --worker ${of(worker)} --amount 100`)
    const tokens = Array.from({ length: 500 }, (_, i) => i).join(',')
    const dear = `infer request --model 2.1 --class 2 --max-tokens 1 --prompt-tokens ${tokens}`
    await makes(payer, dear, 'dear.json')
    await makes(payer, `infer voucher --request dear.json --worker ${of(worker)}`, 'dear-voucher.json')
    await makes(
      worker,
      'worker receipt --request dear.json --voucher dear-voucher.json --output-tokens 1 --datanet 1',
      'dear-receipt.json',
    )
    await isRefused(
      worker,
      `worker batch --receipt dear-receipt.json --content.dir ${content}`,
      /would need 400\.\d+ OPEN of stake and it has 249\.5 OPEN; add stake/,
    )
    await isRefusedPaper(payer, `${dear} --deadline 20d`, /price 1 ends at 20.* before the deadline/)
    await isRefusedPaper(payer, 'infer request --model 2.2 --class 2 --prompt-tokens 1', /model 2.2 has no price/)
  })

  test('batches mature in order once their window is over', async () => {
    const { built, file } = await wrongBatch()
    const batchId = await market.commit({ built })
    new ContentStore(content, merkleRoot).put(file)
    await isRefused(stranger, 'infer mature --through 9', /can be challenged until 20/)
    await challenge(batchId, file)
    await isRefused(stranger, `infer settle-refund --batch ${batchId} --payer ${alice()}`, /is not mature yet/)
    served.chain.advance(30)
    await served.chain.mine()
    const matured = await sends(stranger, 'infer mature')
    expect(matured['BatchMatured']?.['batchId']).toBe(String(batchId))
    const settled = await sends(stranger, `infer settle-refund --batch ${batchId} --payer ${alice()}`)
    expect(settled['ChannelRefunded']).toMatchObject({ batchId: String(batchId) })
    await isRefused(stranger, 'infer refund-batch --batch 1', /owes no such refund/)
    const nothing = await here(stranger, 'infer mature --yes')
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('all batches are mature') })
    const files = new ContentStore(content, merkleRoot)
    const batches = await Promise.all(
      Array.from({ length: Number(batchId) }, async (_, i) => {
        const id = BigInt(i + 1)
        const { header } = (await committedBatch(served.chain.rpc, id)) ?? unreachable()
        return { batchId: id, file: files.get(header.dataHash) ?? unreachable(), voided: id === batchId ? [0] : [] }
      }),
    )
    epoch = await settleFirstEpoch(served.chain, batches)
    files.put(epoch.file)
    writeFileSync(join(dir, 'epoch.bin'), epoch.file)
  })

  test('a worker leaves jail when its time is over', async () => {
    const { key } = served.chain.actor('worker')
    await isRefused(key, 'worker unjail', /the time in jail ends at 20/)
    served.chain.advance(day)
    await served.chain.mine()
    await sends(key, 'worker unjail')
    await isRefused(key, 'worker unjail', /is not in jail/)
  })
})

describe('claims', () => {
  test('a payee is paid what the last final epoch owes it, wherever its proof comes from', async () => {
    const { claimable } = await shows(`claim status --payee ${of(worker)} --content.dir ${content}`)
    expect(BigInt(claimable as string)).toBeGreaterThan(0n)
    const paid = await sends(worker, `claim mine --content.dir ${content}`)
    expect(paid['Claimed']).toMatchObject({ payee: of(worker), amount: claimable })
    expect(await sends(worker, 'claim mine --epoch-file epoch.bin')).toEqual({})
    await sends(stranger, `claim for --payee ${of(owner)} --graphql ${await indexer(proofFor)}`)
    await sends(
      stranger,
      `claim many --payees ${of(owner)},${served.chain.actor('model owner').address} --epoch-file epoch.bin --content.dir ${content}`,
    )
    await isRefused(buyer, `claim pass --datanet 1 --content.dir ${content}`, /no epochs are to be passed/)
    await sends(buyer, `claim to-datanet --datanet 1 --content.dir ${content}`)
    expect(await sends(buyer, 'claim to-pool --pool datanet:1 --epoch-file epoch.bin')).toEqual({})
    const holder = served.chain.actor('datanet owner')
    const roots = { ...noRoots, itemsRoot: hash(9), unitsTotal: 10n }
    await served.chain.send(holder, 'DatanetRegistry', 'publish', [1n, roots, addingDiff(1)])
    // For who held units a second before: an estimate in the block of the publication knows of none.
    served.chain.advance(2)
    await served.chain.mine()
    await sends(buyer, 'claim fund --pool datanet:1 --amount 0.25')
    const { ofPool } = await shows(`claim status --payee ${holder.address} --pool datanet:1`)
    expect(BigInt(ofPool as string)).toBeGreaterThanOrEqual(25n * 10n ** 16n)
    const pool = await sends(holder.key, 'claim pool --pool datanet:1')
    expect(pool['PoolClaimed']?.['amount']).toBe(ofPool)
  })

  test('a wrong proof is refused before it is sent', async () => {
    const { file } = epoch
    const forged = file.slice()
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
    writeFileSync(join(dir, 'forged.bin'), forged)
    await isRefused(worker, 'claim mine --epoch-file forged.bin', /does not open the root of epoch 1 on chain/)
    const lies = await indexer((payee) => ({ ...proofFor(payee), cumulative: '1' }))
    await isRefused(worker, `claim mine --graphql ${lies}`, /does not open the root of epoch 1/)
    const early = await indexer((payee) => ({ ...proofFor(payee), epoch: '2' }))
    await isRefused(worker, `claim mine --graphql ${early}`, /epoch 2 is not final/)
    await isRefused(buyer, 'claim mine --epoch-file epoch.bin', /nothing was ever credited to/)
    const sourceless = await here(worker, 'claim mine --yes')
    expect(sourceless).toMatchObject({ code: 2, stderr: expect.stringContaining('where are proofs?') })
  })

  test('a payee says where its money goes and who may claim', async () => {
    await sends(worker, `claim recipient --to ${of(buyer)}`)
    await sends(worker, 'claim restrict')
    await isRefused(
      stranger,
      `claim for --payee ${of(worker)} --epoch-file epoch.bin`,
      /lets only itself and its operators claim/,
    )
    await sends(worker, `claim operator --operator ${of(stranger)}`)
    await sends(stranger, `claim for --payee ${of(worker)} --epoch-file epoch.bin`)
    expect(await shows(`claim status --payee ${of(worker)}`)).toMatchObject({
      recipient: of(buyer),
      othersMayClaim: false,
    })
    await sends(worker, 'claim restrict --restricted false')
    await sends(worker, `claim payout-author --to ${of(buyer)}`)
    await sends(payer, `claim code-register --code my_app --to ${of(payer)} --uri https://example.org`)
    await isRefused(buyer, `claim code-register --code my_app --to ${of(buyer)}`, /belongs to somebody already/)
    await sends(payer, `claim payout-code --code my_app --to ${of(buyer)}`)
    await sends(payer, 'claim code-uri --code my_app --uri https://example.com')
    await sends(payer, `claim code-transfer --code my_app --to ${of(buyer)}`)
    await isRefused(
      payer,
      `claim payout-code --code my_app --to ${of(payer)}`,
      /app code "my_app" belongs to somebody else/,
    )
    await isRefused(payer, 'claim bond-release --contribution 1', /no contribution 1|not in the state/)
    await isRefused(payer, 'claim bond-refund', /nothing is owed/)
  })

  test('a model given away earns for its new owner from the next day on', async () => {
    const given = await sends(owner, `model transfer --model 3 --to ${of(buyer)}`)
    expect(Number(given['ModelTransferred']?.['entitledFrom']) % day).toBe(0)
    await sends(buyer, 'model deprecate --model 3')
  })

  test('every action ran', () => {
    const tables = { model: modelTable, worker: workerTable, infer: inferTable, claim: claimTable }
    const all = Object.entries(tables).flatMap(([group, table]) => Object.keys(table).map((name) => `${group} ${name}`))
    expect(all.filter((name) => !ran.has(name))).toEqual([])
  })
})

async function isRefusedPaper(who: number, words: string, why: RegExp): Promise<void> {
  const { code, stderr } = await here(who, words)
  expect(stderr).toMatch(why)
  expect(code).toBe(1)
}

const alice = (): Hex => served.chain.actor('alice').address

/** A batch of the chain's other worker whose first receipt pays the worker's part to somebody else. */
async function wrongBatch(): Promise<{ built: BuiltBatch; file: Uint8Array }> {
  const { built } = market.build(2)
  const receipts = built.receipts.map((one, i) => {
    if (i > 0) return one
    const entries = one.entries.map((entry) => (entry.class === 1 ? { ...entry, payee: of(stranger) } : entry))
    const receipt = { ...one.receipt, attrRoot: bytesToHex(entryTree(entries).root) }
    return { ...one, receipt, entries }
  })
  const wrong = batchOf(built.worker, receipts, 0, served.chain.now + 600n)
  const file = fileOf(wrong)
  return { built: { ...wrong, input: { ...wrong.input, dataHash: merkleRoot(file, 1024) } }, file }
}

/** Sends the challenge that a watcher would. */
async function challenge(batchId: bigint, file: Uint8Array): Promise<void> {
  const { header, segments } = (await committedBatch(served.chain.rpc, batchId)) ?? unreachable()
  const facts = new ChainFacts({ rpc: served.chain.rpc, chainId: 901n, earlierReceipt: async () => undefined })
  const asking = { seed: randomBytes(32), limit: 1 }
  const [verdict] = await checkBatch(header, segments, { file }, facts, asking)
  if (verdict?.kind !== 'challenge') throw new Error(`no challenge: ${verdict?.kind}`)
  await served.chain.send(served.chain.actor('watcher'), 'DisputeGame', verdict.call.functionName, verdict.call.args)
}

function proofFor(payee: Hex): Record<string, unknown> {
  const { payouts } = decodeEpochFile(epoch.file)
  const claim = claimOf(1n, { rows: payouts, tree: payoutTree(payouts) }, payee)
  return { ...claim, epoch: '1', cumulative: String(claim?.cumulative) }
}

/** A GraphQL server that answers with a claim; it ends with the test's process. */
async function indexer(claim: (payee: Hex) => Record<string, unknown>): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { variables: { address: Hex } }
      response.end(JSON.stringify({ data: { payee: { claim: claim(variables.address) } } }))
    })
  })
  server.unref()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

function unreachable(): never {
  throw new Error('not there')
}
