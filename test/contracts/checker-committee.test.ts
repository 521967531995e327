import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { SeatRegister } from '../../attribution/integrity/seats.ts'
import { bytesToHex, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type Act, CommitteeWorld, openPrice } from '../fakes/committee-world.ts'
import { open } from '../fakes/money-chain.ts'

const scale = Number(process.env['OPENLEDGER_FUZZ'] ?? 1)
/** Numbers of `Outcome`. */
const [isOpen, isVoid, isUpheld, isUndecided] = [1, 2, 3, 4]

let world: CommitteeWorld
beforeAll(async () => {
  world = await CommitteeWorld.create()
}, 60_000)

const trial = <T>(act: () => Promise<T>): Promise<T> => world.money.chain.trial(act)

async function stakes(): Promise<bigint[]> {
  const read = (address: string) => world.money.chain.read('CheckerCommittee', 'stakeOf', [address])
  return (await Promise.all(world.checkers.map(({ address }) => read(address)))) as bigint[]
}

/** A case about the one receipt of a batch, whose seats do these acts. */
async function judged(acts: readonly Act[]) {
  const batch = await world.settle()
  const id = await world.open(batch)
  const seats = await world.draw(id)
  const before = await stakes()
  const { events } = await world.play(id, seats, acts)
  const after = await stakes()
  const lost = (seat: number) => {
    const i = world.checkers.indexOf(seats[seat] ?? world.worker)
    return (((before[i] ?? 0n) - (after[i] ?? 0n)) * 10_000n) / (before[i] ?? 1n)
  }
  const closed = events.find(({ name }) => name === 'CaseClosed')
  const owed = async (address: string) =>
    (await world.money.chain.read('CheckerCommittee', 'owedTo', [address])) as bigint
  return { batch, id, seats, outcome: Number(closed?.args['outcome']), lost: acts.map((_, i) => lost(i)), owed, before }
}

describe('a liar', () => {
  test('alone cannot save a wrong receipt: it is void, he is slashed, no honest one is', () =>
    trial(async () => {
      const { batch, outcome, lost, owed, seats, before } = await judged(['wrong', 'wrong', 'right', 'wrong', 'wrong'])
      expect(outcome).toBe(isVoid)
      expect(lost).toEqual([0n, 0n, 1_000n, 0n, 0n])
      expect(await owed(world.challenger.address)).toBe(open + open / 20n)
      const i = world.checkers.indexOf(seats[2] ?? world.worker)
      const share = (before[i] ?? 0n) / 10n / 2n / 4n
      expect(await owed(seats[1]?.address ?? '')).toBe(open / 20n + share)
      const stakeBefore = (await world.money.chain.read('WorkerRegistry', 'stakeOf', [world.worker.address])) as bigint
      const fee = batch.built.receipts[0]?.receipt.fee ?? 0n
      const { events } = await world.verdict(batch)
      const slash = events.find(({ name }) => name === 'WorkerSlashed')?.args['amount'] as bigint
      expect(slash).toBe(3n * fee + stakeBefore / 10n)
      const { holder, amount } = (events.find(({ name }) => name === 'RewardWon')?.args ?? {}) as Record<
        string,
        unknown
      >
      expect([String(holder).toLowerCase(), amount]).toEqual([world.challenger.address, slash / 2n])
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [batch.header.batchId, 0])).toBe(true)
      await world.checkLaws()
    }))

  test.each([1, 2, 3])('%i of five cannot void what is right: the bond is lost', (liars) =>
    trial(async () => {
      const acts = Array.from({ length: 5 }, (_, i): Act => (i < liars ? 'wrong' : 'right'))
      const { batch, outcome, lost, owed } = await judged(acts)
      expect(outcome).toBe(liars === 1 ? isUpheld : isUndecided)
      expect(lost).toEqual(acts.map((act) => (liars === 1 && act === 'wrong' ? 1_000n : 0n)))
      expect(
        (
          await world.money.chain.fails(world.payer, 'DisputeGame', 'committeeVerdict', [
            world.money.openedReceipt(batch, 0),
            batch.built.segments,
            0,
            zeroHash,
          ])
        ).error,
      ).toBe('NotDecided')
      // Pay of a seat that found otherwise comes back, the bond does not.
      expect(await owed(world.challenger.address)).toBe(liars === 1 ? open / 20n : 0n)
      await world.checkLaws()
    }),
  )

  test('who sends a vote and hides it loses as much as who is contradicted, who sends none less', () =>
    trial(async () => {
      const { outcome, lost } = await judged(['wrong', 'wrong', 'hides', 'wrong', 'wrong'])
      expect([outcome, ...lost]).toEqual([isVoid, 0n, 0n, 1_000n, 0n, 0n])
    }))

  test('nobody votes: the challenger has his wei again, and earns nothing by it', () =>
    trial(async () => {
      const { outcome, lost, owed } = await judged(['absent', 'absent', 'absent', 'absent', 'absent'])
      expect([outcome, ...lost]).toEqual([isUndecided, 200n, 200n, 200n, 200n, 200n])
      expect(await owed(world.challenger.address)).toBe(openPrice)
      await world.checkLaws()
    }))
})

