import { describe, expect, test } from 'vitest'
import { bytesToBigint, bytesToHex, concatBytes, hexToBytes, padLeft, uintBytes } from '../../../../protocol/bytes.ts'
import type { Hardfork } from '../../../../protocol/hardforks.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { dataShape, l1Cost, l1FeeParams, operatorFee } from '../../../../protocol/l1-fee.ts'
import { rlpEncode, rlpUint } from '../../../../protocol/rlp.ts'
import { signDigest } from '../../../../protocol/secp256k1.ts'
import {
  type Authorization,
  encodeTransaction,
  type SetCodeTx,
  signTransaction,
} from '../../../../protocol/transaction.ts'
import {
  account,
  addressOf,
  chainId,
  contractAt,
  deposit,
  EngineWorld,
  ether,
  forksUntil,
  genesisWith,
  key,
  transfer,
} from './engine-world.ts'

const vault = {
  sequencer: hexToBytes('0x4200000000000000000000000000000000000011'),
  baseFee: hexToBytes('0x4200000000000000000000000000000000000019'),
  l1Fee: hexToBytes('0x420000000000000000000000000000000000001a'),
  operator: hexToBytes('0x420000000000000000000000000000000000001b'),
}
const l1Block = hexToBytes('0x4200000000000000000000000000000000000015')
const contract = contractAt(0xc0de)
const revertCode = hexToBytes('0x60006000fd')

const open = (fork: Hardfork, ...alloc: ReturnType<typeof account>[]) =>
  EngineWorld.open(genesisWith(forksUntil(fork), alloc))

describe('deposits', () => {
  test('one that reverts keeps its mint, raises the nonce and pays nothing', async () => {
    const world = await open('jovian', account(contract, { code: revertCode }))
    await world.mine([deposit({ mint: ether, value: 5n, to: contract })])
    const [stored] = world.receipts()
    expect(stored?.receipt).toMatchObject({ status: 0, depositNonce: 0n, depositReceiptVersion: 1n })
    expect(stored?.gasUsed).toBe(21_000n + 6n)
    expect(world.balance(addressOf(9))).toBe(ether)
    expect(world.state().account(addressOf(9))?.nonce).toBe(1n)
    expect(world.balance(vault.baseFee)).toBe(0n)
    await world.close()
  })

  test('one that sends more than there is fails with all of its gas used', async () => {
    const world = await open('jovian')
    await world.mine([deposit({ mint: 1n, value: 2n, gasLimit: 50_000n })])
    expect(world.receipts()[0]).toMatchObject({ gasUsed: 50_000n, receipt: { status: 0 } })
    expect(world.balance(addressOf(9))).toBe(1n)
    expect(world.state().account(addressOf(9))?.nonce).toBe(1n)
    await world.close()
  })

  test('before Regolith one uses all of its gas, a system transaction none, and receipts have no nonce', async () => {
    const world = await open('bedrock')
    await world.mine([deposit({ isSystemTx: true, gasLimit: 150_000_000n }), deposit({ mint: 1n, gasLimit: 60_000n })])
    const [system, user] = world.receipts()
    expect(system).toMatchObject({ gasUsed: 0n, receipt: { status: 1 } })
    expect(system?.receipt.depositNonce).toBeUndefined()
    expect(user).toMatchObject({ gasUsed: 60_000n, receipt: { status: 1, cumulativeGasUsed: 60_000n } })
    await world.close()
  })

  test('a receipt has no version between Regolith and Canyon', async () => {
    const world = await open('regolith')
    await world.mine([deposit({ mint: 1n })])
    expect(world.receipts()[0]?.receipt.depositNonce).toBe(0n)
    expect(world.receipts()[0]?.receipt.depositReceiptVersion).toBeUndefined()
    await world.close()
  })

  test('a lack of block gas makes the block impossible', async () => {
    const world = await open('jovian')
    await expect(world.build([deposit({ gasLimit: 30_000_001n })])).rejects.toMatchObject({
      code: 'invalid-attributes',
    })
    await world.close()
  })
})

