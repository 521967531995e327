import { beforeEach, describe, expect, test } from 'vitest'
import { type Hex, hexToBytes, zeroAddress } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { type Actor, MoneyChain, open } from '../fakes/money-chain.ts'

let chain: MoneyChain
let owner: Actor
let other: Actor
beforeEach(async () => {
  chain = await MoneyChain.create()
  owner = chain.actor('owner')
  other = chain.actor('other')
})

const send = (name: string, args: readonly unknown[] = [], from = owner, value = 0n) =>
  chain.send(from, 'AgentRegistry', name, args, { value })
const fails = async (name: string, args: readonly unknown[] = [], from = owner, value = 0n) =>
  (await chain.fails(from, 'AgentRegistry', name, args, { value })).error
const read = async (name: string, args: readonly unknown[]) => {
  const value = await chain.read('AgentRegistry', name, args)
  return typeof value === 'string' && value.startsWith('0x') ? value.toLowerCase() : value
}
const hash = (text: string) => keccakHex(new TextEncoder().encode(text))

describe('identity', () => {
  test('an agent is a token with a registration file, metadata and a wallet', async () => {
    const metadata = [{ metadataKey: 'agentName', metadataValue: '0x6f6c' }]
    const { result, events } = await send('register', ['ipfs://file', metadata])
    expect(result).toBe(1n)
    expect(events.map(({ name }) => name)).toEqual(['Transfer', 'MetadataSet', 'MetadataSet', 'Registered'])
    expect(await read('tokenURI', [1n])).toBe('ipfs://file')
    expect(await read('getMetadata', [1n, 'agentName'])).toBe('0x6f6c')
    expect(await read('getAgentWallet', [1n])).toBe(owner.address)
    expect(await read('getMetadata', [1n, 'agentWallet'])).toBe(owner.address)
    expect((await send('register')).result).toBe(2n)
    expect((await send('register', ['x'])).result).toBe(3n)
    expect(await read('balanceOf', [owner.address])).toBe(3n)
    expect(await read('name', [])).toBe('OpenLedger Agents')
    expect(await read('symbol', [])).toBe('AGENT')
  })

  test.each([
    ['ERC-165', '0x01ffc9a7', true],
    ['ERC-721', '0x80ac58cd', true],
    ['its metadata', '0x5b5e139f', true],
    ['nothing', '0xffffffff', false],
  ])('%s is what supportsInterface says', async (_, id, expected) => {
    expect(await read('supportsInterface', [id])).toBe(expected)
  })

  test('the file and metadata are its owner’s and operators’ to change, and bounded', async () => {
    await send('register')
    expect(await fails('setAgentURI', [1n, 'x'], other)).toBe('NotOwnerOrOperator')
    await send('approve', [other.address, 1n])
    const { events } = await send('setAgentURI', [1n, 'data:,{}'], other)
    expect(events[0]).toMatchObject({ name: 'URIUpdated', args: { newURI: 'data:,{}' } })
    expect(await fails('setAgentURI', [1n, 'x'.repeat(8_193)])).toBe('URITooLong')
    expect(await fails('setMetadata', [1n, 'k'.repeat(65), '0x'])).toBe('MetadataTooLong')
    expect(await fails('setMetadata', [1n, 'k', `0x${'00'.repeat(1_025)}`])).toBe('MetadataTooLong')
    expect(await fails('setMetadata', [1n, 'agentWallet', owner.address])).toBe('ReservedKey')
    expect(await fails('register', ['', [{ metadataKey: 'agentWallet', metadataValue: '0x' }]])).toBe('ReservedKey')
    expect(await fails('setAgentURI', [2n, 'x'])).toBe('ERC721NonexistentToken')
  })

  test('a wallet proves itself, and a new owner has none', async () => {
    await send('register')
    const wallet = chain.actor('wallet')
    const signed = async (deadline: bigint, by = wallet): Promise<readonly unknown[]> => {
      const digest = (await read('walletDigest', [1n, wallet.address, deadline])) as Hex
      const { r, vs } = by.sign(hexToBytes(digest))
      const parity = BigInt(vs) >> 255n
      const s = (BigInt(vs) & ((1n << 255n) - 1n)).toString(16).padStart(64, '0')
      return [1n, wallet.address, deadline, `${r}${s}${parity === 1n ? '1c' : '1b'}`]
    }
    const soon = chain.now + 60n
    expect(await fails('setAgentWallet', await signed(soon, other))).toBe('NotSignedByWallet')
    expect(await fails('setAgentWallet', await signed(chain.now - 1n))).toBe('WalletProofExpired')
    expect(await fails('setAgentWallet', await signed(chain.now + 86_401n))).toBe('WalletProofTooLong')
    await send('setAgentWallet', await signed(soon))
    expect(await read('getAgentWallet', [1n])).toBe(wallet.address)
    await send('transferFrom', [owner.address, other.address, 1n])
    expect(await read('getAgentWallet', [1n])).toBe(zeroAddress)
    // A proof for the former owner is none for the new one.
    expect(await fails('setAgentWallet', await signed(soon), owner)).toBe('NotOwnerOrOperator')
    await send('unsetAgentWallet', [1n], other)
  })
})