test(
  'random votes: what is lost is burned or given, no wei appears, and four votes decide',
  async () => {
    const act = fc.constantFrom<Act>('absent', 'hides', 'right', 'wrong')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(act, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
        (cases) =>
          trial(async () => {
            for (const acts of cases) {
              const count = (which: Act) => acts.filter((each) => each === which).length
              const { outcome, lost } = await judged(acts)
              const decided = count('wrong') >= 4 ? isVoid : count('right') >= 4 ? isUpheld : isUndecided
              expect(outcome).toBe(decided)
              for (const [i, each] of acts.entries()) {
                const against = (decided === isVoid && each === 'right') || (decided === isUpheld && each === 'wrong')
                // Basis points, rounded down twice.
                const expected = each === 'absent' ? 200n : each === 'hides' || against ? 1_000n : 0n
                expect(Number((lost[i] ?? 0n) - expected)).toBeLessThanOrEqual(0)
                expect(Number(expected - (lost[i] ?? 0n))).toBeLessThanOrEqual(1)
              }
              await world.checkLaws()
            }
            for (const who of [...world.checkers, world.challenger]) {
              const owed = await world.money.chain.read('CheckerCommittee', 'owedTo', [who.address])
              if (owed !== 0n) await world.money.chain.send(who, 'CheckerCommittee', 'claimOwed', [who.address])
            }
            expect(await world.money.chain.read('CheckerCommittee', 'owed')).toBe(0n)
            await world.checkLaws()
          }),
      ),
      { numRuns: 12 * scale },
    )
  },
  120_000 * scale,
)

describe('the draw', () => {
  test('has one outcome, by the L1 block that was two ahead, whoever asks and when', () =>
    trial(async () => {
      const { chain } = world.money
      const batch = await world.settle()
      const id = await world.open(batch)
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'draw', [id])).error).toBe('OtherOrigin')
      await world.setOrigin(101n)
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'draw', [id])).error).toBe('OtherOrigin')
      const direct = await trial(async () => {
        await world.setOrigin(102n)
        await chain.send(world.worker, 'CheckerCommittee', 'draw', [id])
        return await world.seats(id)
      })
      await world.setOrigin(103n)
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'draw', [id])).error).toBe('OtherOrigin')
      chain.evm.blockNumber += 1_000n
      const randao = keccak256(uintBytes(102n, 32))
      const shown = await world.provenBlock(102n, randao)
      const other = await world.provenBlock(103n, randao, 301n)
      const args = (block: unknown) => [id, block]
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'drawProven', args(other))).error).toBe('WrongOrigin')
      const forged = { ...shown, header: shown.header.replace(bytesToHex(randao).slice(2), '11'.repeat(32)) }
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'drawProven', args(forged))).error).toBe(
        'UnknownBlock',
      )
      const moved = { ...shown, storageProof: other.storageProof }
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'drawProven', args(moved))).error).toBe(
        'ProofInvalid',
      )
      await chain.send(world.worker, 'CheckerCommittee', 'drawProven', args(shown))
      expect(await world.seats(id)).toEqual(direct)
      expect((await chain.fails(world.worker, 'CheckerCommittee', 'drawProven', args(shown))).error).toBe(
        'AlreadyDrawn',
      )
    }))

  test('is by the stakes of before the commit: who comes later has no seat, and the parties have none', () =>
    trial(async () => {
      const { chain } = world.money
      await chain.send(world.worker, 'CheckerCommittee', 'addStake', [], { value: 5_000n * open })
      await chain.send(world.challenger, 'CheckerCommittee', 'addStake', [], { value: 5_000n * open })
      chain.advance(2)
      const batch = await world.settle(3)
      const late = chain.actor('late whale')
      await chain.send(late, 'CheckerCommittee', 'addStake', [], { value: 9_000n * open })
      chain.advance(2)
      for (let i = 0; i < 3; i++) {
        const seats = await world.draw(await world.open(batch, i))
        expect(new Set(seats).size).toBe(5)
      }
    }))

  test('is the one that the events of the register give', () =>
    trial(async () => {
      const register = new SeatRegister()
      for (const [slot, { address }] of world.checkers.entries()) {
        register.apply({ member: address, slot, weight: 100 + 20 * slot, time: 1n })
      }
      const batch = await world.settle()
      const id = await world.open(batch)
      const seats = await world.draw(id)
      const beacon = keccak256(uintBytes(102n, 32))
      const seed = bytesToHex(keccak256(new Uint8Array([...beacon, ...Buffer.from(id.slice(2), 'hex')])))
      const barred = [world.worker.address, world.challenger.address]
      expect(register.draw(seed, 5, batch.header.committedAt - 1n, barred)).toEqual(seats.map(({ address }) => address))
    }))

  test('of fewer than four checkers nothing comes of a case, and its wei come back', () =>
    world.money.chain.trial(async () => {
      const { chain } = world.money
      for (const checker of world.checkers.slice(3)) {
        const stake = await chain.read('CheckerCommittee', 'stakeOf', [checker.address])
        await chain.send(checker, 'CheckerCommittee', 'requestUnbond', [stake])
      }
      chain.advance(2)
      const { outcome, seats, owed } = await judged(['wrong', 'wrong', 'wrong'])
      expect([outcome, seats.length]).toEqual([isUndecided, 3])
      expect(await owed(world.challenger.address)).toBe(open + open / 10n)
    }))
})

