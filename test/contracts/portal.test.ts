import fc from 'fast-check'
import { decodeAbiParameters } from 'viem'
import { beforeEach, describe, expect, test } from 'vitest'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { devPreset } from '../../genesis/presets.ts'
import { bytesToHex, type Hex, hexToBytes, uintBytes, zeroHash } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../protocol/rlp.ts'
import { sentMessageKey, type Withdrawal, withdrawalHash } from '../fakes/sent-withdrawal.ts'
import { proveTrie } from '../fakes/trie-prover.ts'
import { alice, at, balanceOf, bob, calldata, carol, deploy, emptyChain, l1Bridge, sendRaw } from './chain.ts'

const owner = devPreset().l1Owner
const addresses = { systemConfig: address('51'), oracle: address('52'), portal: address('53'), bridge: address('54') }
const oracle = at('L2OutputOracle', addresses.oracle)
const portal = at('OptimismPortal', addresses.portal)
const bridge = at('OpenBridge', addresses.bridge)
const window = 60n

let evm: GenesisEvm
let start: bigint

beforeEach(async () => {
  evm = await emptyChain()
  evm.blockNumber = 100n
  start = evm.timestamp
  await deployL1(true)
})

async function deployL1(customGasToken: boolean): Promise<void> {
  const parameters = {
    owner,
    batcher: bob,
    unsafeBlockSigner: bob,
    batchInbox: carol,
    gasLimit: 30_000_000n,
    basefeeScalar: 1,
    blobbasefeeScalar: 2,
    l2ChainId: 901n,
    customGasToken,
  }
  await deploy(evm, 'SystemConfig', addresses.systemConfig, [parameters])
  await deploy(evm, 'L2OutputOracle', addresses.oracle, [10n, 2n, 0n, start, alice, carol, window])
  await deploy(evm, 'OptimismPortal', addresses.portal, [addresses.oracle, addresses.systemConfig, owner])
  await deploy(evm, 'OpenBridge', addresses.bridge, [addresses.portal, l1Bridge, address('00'), 1_000n, alice])
}

/** An L2 that has sent `withdrawal` among others, proposed on the L1; what a relayer would pass to the portal. */
async function propose(withdrawal: Withdrawal, others = 20) {
  const hash = withdrawalHash(withdrawal)
  const sent = [hash, ...Array.from({ length: others }, (_, i) => keccak256(uintBytes(i, 4)))]
  const entries = sent.map((sentHash) => [storagePath(sentHash), rlpEncode(rlpUint(1))] as const)
  const { root, proof } = proveTrie(entries, storagePath(hash))
  const outputRootProof = {
    version: zeroHash,
    stateRoot: bytesToHex(keccak256(uintBytes(1, 1))),
    messagePasserStorageRoot: bytesToHex(root),
    latestBlockhash: bytesToHex(keccak256(uintBytes(2, 1))),
  }
  const outputRoot = bytesToHex(
    keccak256(
      hexToBytes(
        `0x${Object.values(outputRootProof)
          .map((word) => word.slice(2))
          .join('')}`,
      ),
    ),
  )
  const next = (await evm.call(oracle, 'nextBlockNumber')) as bigint
  const due = start + next * 2n + 1n
  if (evm.timestamp < due) evm.timestamp = due
  await evm.call(oracle, 'proposeL2Output', [outputRoot, next, zeroHash, 0n], { from: alice })
  const index = (await evm.call(oracle, 'latestOutputIndex')) as bigint
  return { index, outputRootProof, proof: proof.map((node) => bytesToHex(node)), hash: bytesToHex(hash), next }
}

const message = (changes: Partial<Withdrawal> = {}): Withdrawal => ({
  nonce: 1n << 240n,
  sender: bob,
  target: carol,
  value: 0n,
  gasLimit: 50_000n,
  data: '0x1234',
  ...changes,
})

