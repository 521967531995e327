import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Hex, hexToBytes, zeroAddress } from '../../protocol/bytes.ts'
import { type Actor, addressOf, chainId, MoneyChain, open } from '../fakes/money-chain.ts'
import { at, calldata, deploy } from './chain.ts'

/** Sequences of calls. */
const sequences = Number(process.env['OPENLEDGER_FUZZ'] ?? 15)

const gopen = addressOf('GOPEN')

let chain: MoneyChain
let owner: Actor
let addr1: Actor
let addr2: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  ;[owner, addr1, addr2] = [chain.actor('owner'), chain.actor('addr1'), chain.actor('addr2')]
})

const deposit = (from: Actor, value: bigint) => chain.send(from, 'GOPEN', 'deposit', [], { value })
const delegate = (from: Actor, to: Actor) => chain.send(from, 'GOPEN', 'delegate', [to.address])
const transfer = (from: Actor, to: Actor, amount: bigint) => chain.send(from, 'GOPEN', 'transfer', [to.address, amount])
const balance = (of: Actor) => chain.read('GOPEN', 'balanceOf', [of.address])
const votes = (of: Actor) => chain.read('GOPEN', 'getVotes', [of.address])
const pastVotes = (of: Actor, at: bigint) => chain.read('GOPEN', 'getPastVotes', [of.address, at])

