import { predeploys } from '../../contracts/addresses.ts'
import { placeSystemContracts } from '../../genesis/system-contracts.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { caseIdOf, voteCommitment } from '../../protocol/committee-vote.ts'
import { encodeHeader, type Header, headerHash } from '../../protocol/header.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { batchHash } from '../../protocol/receipt-batch.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { AbiCodec } from './abi-codec.ts'
import { batchOf, buildBatch } from './money-batch.ts'
import { type Actor, open, type Sent } from './money-chain.ts'
import { type CommittedBatch, MoneyWorld } from './money-world.ts'
import { stake } from './standing-model.ts'
import { proveTrie } from './trie-prover.ts'

/** What a seat does: nothing, sends without showing, or votes. */
export type Act = 'absent' | 'hides' | 'right' | 'wrong'

/** What brings a case, in wei. */
export const openPrice = (open * 125n) / 100n
const { l1Block } = predeploys
const codec = new AbiCodec(['L1Block'])
const depositor: Hex = '0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001'
const historyWriter: Hex = '0xfffffffffffffffffffffffffffffffffffffffe'
const history: Hex = '0x0000f90827f1c53a10cb7a02335b175320002935'
const salt: Hex = `0x${'5a'.repeat(32)}`

/** The contracts with ten staked checkers and a worker whose receipts of class FINGERPRINT may be challenged. */
export class CommitteeWorld {
  readonly money: MoneyWorld
  readonly worker: Actor
  readonly payer: Actor
  readonly challenger: Actor
  readonly checkers: readonly Actor[]

  static async create(checkers = 10, money?: MoneyWorld): Promise<CommitteeWorld> {
    const world = new CommitteeWorld(money ?? (await MoneyWorld.create()), checkers)
    const { chain } = world.money
    placeSystemContracts(chain.state)
    await world.setOrigin(100n)
    await stake(chain, world.worker)
    await world.money.deposit(world.payer, world.worker, 100n * open)
    for (const [i, checker] of world.checkers.entries()) {
      await chain.send(checker, 'CheckerCommittee', 'addStake', [], { value: BigInt(100 + 20 * i) * open })
    }
    chain.advance(4)
    return world
  }

  constructor(money: MoneyWorld, checkers: number) {
    this.money = money
    this.worker = money.chain.actor('worker')
    this.payer = money.chain.actor('payer')
    this.challenger = money.chain.actor('challenger')
    this.checkers = Array.from({ length: checkers }, (_, i) => money.chain.actor(`checker ${i}`))
  }

  /** Blocks from now on are of this L1 block, whose randomness follows from its number. */
  async setOrigin(number: bigint): Promise<void> {
    const { chain } = this.money
    const args = [number, chain.now, 1n, zeroHash, 0n, zeroHash, 0n, 0n]
    const { result } = await chain.sendRaw(depositor, l1Block, codec.encode('L1Block', 'setL1BlockValues', args))
    if (result.execResult.exceptionError !== undefined) throw new Error('the depositor was refused')
    chain.evm.prevRandao = keccak256(uintBytes(number, 32))
  }

  /** A batch of so many answers, whose receipts commit to `traceRoot`. */
  async settle(receipts = 1, traceRoot: Hex = zeroHash, tout = 50, proofClass = 3): Promise<CommittedBatch> {
    const { money, worker, payer } = this
    const plans = Array.from({ length: receipts }, () => money.plan(payer, worker, 100, tout))
    const terms = { ...money.terms, class: proofClass }
    const built = buildBatch(worker, plans, terms, () => money.chain.now * open, money.chain.now + 600n)
    const rooted = built.receipts.map((each) => ({ ...each, receipt: { ...each.receipt, traceRoot } }))
    return (await money.commit(worker, batchOf(worker.address, rooted, proofClass, money.chain.now + 600n))).batch
  }

  caseId({ header }: CommittedBatch, index = 0): Hex {
    return caseIdOf(bytesToHex(batchHash(header)), index, 0, zeroHash)
  }

  async open(batch: CommittedBatch, index = 0): Promise<Hex> {
    const opened = this.money.openedReceipt(batch, index)
    await this.money.chain.send(this.challenger, 'CheckerCommittee', 'open', [opened], { value: openPrice })
    return this.caseId(batch, index)
  }

  /** Goes on to the L1 block that draws, and draws. */
  async draw(id: Hex): Promise<Actor[]> {
    const { chain } = this.money
    chain.advance(4)
    const { origin } = (await chain.read('CheckerCommittee', 'caseOf', [id])) as { origin: bigint }
    await this.setOrigin(origin)
    await chain.send(this.challenger, 'CheckerCommittee', 'draw', [id])
    return await this.seats(id)
  }

  async seats(id: Hex): Promise<Actor[]> {
    const seats = (await this.money.chain.read('CheckerCommittee', 'seatsOf', [id])) as { member: Hex }[]
    return seats.map(({ member }) => {
      const actor = this.checkers.find(({ address }) => address === member.toLowerCase())
      if (actor === undefined) throw new Error(`${member} is no checker`)
      return actor
    })
  }