describe('withdrawals', () => {
  test('one is proven, waits for its window, is finalised once', async () => {
    const withdrawal = message()
    const { index, outputRootProof, proof, hash } = await propose(withdrawal)
    const prove = () => evm.call(portal, 'proveWithdrawalTransaction', [withdrawal, index, outputRootProof, proof])
    await prove()
    expect(await evm.call(portal, 'provenWithdrawals', [hash])).toEqual([expect.any(String), evm.timestamp, index])
    await expect(prove()).rejects.toThrow()
    const finalize = () => evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])
    evm.timestamp += window
    await expect(finalize()).rejects.toThrow()
    evm.timestamp += 1n
    await finalize()
    expect(await evm.call(portal, 'finalizedWithdrawals', [hash])).toBe(true)
    await expect(finalize()).rejects.toThrow()
  })

  test('any changed field is a withdrawal that the L2 never sent', async () => {
    const withdrawal = message()
    const { index, outputRootProof, proof } = await propose(withdrawal)
    const changed: Partial<Withdrawal>[] = [
      { nonce: withdrawal.nonce + 1n },
      { sender: carol },
      { target: bob },
      { gasLimit: 50_001n },
      { data: '0x1235' },
    ]
    for (const changes of changed) {
      const args = [{ ...withdrawal, ...changes }, index, outputRootProof, proof]
      await expect(evm.call(portal, 'proveWithdrawalTransaction', args)).rejects.toThrow()
    }
  })

  test('an output root that is not the posted one proves nothing', async () => {
    const withdrawal = message()
    const { index, outputRootProof, proof } = await propose(withdrawal)
    for (const key of ['version', 'stateRoot', 'messagePasserStorageRoot', 'latestBlockhash']) {
      const altered = { ...outputRootProof, [key]: bytesToHex(keccak256(uintBytes(9, 1))) }
      await expect(
        evm.call(portal, 'proveWithdrawalTransaction', [withdrawal, index, altered, proof]),
      ).rejects.toThrow()
    }
  })

  test('an output root that is deleted after the proof stops the withdrawal; it can be proven anew', async () => {
    const withdrawal = message()
    const first = await propose(withdrawal)
    await evm.call(portal, 'proveWithdrawalTransaction', [withdrawal, first.index, first.outputRootProof, first.proof])
    await evm.call(oracle, 'deleteL2Outputs', [first.index], { from: carol })
    evm.timestamp += window + 1n
    await expect(evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])).rejects.toThrow()
    const second = await propose(withdrawal, 5)
    await expect(evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])).rejects.toThrow()
    await evm.call(portal, 'proveWithdrawalTransaction', [
      withdrawal,
      second.index,
      second.outputRootProof,
      second.proof,
    ])
    evm.timestamp += window + 1n
    await evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])
  })

  test('the portal cannot be made to call itself, and its guardian can stop it', async () => {
    const self = message({ target: portal.address })
    const proposed = await propose(self)
    const args = [self, proposed.index, proposed.outputRootProof, proposed.proof]
    await expect(evm.call(portal, 'proveWithdrawalTransaction', args)).rejects.toThrow('BadTarget')
    await expect(evm.call(portal, 'pause', [], { from: alice })).rejects.toThrow('Unauthorized')
    await evm.call(portal, 'pause', [], { from: owner })
    await expect(evm.call(portal, 'proveWithdrawalTransaction', args)).rejects.toThrow('CallPaused')
    await expect(evm.call(portal, 'finalizeWithdrawalTransaction', [self])).rejects.toThrow('CallPaused')
  })

  test('ether leaves with the message where ETH pays for gas, and never under a custom gas token', async () => {
    const withdrawal = message({ value: 5n })
    const paid = await propose(withdrawal)
    const args = [withdrawal, paid.index, paid.outputRootProof, paid.proof]
    await expect(evm.call(portal, 'proveWithdrawalTransaction', args)).rejects.toThrow('NotAllowedOnCGTMode')
    evm = await emptyChain()
    start = evm.timestamp
    await deployL1(false)
    const { index, outputRootProof, proof } = await propose(withdrawal)
    evm.state.account(portal.address).balance = 5n
    await evm.call(portal, 'proveWithdrawalTransaction', [withdrawal, index, outputRootProof, proof])
    evm.timestamp += window + 1n
    const before = balanceOf(evm, carol)
    await evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])
    expect(balanceOf(evm, carol) - before).toBe(5n)
  })
})