/** The scenarios of the published token's tests, by their names. */
describe('GOpen', () => {
  test('Deployment: the right name and symbol, zero total supply, 18 decimals', async () => {
    expect(await chain.read('GOPEN', 'name')).toBe('GOpen')
    expect(await chain.read('GOPEN', 'symbol')).toBe('GOPEN')
    expect(await chain.read('GOPEN', 'decimals')).toBe(18)
    expect(await chain.read('GOPEN', 'totalSupply')).toBe(0n)
  })

  test('Deposits: mint tokens one for one, from 1 wei to thousands', async () => {
    for (const amount of [1n, open, 9_000n * open]) {
      const { events } = await deposit(owner, amount)
      expect(events).toMatchObject([{ name: 'Transfer' }, { name: 'Deposit', args: { amt: amount } }])
    }
    expect(await balance(owner)).toBe(9_001n * open + 1n)
    expect(chain.balance('GOPEN')).toBe(9_001n * open + 1n)
  })

  test('Custom errors: zero deposits and withdrawals are refused', async () => {
    expect((await chain.fails(owner, 'GOPEN', 'deposit')).error).toBe('ZeroValueNotAllowed')
    expect((await chain.fails(owner, 'GOPEN', 'withdraw', [0n])).error).toBe('ZeroValueNotAllowed')
  })

  test('Withdrawals: burn tokens and return OPEN, up to the exact balance, below 100,000 gas', async () => {
    await deposit(owner, 2n * open)
    const before = chain.balance(owner)
    const { gas, events } = await chain.send(owner, 'GOPEN', 'withdraw', [open])
    expect(events.at(-1)).toMatchObject({ name: 'Withdrawal', args: { amt: open } })
    expect(chain.balance(owner) - before).toBe(open)
    expect(gas).toBeLessThan(100_000n)
    expect((await chain.fails(owner, 'GOPEN', 'withdraw', [2n * open])).error).toBe('ERC20InsufficientBalance')
    await chain.send(owner, 'GOPEN', 'withdraw', [open])
    expect(await balance(owner)).toBe(0n)
  })

  test('Receive function: a plain transfer mints, one with calldata that names nothing reverts', async () => {
    await chain.sendRaw(owner, gopen, new Uint8Array(), { value: open })
    expect(await balance(owner)).toBe(open)
    const { result } = await chain.sendRaw(owner, gopen, Uint8Array.of(0x80, 0x21, 0x80, 0x21), { value: open })
    expect(result.execResult.exceptionError).toBeDefined()
  })

  test('Reentrancy, State consistency: what calls back during its withdrawal finds the tokens burned, and gains nothing', async () => {
    const address: Hex = `0x${'e5'.repeat(20)}`
    const attacker = await deploy(chain.evm, 'Caller', address)
    await deposit(owner, 10n * open)
    await transfer(owner, { ...addr1, address }, open)
    const again = calldata(at('GOPEN', gopen), 'withdraw', [open])
    await chain.evm.call(attacker, 'answer', [gopen, again])
    await chain.evm.call(attacker, 'run', [gopen, 0n, again])
    expect(await chain.evm.call(attacker, 'refused')).toBe(1n)
    expect(chain.balance(address)).toBe(open)
    expect(chain.balance('GOPEN')).toBe(9n * open)
    // State consistency: everybody else has what they had, and can take it.
    expect(await balance(owner)).toBe(9n * open)
    await chain.send(owner, 'GOPEN', 'withdraw', [9n * open])
    expect(chain.balance('GOPEN')).toBe(0n)
  })

  test('Governance and voting: votes follow delegation, and past votes and supply are kept by time', async () => {
    await deposit(owner, open)
    expect(await votes(owner)).toBe(0n)
    const before = chain.now
    chain.advance(2)
    await delegate(owner, owner)
    expect(await votes(owner)).toBe(open)
    expect(await chain.read('GOPEN', 'numCheckpoints', [owner.address])).toBe(1)
    const delegated = chain.now
    chain.advance(2)
    expect(await pastVotes(owner, before)).toBe(0n)
    expect(await pastVotes(owner, delegated)).toBe(open)
    expect(await chain.read('GOPEN', 'getPastTotalSupply', [before])).toBe(open)
    expect((await chain.fails(owner, 'GOPEN', 'getPastVotes', [owner.address, chain.now])).error).toBe(
      'ERC5805FutureLookup',
    )
    await delegate(owner, addr1)
    expect(await chain.read('GOPEN', 'delegates', [owner.address])).toMatch(new RegExp(addr1.address, 'i'))
    expect([await votes(owner), await votes(addr1)]).toEqual([0n, open])
  })

  test('Checkpoints: of a deposit, a delegation and a withdrawal each time keeps its own votes and supply', async () => {
    const times: bigint[] = []
    for (const act of [() => deposit(addr1, open), () => delegate(addr1, addr1)]) {
      await act()
      times.push(chain.now)
      chain.advance(2)
    }
    await chain.send(addr1, 'GOPEN', 'withdraw', [open])
    const [deposited = 0n, delegated = 0n, withdrawn = 0n] = [...times, chain.now]
    chain.advance(2)
    expect(await votes(addr1)).toBe(0n)
    expect(await Promise.all([deposited, delegated, withdrawn].map((at) => pastVotes(addr1, at)))).toEqual([
      ...[0n, open, 0n],
    ])
    expect(await chain.read('GOPEN', 'getPastTotalSupply', [delegated])).toBe(open)
    expect(await chain.read('GOPEN', 'getPastTotalSupply', [withdrawn])).toBe(0n)
    expect(await chain.read('GOPEN', 'numCheckpoints', [addr1.address])).toBe(2)
  })

  test('Permit: a signature allows a spender once, and vote delegation by signature works the same way', async () => {
    await deposit(owner, open)
    const domain = { name: 'GOpen', version: '1', chainId: Number(chainId), verifyingContract: gopen } as const
    const deadline = chain.now + 100n
    const fields = (names: string) =>
      names.split(', ').map((each) => {
        const [type = '', name = ''] = each.split(' ')
        return { type, name }
      })
    const message = { owner: owner.address, spender: addr1.address, value: open, nonce: 0n, deadline }
    const types = { Permit: fields('address owner, address spender, uint256 value, uint256 nonce, uint256 deadline') }
    const split = (digest: Hex) => {
      const { r, vs } = owner.sign(hexToBytes(digest))
      const high = BigInt(vs) >> 255n
      return [27n + high, r, `0x${(BigInt(vs) & ((1n << 255n) - 1n)).toString(16).padStart(64, '0')}`] as const
    }
    const permit = [
      owner.address,
      addr1.address,
      open,
      deadline,
      ...split(hashTypedData({ domain, types, primaryType: 'Permit', message })),
    ]
    await chain.send(addr2, 'GOPEN', 'permit', permit)
    expect((await chain.fails(addr2, 'GOPEN', 'permit', permit)).error).toBe('ERC2612InvalidSigner')
    await chain.send(addr1, 'GOPEN', 'transferFrom', [owner.address, addr1.address, open / 2n])
    expect(await balance(addr1)).toBe(open / 2n)
    expect(await chain.read('GOPEN', 'nonces', [owner.address])).toBe(1n)

    const delegation = { delegatee: addr2.address, nonce: 1n, expiry: deadline }
    const kinds = { Delegation: fields('address delegatee, uint256 nonce, uint256 expiry') }
    const digest = hashTypedData({ domain, types: kinds, primaryType: 'Delegation', message: delegation })
    await chain.send(addr1, 'GOPEN', 'delegateBySig', [addr2.address, 1n, deadline, ...split(digest)])
    expect(await votes(addr2)).toBe(open / 2n)
  })

  test('Overrides: the clock is the block’s time', async () => {
    expect(await chain.read('GOPEN', 'clock')).toBe(Number(chain.now))
    expect(await chain.read('GOPEN', 'CLOCK_MODE')).toBe('mode=timestamp')
  })
})

