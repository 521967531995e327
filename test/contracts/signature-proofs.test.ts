import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { signatureOf, similarityBps } from '../../attribution/near-duplicates/signature.ts'
import { falseSignature } from '../../attribution/near-duplicates/signature-proofs.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { type Actor, open } from '../fakes/money-chain.ts'
import { Random } from '../fakes/random.ts'
import { itemBond, type Made, ReviewWorld } from '../fakes/review-world.ts'

const slashedDecision = 5

let world: ReviewWorld
beforeEach(async () => {
  world = await ReviewWorld.create()
})

const near = (copy: Made, original: Made) => [world.signed(copy), world.signed(original)]
const prove = (copy: Made, original: Made) =>
  world.chain.send(world.challenger, 'SignatureProofs', 'proveNearDuplicate', near(copy, original))
const refused = async (name: string, args: readonly unknown[]) =>
  (await world.chain.fails(world.challenger, 'SignatureProofs', name, args)).error

/** `scope`: 6 for a fault of a contribution, 7 for its signature. */
const subjectOf = async (scope: number, id: bigint) =>
  (await world.chain.read('DatanetJudge', 'subjectOf', [scope, bytesToHex(uintBytes(id, 32)), 0n])) as Hex
async function rewardOf(scope: number, id: bigint) {
  const found = await world.chain.read('DatanetJudge', 'rewardOf', [await subjectOf(scope, id)])
  const { holder, amount } = found as { readonly holder: Hex; readonly amount: bigint }
  return { holder: holder.toLowerCase(), amount }
}
const salt: Hex = `0x${'5a'.repeat(32)}`
async function commit(by: Actor, scope: number, id: bigint): Promise<void> {
  const parts = [by.address, await subjectOf(scope, id), salt].map(hexToBytes)
  await world.chain.send(by, 'DatanetJudge', 'commitEvidence', [keccakHex(concatBytes(...parts))])
  world.chain.advance(2)
}

/** Words that are ours: syllables by chance. */
function textOf(words: number, seed: number): string {
  const random = new Random(seed)
  const syllables = ['ka', 'lo', 'mi', 'ter', 'sun', 've', 'dra', 'pol', 'ni', 'esh']
  const word = () => Array.from({ length: 3 }, () => syllables[random.int(syllables.length)]).join('')
  return Array.from({ length: words }, word).join(' ')
}

/** Every nth word replaced. */
const changed = (text: string, every: number) =>
  text
    .split(' ')
    .map((word, i) => (i % every === every - 1 ? `x${i}y` : word))
    .join(' ')

describe('M8 a near-duplicate', () => {
  test('a 95 %-similar text is slashed by name and its income goes to the original’s author', async () => {
    const text = textOf(400, 1)
    const original = await world.submit(text)
    await world.accept(original.id)
    const copy = await world.submit(changed(text, 80), world.labeller)
    expect(similarityBps(copy.signature, original.signature)).toBeGreaterThan(9_000)
    const { events } = await prove(copy, original)
    expect(events.find(({ name }) => name === 'NearDuplicateProven')?.args).toMatchObject({
      contribId: copy.id,
      original: original.id,
      slashed: itemBond,
    })
    expect(await world.decision(copy.id)).toBe(slashedDecision)
    expect(await world.payee(copy.id)).toBe(world.author.address)
    expect(await rewardOf(6, copy.id)).toMatchObject({ holder: world.challenger.address, amount: itemBond / 2n })
    expect(await refused('proveNearDuplicate', near(copy, original))).toBe('BadStanding')
  })

  test('a 40 %-similar one is refused as proof by its similarity', async () => {
    const text = textOf(400, 1)
    const original = await world.submit(text)
    await world.accept(original.id)
    const words = text.split(' ')
    const other = await world.submit([...words.slice(0, 160), ...textOf(240, 2).split(' ')].join(' '), world.labeller)
    const error = await world.chain.fails(
      world.challenger,
      'SignatureProofs',
      'proveNearDuplicate',
      near(other, original),
    )
    expect(error.error).toBe('NotSimilar')
    await world.accept(other.id)
  })

  test('is none of what is later, not accepted, or of another Datanet, nor by a signature that was not committed', async () => {
    const text = textOf(100, 3)
    const original = await world.submit(text)
    const copy = await world.submit(`${text} more`, world.labeller)
    expect(await refused('proveNearDuplicate', near(original, copy))).toBe('NotEarlier')
    expect(await refused('proveNearDuplicate', near(copy, original))).toBe('BadStanding')
    await world.accept(original.id)
    const [a, b] = near(copy, original)
    expect(await refused('proveNearDuplicate', [{ ...a, signature: b?.signature }, b])).toBe('WrongSignature')
    expect(await refused('proveNearDuplicate', [{ ...a, signature: '0x' }, b])).toBe('WrongSignature')
    expect(await refused('proveNearDuplicate', [{ ...a, record: b?.record }, b])).toBe('WrongRecord')
    await world.chain.send(world.owner, 'DatanetRegistry', 'setParameter', [world.datanet, 8, 0n])
    expect(await refused('proveNearDuplicate', near(copy, original))).toBe('NoSimilarityLimit')
  })

  test('shown while a dispute is open upholds it', async () => {
    const text = textOf(200, 4)
    const original = await world.submit(text)
    await world.accept(original.id)
    const copy = await world.submit(changed(text, 50), world.labeller)
    const { dispute } = await world.disputed(copy.id, 0, 0n, [0, 0, 0, 0])
    await prove(copy, original)
    await world.fund(4, dispute, 77n)
    await world.review(world.author, 'settle', [dispute])
    expect(await world.claim(4, dispute, world.author.address)).toBe(77n)
    expect(await world.read('bondsHeld')).toBe(0n)
  })
})