describe('stake', () => {
  test('is the token’s: anyone adds, its owner takes it back after the delay', async () => {
    await send('register')
    await send('stake', [1n], other, 5n * open)
    expect(await fails('stake', [2n], other, open)).toBe('ERC721NonexistentToken')
    expect(await fails('stake', [1n], other)).toBe('ZeroAmount')
    expect(await fails('requestUnbond', [1n, open], other)).toBe('NotAgentOwner')
    expect(await fails('requestUnbond', [1n, 6n * open])).toBe('AboveStake')
    await send('requestUnbond', [1n, 2n * open])
    expect(await fails('withdraw', [1n, other.address])).toBe('StillBonded')
    await send('cancelUnbond', [1n])
    expect(await fails('cancelUnbond', [1n])).toBe('NothingUnbonding')
    await send('requestUnbond', [1n, 2n * open])
    await send('transferFrom', [owner.address, other.address, 1n])
    chain.advance((await read('unbondingDelay', [])) as bigint)
    expect(await fails('withdraw', [1n, owner.address])).toBe('NotAgentOwner')
    const before = chain.balance(owner)
    await send('withdraw', [1n, owner.address], other)
    expect(chain.balance(owner) - before).toBe(2n * open)
    expect(await read('stakeOf', [1n])).toBe(3n * open)
    expect(chain.balance('AgentRegistry')).toBe(3n * open)
  })

  test('is slashed and locked by AgentTrails alone', async () => {
    await send('register')
    for (const [name, args] of [
      ['slash', [1n, 0]],
      ['lock', [1n]],
      ['unlock', [1n]],
    ] as const) {
      expect(await fails(name, args)).toBe('NotAllowed')
    }
  })
})