  async sendVote(id: Hex, member: Actor, isWrong: boolean): Promise<Sent> {
    const commitment = voteCommitment(id, member.address, isWrong, salt)
    return await this.money.chain.send(member, 'CheckerCommittee', 'sendVote', [id, commitment])
  }

  async showVote(id: Hex, member: Actor, isWrong: boolean): Promise<Sent> {
    return await this.money.chain.send(member, 'CheckerCommittee', 'showVote', [id, isWrong, salt])
  }

  /** Each seat does its act, and the case is closed as soon as it can be. */
  async play(id: Hex, seats: readonly Actor[], acts: readonly Act[]): Promise<Sent> {
    const { chain } = this.money
    const { startsAt } = (await chain.read('CheckerCommittee', 'caseOf', [id])) as { startsAt: bigint }
    const until = (time: bigint) => chain.now < time && chain.advance(time - chain.now)
    for (const [i, seat] of seats.entries())
      if (acts[i] !== 'absent') await this.sendVote(id, seat, acts[i] === 'wrong')
    if (acts.includes('absent')) until(startsAt + 20n)
    for (const [i, seat] of seats.entries()) {
      if (acts[i] === 'right' || acts[i] === 'wrong') await this.showVote(id, seat, acts[i] === 'wrong')
    }
    if (acts.includes('absent') || acts.includes('hides')) until(startsAt + 25n)
    return await chain.send(this.payer, 'CheckerCommittee', 'close', [id])
  }

  /** The void path: what the DisputeGame does with a verdict. */
  async verdict(batch: CommittedBatch, index = 0, by: Actor = this.payer): Promise<Sent> {
    const args = [this.money.openedReceipt(batch, index), batch.built.segments, 0, zeroHash]
    return await this.money.chain.send(by, 'DisputeGame', 'committeeVerdict', args)
  }

  /** Wei in is wei locked, owed or held; what was lost is burned or somebody's. */
  async checkLaws(): Promise<void> {
    const { chain } = this.money
    const names = ['membersStake', 'membersUnbonding', 'owed', 'held', 'slashed', 'burned', 'rewarded'] as const
    const values = await Promise.all(names.map((name) => chain.read('CheckerCommittee', name)))
    const [staked = 0n, unbonding = 0n, owed = 0n, held = 0n, slashed, burned = 0n, rewarded = 0n] = values as bigint[]
    if (chain.balance('CheckerCommittee') !== staked + unbonding + owed + held) throw new Error('wei appeared or went')
    if (slashed !== burned + rewarded) throw new Error(`${slashed} wei lost, ${burned} burned, ${rewarded} given`)
    if (chain.supply() !== 10n ** 27n) throw new Error(`a supply of ${chain.supply()}`)
  }

  /** A block of this L1 origin, 300 blocks ago, as `ProvenBlock`: its header, and what its state says of the origin. */
  async provenBlock(origin: bigint, randao: Uint8Array, ago = 300n) {
    const { chain } = this.money
    const slot = uintBytes(origin | (chain.now << 64n), 16)
    const key = keccak256(new Uint8Array(32))
    const storage = proveTrie(
      [
        [key, rlpEncode(trim(slot))],
        [keccak256(Uint8Array.of(1)), Uint8Array.of(7)],
      ],
      key,
    )
    const account = rlpEncode([rlpUint(1n), rlpUint(0n), storage.root, keccak256(new Uint8Array(0))])
    const path = keccak256(hexToBytes(l1Block))
    const state = proveTrie(
      [
        [path, account],
        [keccak256(Uint8Array.of(2)), account],
      ],
      path,
    )
    const number = chain.blockNumber - ago
    const header = headerOf(number, state.root, randao)
    const now = chain.blockNumber
    chain.evm.blockNumber = number + 1n
    await chain.sendRaw(historyWriter, history, headerHash(header))
    chain.evm.blockNumber = now
    const hexes = (nodes: readonly Uint8Array[]) => nodes.map((node) => bytesToHex(node))
    return {
      header: bytesToHex(encodeHeader(header)),
      accountProof: hexes(state.proof),
      storageProof: hexes(storage.proof),
    }
  }
}

function trim(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.findIndex((byte) => byte !== 0))
}

function headerOf(number: bigint, stateRoot: Uint8Array, prevRandao: Uint8Array): Header {
  const hash = new Uint8Array(32)
  return {
    ...{ parentHash: hash, ommersHash: hash, coinbase: new Uint8Array(20), stateRoot, transactionsRoot: hash },
    ...{ receiptsRoot: hash, logsBloom: new Uint8Array(256), difficulty: 0n, number, gasLimit: 1n, gasUsed: 0n },
    ...{ timestamp: 1n, extraData: new Uint8Array(0), prevRandao, nonce: new Uint8Array(8), baseFeePerGas: 1n },
  }
}