describe('a copier of a proof', () => {
  const slashSums = async () =>
    (await Promise.all(['slashed', 'burned', 'rewarded'].map((name) => world.registry(name)))) as bigint[]
  const takenOver = async (by: Actor, scope: number, id: bigint) =>
    world.chain.send(by, 'DatanetJudge', 'takeOverReward', [await subjectOf(scope, id), salt])

  test('of a near-duplicate earns nothing where the first had committed, whatever it shows in another way', async () => {
    const original = await world.submit(textOf(60, 7))
    await world.accept(original.id)
    const copy = await world.submit(`${original.text} more`, world.labeller)
    await commit(world.challenger, 6, copy.id)
    await world.chain.send(world.labeller, 'SignatureProofs', 'proveNearDuplicate', near(copy, original))
    await takenOver(world.challenger, 6, copy.id)
    expect(await rewardOf(6, copy.id)).toMatchObject({ holder: world.challenger.address, amount: itemBond / 2n })
    const [slashed = 0n, burned = 0n, rewarded = 0n] = await slashSums()
    expect(burned + rewarded).toBe(slashed)
    expect(world.chain.balance('DatanetJudge')).toBe(rewarded)
    expect(await world.registry('refundOf', world.labeller.address)).toBe(0n)
  })

  test('of a shown signature earns nothing where the first had committed', async () => {
    const made = await world.submit()
    const value = open / 20n
    await world.chain.send(world.challenger, 'SignatureProofs', 'demandSignature', [made.id], { value })
    await commit(world.author, 7, made.id)
    await world.chain.send(world.labeller, 'SignatureProofs', 'showSignature', [world.signed(made)])
    await takenOver(world.author, 7, made.id)
    expect(await rewardOf(7, made.id)).toMatchObject({ holder: world.author.address, amount: value })
  })
})