describe('what others say', () => {
  const give = (value: bigint, decimals: number, tag1 = '', by = other, endpoint = '') =>
    chain.send(by, 'AgentReviews', 'giveFeedback', [1n, value, decimals, tag1, '', endpoint, '', hash('file')])
  const refused = async (name: string, args: readonly unknown[], by = other) =>
    (await chain.fails(by, 'AgentReviews', name, args)).error
  const summary = (clients: readonly Hex[], tag1 = '') =>
    chain.read('AgentReviews', 'getSummary', [1n, clients, tag1, ''])

  test('is kept by client and averaged over those that are named', async () => {
    await send('register')
    const third = chain.actor('third')
    await give(87n, 0, 'starred')
    await give(9_977n, 2, 'uptime')
    await give(-32n, 1, 'yield', third)
    expect(await summary([other.address])).toEqual([2n, 9_338n, 2])
    expect(await summary([other.address, third.address])).toEqual([3n, 6_119n, 2])
    expect(await summary([third.address], 'yield')).toEqual([1n, -32n, 1])
    expect(await summary([third.address], 'starred')).toEqual([0n, 0n, 0])
    expect(await refused('getSummary', [1n, [], '', ''])).toBe('NoClients')
    await chain.send(other, 'AgentReviews', 'revokeFeedback', [1n, 2n])
    expect(await refused('revokeFeedback', [1n, 2n])).toBe('RevokedBefore')
    expect(await summary([other.address])).toEqual([1n, 87n, 0])
    const all = (await chain.read('AgentReviews', 'readAllFeedback', [1n, [], '', '', false])) as unknown[][]
    expect(all[1]).toEqual([1n, 1n])
    const withRevoked = (await chain.read('AgentReviews', 'readAllFeedback', [1n, [], '', '', true])) as unknown[][]
    expect(withRevoked[6]).toEqual([false, true, false])
    expect(await chain.read('AgentReviews', 'readFeedback', [1n, third.address, 1n])).toEqual([
      -32n,
      1,
      'yield',
      '',
      false,
    ])
    expect(await chain.read('AgentReviews', 'getLastIndex', [1n, other.address])).toBe(2n)
  })

  test('is refused from the agent itself, without number, or beyond its bounds', async () => {
    await send('register')
    const args = (value: bigint, decimals: number, tag = '') => [1n, value, decimals, tag, '', '', '', hash('')]
    expect(await refused('giveFeedback', args(1n, 0), owner)).toBe('OwnFeedback')
    expect(await refused('giveFeedback', args(1n, 19))).toBe('BadDecimals')
    expect(await refused('giveFeedback', args(10n ** 38n + 1n, 0))).toBe('ValueTooLarge')
    expect(await refused('giveFeedback', args(1n, 0, 't'.repeat(65)))).toBe('TextTooLong')
    expect(await refused('giveFeedback', [9n, 1n, 0, '', '', '', '', hash('')])).toBe('ERC721NonexistentToken')
    expect(await refused('revokeFeedback', [1n, 1n])).toBe('NoFeedback')
    expect(await refused('appendResponse', [1n, other.address, 1n, '', hash('')])).toBe('NoFeedback')
  })

  test('of clients that the agent authorised is marked, up to the limit and before the end', async () => {
    await send('register')
    const limit = [1n, other.address, 1n, chain.now + 100n]
    expect(await refused('authoriseClient', limit)).toBe('NotOwnerOrOperator')
    expect(await refused('authoriseClient', [1n, other.address, 0n, chain.now + 100n], owner)).toBe('BadAuthorisation')
    await give(1n, 0, '', chain.actor('third'))
    await chain.send(owner, 'AgentReviews', 'authoriseClient', limit)
    await give(5n, 0)
    await give(6n, 0)
    const clients = (await chain.read('AgentReviews', 'getAuthorisedClients', [1n])) as string[]
    expect(clients.map((each) => each.toLowerCase())).toEqual([other.address])
    expect(((await chain.read('AgentReviews', 'getClients', [1n])) as string[]).length).toBe(2)
  })

  test('can be answered by anyone, and is counted by who did', async () => {
    await send('register')
    await give(1n, 0)
    const answer = [1n, other.address, 1n, 'ipfs://refund', hash('r')]
    await chain.send(owner, 'AgentReviews', 'appendResponse', answer)
    await chain.send(other, 'AgentReviews', 'appendResponse', answer)
    const count = (responders: readonly Hex[]) =>
      chain.read('AgentReviews', 'getResponseCount', [1n, other.address, 1n, responders])
    expect(await count([])).toBe(2n)
    expect(await count([owner.address])).toBe(1n)
  })

  test('a validator that was asked answers, and may answer anew', async () => {
    await send('register')
    const request = hash('request')
    expect(await refused('validationRequest', [other.address, 1n, '', request])).toBe('NotOwnerOrOperator')
    expect(await refused('validationRequest', [zeroAddress, 1n, '', request], owner)).toBe('ZeroAddress')
    await chain.send(owner, 'AgentReviews', 'validationRequest', [other.address, 1n, 'ipfs://work', request])
    expect(await refused('validationRequest', [other.address, 1n, '', request], owner)).toBe('RequestedBefore')
    const found = (response: number, id = request) => [id, response, '', hash(''), 'hard']
    expect(await refused('validationResponse', found(101))).toBe('BadResponse')
    expect(await refused('validationResponse', found(1), owner)).toBe('NotValidator')
    expect(await refused('validationResponse', found(1, hash('none')))).toBe('UnknownRequest')
    const mean = () => chain.read('AgentReviews', 'getSummary', [1n, [], ''])
    expect(await mean()).toEqual([0n, 0])
    await chain.send(other, 'AgentReviews', 'validationResponse', found(40))
    await chain.send(other, 'AgentReviews', 'validationResponse', found(90))
    expect(await mean()).toEqual([1n, 90])
    expect(await chain.read('AgentReviews', 'getSummary', [1n, [owner.address], ''])).toEqual([0n, 0])
    expect(await chain.read('AgentReviews', 'getAgentValidations', [1n])).toEqual([request])
    expect(await chain.read('AgentReviews', 'getValidatorRequests', [other.address])).toEqual([request])
    const status = (await chain.read('AgentReviews', 'getValidationStatus', [request])) as unknown[]
    expect(status.slice(1, 5)).toEqual([1n, 90, hash(''), 'hard'])
  })
})