describe('refused', () => {
  const fails = async (
    from: Parameters<typeof world.money.chain.fails>[0],
    name: string,
    args: unknown[],
    value = 0n,
  ) => (await world.money.chain.fails(from, 'CheckerCommittee', name, args, { value })).error

  test('a case of another class, at another price, twice, too late, or of a void receipt', () =>
    trial(async () => {
      const { money, challenger } = world
      const exact = await world.settle(1, zeroHash, 50, 1)
      expect(await fails(challenger, 'open', [money.openedReceipt(exact, 0)], openPrice)).toBe('WrongClass')
      const batch = await world.settle(2)
      expect(await fails(challenger, 'open', [money.openedReceipt(batch, 0)], openPrice - 1n)).toBe('WrongPrice')
      await world.open(batch)
      expect(await fails(challenger, 'open', [money.openedReceipt(batch, 0)], openPrice)).toBe('AlreadyOpened')
      const stranger = { ...money.openedReceipt(batch, 1), index: 0 }
      expect(await fails(challenger, 'open', [stranger], openPrice)).toBe('NotInTree')
      money.chain.advance(15)
      expect(await fails(challenger, 'open', [money.openedReceipt(batch, 1)], openPrice)).toBe('TooLate')
    }))

  test('cases of sketches by anybody but their judge', async () => {
    const batch = await trial(() => world.settle())
    const args = [world.worker.address, 1, world.money.openedReceipt(batch, 0), zeroHash]
    expect(await fails(world.worker, 'openFor', args, openPrice)).toBe('NotOpener')
  })

  test('votes without a seat, twice, copied, shown before all are sent, otherwise than sent, too late', () =>
    trial(async () => {
      const { chain } = world.money
      const batch = await world.settle()
      const id = await world.open(batch)
      expect(await fails(world.checkers[0] ?? '0x', 'sendVote', [id, zeroHash])).toBe('NoSeat')
      const seats = await world.draw(id)
      const [first, second] = seats
      if (first === undefined || second === undefined) throw new Error('no seats')
      await world.sendVote(id, first, true)
      expect(await fails(first, 'sendVote', [id, zeroHash])).toBe('AlreadyVoted')
      expect(await fails(first, 'showVote', [id, true, `0x${'5a'.repeat(32)}`])).toBe('TooEarly')
      const sent = (await chain.read('CheckerCommittee', 'seatsOf', [id])) as { commitment: string }[]
      await chain.send(second, 'CheckerCommittee', 'sendVote', [id, sent[0]?.commitment])
      for (const seat of seats.slice(2)) await world.sendVote(id, seat, true)
      // A copied vote cannot be shown: it names its member.
      expect(await fails(second, 'showVote', [id, true, `0x${'5a'.repeat(32)}`])).toBe('WrongVote')
      expect(await fails(first, 'showVote', [id, false, `0x${'5a'.repeat(32)}`])).toBe('WrongVote')
      await world.showVote(id, first, true)
      expect(await fails(first, 'showVote', [id, true, `0x${'5a'.repeat(32)}`])).toBe('WrongVote')
      expect(await fails(first, 'close', [id])).toBe('TooEarly')
      chain.advance(25)
      expect(await fails(seats[3] ?? first, 'showVote', [id, true, `0x${'5a'.repeat(32)}`])).toBe('TooLate')
      await chain.send(first, 'CheckerCommittee', 'close', [id])
      expect(await fails(first, 'close', [id])).toBe('NoSuchCase')
    }))

  test('a reward taken over by who committed after the case was opened', () =>
    trial(async () => {
      const { chain } = world.money
      const batch = await world.settle()
      const id = await world.open(batch)
      const subject = await chain.read('DisputeGame', 'subjectOf', [
        0,
        `0x${batch.header.batchId.toString(16).padStart(64, '0')}`,
        0n,
      ])
      const thief = chain.actor('thief')
      const packed = new Uint8Array([
        ...Buffer.from(thief.address.slice(2), 'hex'),
        ...Buffer.from(String(subject).slice(2), 'hex'),
        ...new Uint8Array(32),
      ])
      chain.advance(2)
      await chain.send(thief, 'DisputeGame', 'commitEvidence', [bytesToHex(keccak256(packed))])
      await world.play(id, await world.draw(id), ['wrong', 'wrong', 'wrong', 'wrong', 'wrong'])
      await world.verdict(batch)
      expect((await chain.fails(thief, 'DisputeGame', 'takeOverReward', [subject, zeroHash])).error).toBe(
        'NoEarlierCommitment',
      )
    }))
})

test('a case stays open until it is closed', () =>
  trial(async () => {
    const id = await world.open(await world.settle())
    const { outcome } = (await world.money.chain.read('CheckerCommittee', 'caseOf', [id])) as { outcome: number }
    expect(outcome).toBe(isOpen)
  }))