describe('a false signature', () => {
  async function provenFalse(made: Made): Promise<string> {
    const proof = falseSignature(Buffer.from(made.text), made.signature)
    if (proof === undefined) return 'no proof'
    const item = world.signed(made)
    if (proof.kind === 'whole')
      await world.chain.send(world.challenger, 'SignatureProofs', 'proveFalseSignature', [item, proof.run])
    else {
      const args = [item, BigInt(proof.total), proof.run, BigInt(proof.place)]
      await world.chain.send(world.challenger, 'SignatureProofs', 'proveHiddenShingle', args)
    }
    expect(await world.decision(made.id)).toBe(slashedDecision)
    return proof.kind
  }

  test('that hides the text behind another’s is shown false by one shingle, of a long text in any of its chunks', async () => {
    const other = signatureOf(Buffer.from(textOf(50, 9)))
    for (const words of [20, 300, 900]) {
      expect(await provenFalse(await world.submit(textOf(words, words), world.author, other))).toBe('hidden')
    }
  })

  test('that is below every shingle’s is shown false by a short text as a whole', async () => {
    expect(await provenFalse(await world.submit(textOf(30, 5), world.author, new Uint32Array(128)))).toBe('whole')
    // Of a long text nothing in one transaction: a dispute is left.
    expect(await provenFalse(await world.submit(textOf(900, 6), world.author, new Uint32Array(128)))).toBe('no proof')
  })

  test('that is right is never shown false, at any place of any ASCII text', { timeout: 60_000 }, async () => {
    const ascii = fc.string({ unit: fc.constantFrom(...'abcXYZ019 .,-\n'.split('')), minLength: 1, maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(ascii, fc.nat(220), async (text, place) => {
        const made = await world.chain.trial(async () => {
          const made = await world.submit(text)
          expect(falseSignature(Buffer.from(text), made.signature)).toBeUndefined()
          const run = { first: 0, data: `0x${Buffer.from(text).toString('hex')}`, siblings: [] }
          const item = world.signed(made)
          expect(await refused('proveFalseSignature', [item, run])).toBe('SignatureRight')
          const hidden = await refused('proveHiddenShingle', [item, BigInt(text.length), run, BigInt(place)])
          expect(['SignatureRight', 'NoShingle']).toContain(hidden)
          return made
        })
        expect(made.id).toBeGreaterThan(0n)
      }),
      { numRuns: 60 },
    )
  })

  test('is refused by name of what is not ASCII, too long, or not whole', async () => {
    const made = await world.submit(`${'é '.repeat(40)}`)
    const item = world.signed(made)
    const run = (bytes: Uint8Array) => ({ first: 0, data: `0x${Buffer.from(bytes).toString('hex')}`, siblings: [] })
    expect(await refused('proveFalseSignature', [item, run(Buffer.from(made.text))])).toBe('NotAscii')
    expect(await refused('proveFalseSignature', [item, run(new Uint8Array(4_097))])).toBe('ContentTooLong')
    expect(await refused('proveFalseSignature', [item, run(new Uint8Array(1_024))])).toBe('NotWhole')
    expect(await refused('proveFalseSignature', [item, run(new Uint8Array(7))])).toBe('WrongRun')
  })
})

describe('a signature that is demanded', () => {
  const price = open / 20n
  const proofs = (from: Actor, name: string, args: readonly unknown[], value = 0n) =>
    world.chain.send(from, 'SignatureProofs', name, args, { value })
  const days = async (count: bigint) => world.chain.advance(count * (await world.day()))

  test('is shown by anybody, who earns the price', async () => {
    const made = await world.submit()
    expect(await refused('showSignature', [world.signed(made)])).toBe('NotDemanded')
    expect(await refused('demandSignature', [made.id])).toBe('WrongValue')
    await proofs(world.challenger, 'demandSignature', [made.id], price)
    const again = await world.chain.fails(world.labeller, 'SignatureProofs', 'demandSignature', [made.id], {
      value: price,
    })
    expect(again.error).toBe('AlreadyDemanded')
    expect(await refused('proveWithheld', [made.id])).toBe('TooEarly')
    await proofs(world.labeller, 'showSignature', [world.signed(made)])
    const more = await world.chain.fails(world.labeller, 'SignatureProofs', 'demandSignature', [made.id], {
      value: price,
    })
    expect(more.error).toBe('AlreadyShown')
    expect(await rewardOf(7, made.id)).toMatchObject({ holder: world.labeller.address, amount: price })
    world.chain.advance(102)
    const to: Hex = '0x7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a'
    await world.chain.send(world.labeller, 'DatanetJudge', 'payReward', [await subjectOf(7, made.id), to])
    expect([world.chain.balance(to), world.chain.balance('DatanetJudge')]).toEqual([price, 0n])
    expect(await refused('proveWithheld', [made.id])).toBe('NotDemanded')
    expect(world.chain.balance('SignatureProofs')).toBe(0n)
    await world.chain.send(world.owner, 'DatanetRegistry', 'setParameter', [world.datanet, 8, 0n])
    const free = await world.submit()
    const none = await world.chain.fails(world.labeller, 'SignatureProofs', 'demandSignature', [free.id], {
      value: price,
    })
    expect(none.error).toBe('NoSimilarityLimit')
  })

  test('and that nobody knows refuses the contribution: no commitment hides a copy', async () => {
    const made = await world.submit('a text', world.author, undefined, `0x${'5a'.repeat(32)}`)
    await proofs(world.challenger, 'demandSignature', [made.id], price)
    expect(await refused('showSignature', [world.signed(made)])).toBe('WrongRecord')
    await days(7n)
    const { events } = await proofs(world.labeller, 'proveWithheld', [made.id])
    expect(events.find(({ name }) => name === 'SignatureWithheld')?.args).toMatchObject({ slashed: itemBond })
    expect(await world.decision(made.id)).toBe(slashedDecision)
    expect(await world.registry('refundOf', world.challenger.address)).toBe(itemBond / 2n)
    expect(await world.chain.read('SignatureProofs', 'owedTo', [world.challenger.address])).toBe(price)
    expect(await world.chain.read('SignatureProofs', 'pricesHeld')).toBe(0n)
  })
})