describe('fees', () => {
  const storage = [
    [uintBytes(1, 32), uintBytes(2_000_000_000, 32)],
    [uintBytes(3, 32), uintBytes((1_368n << 96n) | (801_949n << 64n), 32)],
    [uintBytes(5, 32), uintBytes(188, 32)],
    [uintBytes(6, 32), uintBytes(684_000, 32)],
    [uintBytes(7, 32), uintBytes(3_000_000, 32)],
    [uintBytes(8, 32), uintBytes((400n << 96n) | (5_000n << 64n) | 77n, 32)],
  ] as const
  const params = l1FeeParams((slot) => bytesToBigint(storage.find(([at]) => at[31] === slot)?.[1] ?? new Uint8Array(0)))
  const withFees = account(l1Block, { storage: storage.map(([slot, value]) => [slot, trimmed(value)] as const) })

  const cases = [
    { fork: 'bedrock', era: 'bedrock', operator: false },
    { fork: 'regolith', era: 'regolith', operator: false },
    { fork: 'ecotone', era: 'ecotone', operator: false },
    { fork: 'holocene', era: 'fjord', operator: false },
    { fork: 'isthmus', era: 'fjord', operator: true },
    { fork: 'jovian', era: 'fjord', operator: true },
  ] as const

  test.each(cases)(
    '$fork: every wei the sender loses is in a vault or with the receiver',
    async ({ fork, era, operator }) => {
      const world = await open(fork, withFees)
      const raw = transfer(1, 0n, { value: 3n })
      const before = world.balance(addressOf(1))
      const { executionPayload } = await world.mine([raw])
      const [stored] = world.receipts()
      const gas = stored?.gasUsed ?? 0n
      const l1 = l1Cost(params, era, dataShape(raw)).fee
      const operatorCost = operator ? operatorFee(params, fork === 'jovian', gas) : 0n
      expect(gas).toBe(21_000n)
      expect(world.balance(vault.sequencer)).toBe(gas * 1_000n)
      expect(world.balance(vault.baseFee)).toBe(gas * executionPayload.baseFeePerGas)
      expect(world.balance(vault.l1Fee)).toBe(l1)
      expect(world.balance(vault.operator)).toBe(operatorCost)
      const paid = gas * (stored?.effectiveGasPrice ?? 0n) + l1 + operatorCost + 3n
      expect(before - world.balance(addressOf(1))).toBe(paid)
      expect(stored?.l1Fee?.l1Fee).toBe(l1)
      await world.close()
    },
  )

  test('Jovian: the header says the DA footprint, and the block has no room beyond the gas limit in it', async () => {
    const world = await open('jovian', withFees)
    const raw = transfer(1, 0n, { data: new Uint8Array(50), gasLimit: 200_000n })
    const { executionPayload } = await world.mine([raw, transfer(2, 0n)])
    expect(executionPayload.blobGasUsed).toBe(2n * 100n * 400n)
    const crowded = [transfer(1, 1n), transfer(2, 1n)]
    await expect(world.build(crowded, { gasLimit: 79_999n })).rejects.toMatchObject({ code: 'invalid-attributes' })
    await world.close()
  })

  test('Jovian: the base fee does not fall below the minimum of the parent', async () => {
    const world = await open('jovian')
    await world.mine([], { minBaseFee: 2_000_000_000n })
    const { executionPayload } = await world.mine([])
    expect(executionPayload.baseFeePerGas).toBe(2_000_000_000n)
    await world.close()
  })
})

describe('EIP-7623', () => {
  test('Isthmus: data pays at least its floor; Holocene: it does not', async () => {
    const data = new Uint8Array(1_000).fill(1)
    for (const [fork, gas] of [
      ['holocene', 21_000n + 16_000n],
      ['isthmus', 21_000n + 40_000n],
    ] as const) {
      const world = await open(fork)
      await world.mine([transfer(1, 0n, { data })])
      expect(world.receipts()[0]?.gasUsed).toBe(gas)
      await world.close()
    }
  })
})