describe('trie proofs', () => {
  test('for any set of messages, each is proven and no other', async () => {
    const trie = await deployTrieUser()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(1_000_000), { minLength: 1, maxLength: 60 }),
        fc.nat(),
        fc.nat(),
        async (numbers, pick, flip) => {
          const hashes = numbers.map((n) => keccak256(uintBytes(n, 4)))
          const entries = hashes.map((hash) => [storagePath(hash), rlpEncode(rlpUint(1))] as const)
          const chosen = hashes[pick % hashes.length] ?? zero
          const { root, proof } = proveTrie(entries, storagePath(chosen))
          expect(await trie(root, chosen, proof)).toBe(true)
          const absent = keccak256(uintBytes(flip, 8))
          const absence = proveTrie(entries, storagePath(absent))
          expect(await trie(absence.root, absent, absence.proof)).toBe(false)
          expect(await trie(root, absent, proof)).toBe(false)
          const altered = proof.map((node) => node.slice())
          const node = altered[flip % altered.length] ?? zero
          node[flip % node.length] = (node[flip % node.length] ?? 0) ^ (1 + (flip % 255))
          expect(await trie(root, chosen, altered)).toBe(false)
          expect(await trie(root, chosen, proof.slice(0, -1))).toBe(false)
          expect(await trie(root, chosen, [...proof, node])).toBe(false)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('a leaf inside its parent is found, whether the prover lists it again (as viem does) or not', async () => {
    const harness = await deploy(evm, 'TrieProofHarness', address('5f'))
    const key = (last: number) => Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? last : 7))
    const entries = [0x10, 0x21, 0x22].map((last) => [key(last), rlpEncode(rlpUint(1))] as const)
    const read = (path: Uint8Array, nodes: readonly Uint8Array[]) =>
      evm.call(harness, 'read', [bytesToHex(root), bytesToHex(path), nodes.map((node) => bytesToHex(node))])
    const { root, proof } = proveTrie(entries, key(0x10))
    expect(await read(key(0x10), proof)).toEqual([true, '0x01'])
    // The leaf at nibble 1: the odd path's one nibble left, 0, and the value 1.
    const leaf = rlpEncode([Uint8Array.of(0x30), Uint8Array.of(1)])
    expect(await read(key(0x10), [...proof, leaf])).toEqual([true, '0x01'])
    await expect(read(key(0x10), [...proof, leaf, leaf])).rejects.toThrow('ProofInvalid')
    await expect(read(key(0x10), [...proof, rlpEncode([Uint8Array.of(0x31), Uint8Array.of(1)])])).rejects.toThrow()
    for (const last of [0x21, 0x22]) expect(await read(key(last), proof)).toEqual([true, '0x01'])
    expect(await read(key(0x33), proof)).toEqual([false, '0x'])
  })

  /** The portal's own check, reached through a proof of a withdrawal; anything but a proof fails. */
  async function deployTrieUser() {
    return async (root: Uint8Array, hash: Uint8Array, proof: readonly Uint8Array[]): Promise<boolean> => {
      const harness = await deploy(evm, 'TrieProofHarness', address('5f'))
      const args = [bytesToHex(root), bytesToHex(sentMessageKey(hash)), '0x01', proof.map((node) => bytesToHex(node))]
      return await evm.call(harness, 'includes', args).then(
        (result) => result === true,
        () => false,
      )
    }
  }
})