test(
  'whatever is wrapped, sent and delegated, tokens are OPEN held, and votes are the tokens of who delegated',
  async () => {
    const people = [owner, addr1, addr2]
    const step = fc.record({
      kind: fc.constantFrom('deposit', 'withdraw', 'transfer', 'delegate', 'undelegate'),
      from: fc.nat(2),
      to: fc.nat(2),
      amount: fc.bigInt(1n, 50n * open),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        await chain.trial(async () => {
          const [held, chosen] = [
            [0n, 0n, 0n],
            [-1, -1, -1],
          ]
          const history: (readonly [bigint, readonly bigint[]])[] = []
          const tally = () =>
            people.map((_, i) => held.reduce((sum, amount, j) => sum + (chosen[j] === i ? amount : 0n), 0n))
          for (const { kind, from, to, amount } of steps) {
            const [sender, other] = [people[from] as Actor, people[to] as Actor]
            const has = held[from] ?? 0n
            const part = amount < has ? amount : has
            if (kind === 'deposit') await deposit(sender, amount).then(() => (held[from] = has + amount))
            else if (kind === 'delegate') await delegate(sender, other).then(() => (chosen[from] = to))
            else if (kind === 'undelegate') {
              await chain.send(sender, 'GOPEN', 'delegate', [zeroAddress])
              chosen[from] = -1
            } else if (part === 0n) continue
            else if (kind === 'withdraw')
              await chain.send(sender, 'GOPEN', 'withdraw', [part]).then(() => (held[from] = has - part))
            else {
              await transfer(sender, other, part)
              held[from] = (held[from] ?? 0n) - part
              held[to] = (held[to] ?? 0n) + part
            }
            history.push([chain.now, tally()])
            chain.advance(2)
          }
          const total = held.reduce((a, b) => a + b)
          expect(await chain.read('GOPEN', 'totalSupply')).toBe(total)
          expect(chain.balance('GOPEN')).toBe(total)
          for (const [i, person] of people.entries()) {
            expect(await votes(person)).toBe(tally()[i])
            for (const [at, then] of history) expect(await pastVotes(person, at)).toBe(then[i])
          }
        })
      }),
      { numRuns: sequences },
    )
  },
  30_000 + 1_000 * sequences,
)