describe('EIP-7702', () => {
  test('an account gets the code it signed for, runs it, and gives it up', async () => {
    // Stores its own address at slot 0.
    const world = await open('isthmus', account(contract, { code: hexToBytes('0x306000550000') }))
    await world.mine([setCode(1, 0n, [authorization(2, contract, 0n)], addressOf(2))])
    const [stored] = world.receipts()
    expect(stored?.receipt.status).toBe(1)
    const authority = addressOf(2)
    expect(bytesToHex(world.state().code(authority))).toBe(`0xef0100${bytesToHex(contract).slice(2)}`)
    expect(world.state().account(authority)?.nonce).toBe(1n)
    expect(world.state().storage(authority, uintBytes(0, 32))).toEqual(padLeft(authority, 32))
    // 21,000 and 25,000 for the tuple, 12,500 of it given back within a fifth, and the call itself.
    await world.mine([setCode(1, 1n, [authorization(2, new Uint8Array(20), 1n)], addressOf(7))])
    expect(world.state().code(authority).length).toBe(0)
    expect(world.receipts()[0]?.gasUsed).toBe(46_000n - 46_000n / 5n)
    await world.mine([transfer(2, 2n)])
    await world.close()
  })

  test('a tuple with a wrong nonce or chain is passed over, and the transaction stands', async () => {
    const world = await open('isthmus')
    const wrong = [authorization(2, contract, 7n), authorization(3, contract, 0n, 5n)]
    await world.mine([setCode(1, 0n, wrong, addressOf(7))])
    expect(world.receipts()[0]).toMatchObject({ gasUsed: 71_000n, receipt: { status: 1 } })
    expect(world.state().code(addressOf(2)).length).toBe(0)
    await world.close()
  })

  test('before Isthmus there are no such transactions', async () => {
    const world = await open('holocene')
    const raw = setCode(1, 0n, [authorization(2, contract, 0n)], addressOf(7))
    await expect(world.build([raw])).rejects.toMatchObject({ code: 'invalid-attributes' })
    await world.close()
  })
})

describe('selfdestruct', () => {
  // Sends everything to address 0x77 and is gone, or not.
  const code = hexToBytes('0x6077ff')

  test('before Ecotone a contract goes with its storage and can be there anew', async () => {
    const storage = [[uintBytes(1, 32), Uint8Array.of(9)]] as const
    const world = await open('canyon', account(contract, { code, balance: 5n, storage, nonce: 1n }))
    await world.mine([transfer(1, 0n, { to: contract, value: 0n })])
    expect(world.state().account(contract)).toBeUndefined()
    expect(world.balance(contractAt(0x77))).toBe(5n)
    await world.mine([transfer(1, 1n, { to: contract, value: 2n })])
    expect(world.state().storage(contract, uintBytes(1, 32))).toEqual(new Uint8Array(32))
    await world.close()
  })

  test('from Ecotone it loses its balance alone, unless it was made in the same transaction', async () => {
    const world = await open('ecotone', account(contract, { code, balance: 5n, nonce: 1n }))
    await world.mine([transfer(1, 0n, { to: contract, value: 0n }), transfer(1, 1n, { to: undefined, data: code })])
    expect(world.state().code(contract)).toEqual(code)
    expect(world.balance(contractAt(0x77))).toBe(6n)
    const [, creation] = world.receipts()
    expect(creation?.receipt.status).toBe(1)
    const created = keccak256(rlpEncode([addressOf(1), rlpUint(1)])).slice(12)
    expect(creation?.contractAddress).toEqual(created)
    expect(world.state().account(created)).toBeUndefined()
    await world.close()
  })
})

describe('precompiles', () => {
  /** Calls a precompile with `bytes` zeros and `gas`, stores success + 1 at slot 0. */
  const caller = (address: number, bytes: number, gas: number) =>
    hexToBytes(`0x6000600062${hex(bytes, 3)}6000600061${hex(address, 2)}62${hex(gas, 3)}f160010160005500`)

  const outcomes = async (fork: Hardfork, address: number, bytes: number, gas: number) => {
    const world = await open(fork, account(contract, { code: caller(address, bytes, gas) }))
    const gasLimit = fork === 'karst' ? 16_777_216n : 28_000_000n
    await world.mine([transfer(1, 0n, { to: contract, value: 0n, gasLimit })])
    const result = bytesToBigint(world.state().storage(contract, uintBytes(0, 32)))
    await world.close()
    return result
  }

  test('P256VERIFY costs 3,450 from Fjord, and 6,900 from Karst', async () => {
    expect(await outcomes('fjord', 0x100, 160, 3_450)).toBe(2n)
    expect(await outcomes('fjord', 0x100, 160, 3_449)).toBe(1n)
    expect(await outcomes('jovian', 0x100, 160, 3_450)).toBe(2n)
    expect(await outcomes('karst', 0x100, 160, 6_899)).toBe(1n)
    expect(await outcomes('karst', 0x100, 160, 6_900)).toBe(2n)
  })

  test('a pairing of more bytes than its fork allows fails at once', async () => {
    // 57,600 bytes are 300 pairs: 10.2 million gas. One pair more is too much for Karst.
    expect(await outcomes('karst', 8, 57_600 + 192, 12_000_000)).toBe(1n)
    expect(await outcomes('jovian', 8, 81_984 + 192, 16_000_000)).toBe(1n)
  })
})