describe('deposits', () => {
  const depositArgs = (gasLimit: bigint, data: Hex = '0x', to: Hex = bob, isCreation = false) =>
    [to, 7n, gasLimit, isCreation, data] as const
  const encoded = (...args: ReturnType<typeof depositArgs>) => calldata(portal, 'depositTransaction', args)

  test('the log carries what derivation reads', async () => {
    const [event] = await sendRaw(
      evm,
      portal.address,
      encoded(...depositArgs(100_000n, '0xabcd')),
      { from: alice },
      'OptimismPortal',
    )
    expect(event).toMatchObject({ name: 'TransactionDeposited', args: { version: 0n } })
    expect(event?.args['opaqueData']).toBe(
      `0x${'0'.repeat(64)}${'7'.padStart(64, '0')}${(100_000).toString(16).padStart(16, '0')}00abcd`,
    )
    expect(String(event?.args['from']).toLowerCase()).toBe(alice)
  })

  test('a contract is seen by its alias', async () => {
    const data = encoded(...depositArgs(100_000n))
    const [event] = await sendRaw(evm, portal.address, data, { from: carol, origin: alice }, 'OptimismPortal')
    expect(BigInt(String(event?.args['from']))).toBe(
      (BigInt(carol) + 0x1111000000000000000000000000000000001111n) % 2n ** 160n,
    )
  })

  test('too little gas, a creation with a recipient and too much calldata are refused', async () => {
    const call = (...args: ReturnType<typeof depositArgs>) => evm.call(portal, 'depositTransaction', args)
    await expect(call(...depositArgs(20_999n))).rejects.toThrow('SmallGasLimit')
    await expect(call(...depositArgs(21_079n, '0xabcd'))).rejects.toThrow('SmallGasLimit')
    await expect(call(...depositArgs(100_000n, '0x', bob, true))).rejects.toThrow('BadTarget')
    await expect(call(...depositArgs(10_000_000n, `0x${'00'.repeat(120_001)}`))).rejects.toThrow('LargeCalldata')
  })

  test('one L1 block sells at most 20 M gas, and the price rises after a full one and falls after empty ones', async () => {
    const deposit = (gas: bigint) => evm.call(portal, 'depositTransaction', depositArgs(gas), { from: alice })
    const price = async () => ((await evm.call(portal, 'params')) as readonly bigint[])[0] ?? 0n
    evm.baseFee = 10n ** 15n
    await deposit(20_000_000n)
    await expect(deposit(21_000n)).rejects.toThrow('OutOfGas')
    evm.blockNumber += 1n
    await deposit(21_000n)
    const high = await price()
    expect(high).toBe(2_125_000_000n)
    evm.blockNumber += 100n
    await deposit(21_000n)
    expect(await price()).toBe(1_000_000_000n)
  })
})

describe('OPEN bridge on the L1', () => {
  const token = async () => at('OpenToken', String(await evm.call(bridge, 'token')).toLowerCase() as Hex)

  test('what the L2 has at genesis is locked, the rest is the holder’s', async () => {
    const open = await token()
    expect(await evm.call(open, 'balanceOf', [bridge.address])).toBe(1_000n)
    expect(await evm.call(open, 'balanceOf', [alice])).toBe(10n ** 27n - 1_000n)
  })

  test('a deposit locks tokens and asks the L2 bridge to release as many', async () => {
    const open = await token()
    await evm.call(open, 'approve', [bridge.address, 50n], { from: alice })
    const data = calldata(bridge, 'deposit', [bob, 50n])
    const events = await sendRaw(evm, bridge.address, data, { from: alice }, 'OpenBridge', 'OptimismPortal')
    expect(events.map(({ name }) => name)).toEqual(['DepositInitiated', 'TransactionDeposited'])
    expect(await evm.call(open, 'balanceOf', [bridge.address])).toBe(1_050n)
    const opaque = hexToBytes(String(events[1]?.args['opaqueData']))
    const call = decodeAbiParameters(
      [{ type: 'address' }, { type: 'address' }, { type: 'uint256' }],
      bytesToHex(opaque.subarray(73 + 4)),
    )
    expect(call.map((value) => String(value).toLowerCase())).toEqual([alice, bob, '50'])
  })

  test('only a proven message of the L2 bridge releases tokens', async () => {
    const release = calldata(bridge, 'finalizeWithdrawal', [bob, carol, 400n])
    await expect(evm.call(bridge, 'finalizeWithdrawal', [bob, carol, 400n], { from: bob })).rejects.toThrow('NotFromL2')
    for (const sender of [bob, l1Bridge]) {
      const withdrawal = message({
        sender,
        target: bridge.address,
        gasLimit: 200_000n,
        data: release,
        nonce: BigInt(sender),
      })
      const { index, outputRootProof, proof } = await propose(withdrawal)
      await evm.call(portal, 'proveWithdrawalTransaction', [withdrawal, index, outputRootProof, proof])
      evm.timestamp += window + 1n
      await evm.call(portal, 'finalizeWithdrawalTransaction', [withdrawal])
    }
    expect(await evm.call(await token(), 'balanceOf', [carol])).toBe(400n)
  })
})

const zero = new Uint8Array(32)

function storagePath(hash: Uint8Array): Uint8Array {
  return keccak256(sentMessageKey(hash))
}

function address(byte: string): Hex {
  return `0x${byte.padStart(40, '0')}`
}