describe('block context', () => {
  test('BLOCKHASH sees the 256 ancestors and nothing else', async () => {
    // Stores the hash of the block given in the calldata at slot 0.
    const world = await open('jovian', account(contract, { code: hexToBytes('0x600035406000556000') }))
    const first = await world.mine()
    await world.mine()
    await world.mine([transfer(1, 0n, { to: contract, value: 0n, data: uintBytes(1, 32) })])
    expect(bytesToHex(world.state().storage(contract, uintBytes(0, 32)))).toBe(first.executionPayload.blockHash)
    await world.mine([transfer(1, 1n, { to: contract, value: 0n, data: uintBytes(4, 32) })])
    expect(world.state().storage(contract, uintBytes(0, 32))).toEqual(new Uint8Array(32))
    await world.close()
  })

  test('the beacon root and the parent hash are given to their contracts before the first transaction', async () => {
    // Both store their calldata at slot 0.
    const store = hexToBytes('0x60003560005500')
    const roots = hexToBytes('0x000f3df6d732807ef1319fb7b8bb8522d0beac02')
    const history = hexToBytes('0x0000f90827f1c53a10cb7a02335b175320002935')
    const world = await open('isthmus', account(roots, { code: store }), account(history, { code: store }))
    const parent = world.chain.latest().hash
    await world.mine([], { parentBeaconBlockRoot: `0x${'ab'.repeat(32)}` })
    expect(bytesToHex(world.state().storage(roots, uintBytes(0, 32)))).toBe(`0x${'ab'.repeat(32)}`)
    expect(bytesToHex(world.state().storage(history, uintBytes(0, 32)))).toBe(parent)
    expect(world.state().account(hexToBytes('0xfffffffffffffffffffffffffffffffffffffffe'))).toBeUndefined()
    await world.close()
  })

  test('the block that activates Canyon needs the code of the Create2Deployer and says so', async () => {
    const genesis = genesisWith({ regolith: 0n, canyon: 1_002n })
    const world = await EngineWorld.open(genesis)
    await expect(world.build()).rejects.toMatchObject({ code: 'critical' })
    await world.close()
  })
})

function trimmed(value: Uint8Array): Uint8Array {
  return value.subarray(value.findIndex((byte) => byte !== 0))
}

function hex(value: number, bytes: number): string {
  return value.toString(16).padStart(2 * bytes, '0')
}

function authorization(signer: number, address: Uint8Array, nonce: bigint, chain = chainId): Authorization {
  const body = rlpEncode([rlpUint(chain), address, rlpUint(nonce)])
  const { rs, yParity } = signDigest(keccak256(concatBytes(Uint8Array.of(5), body)), key(signer))
  return {
    chainId: chain,
    address,
    nonce,
    yParity: BigInt(yParity),
    r: bytesToBigint(rs.subarray(0, 32)),
    s: bytesToBigint(rs.subarray(32)),
  }
}

function setCode(from: number, nonce: bigint, authorizationList: readonly Authorization[], to: Uint8Array): Uint8Array {
  const tx: SetCodeTx = {
    type: 4,
    chainId,
    nonce,
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 10_000_000_000n,
    gasLimit: 300_000n,
    to,
    value: 0n,
    data: new Uint8Array(0),
    accessList: [],
    authorizationList,
    yParity: 0,
    r: 0n,
    s: 0n,
  }
  return encodeTransaction(signTransaction(tx, key(from)))
}
