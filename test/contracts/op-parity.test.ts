import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { toFunctionSelector } from 'viem'
import { beforeAll, describe, expect, test } from 'vitest'
import { depositorAccount, predeploys } from '../../contracts/addresses.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { parseGenesis } from '../../protocol/genesis-file.ts'
import { alice, at, balanceOf, bob, carol, l2Chain, unit } from './chain.ts'

const vectors = process.env['OPENLEDGER_VECTORS'] ?? resolve(import.meta.dirname, '../../../shared/vectors')
const file = join(vectors, 'genesis/sepolia-devnet-2_sepolia-devnet-2.json.gz')

/** Our predeploys against those that live on an OP chain, with ETH as gas token, on every function that both have. */
describe.skipIf(!existsSync(file))('parity with sepolia-devnet-2 (skipped where its vector is absent)', () => {
  let ours: GenesisEvm
  let theirs: GenesisEvm

  beforeAll(async () => {
    ours = await l2Chain('ether')
    theirs = await devnet2()
  })

  /** What a call does: success, output, and logs without the emitting contract's name. */
  async function outcome(evm: GenesisEvm, to: Hex, data: Hex, from: Hex, value: bigint) {
    const { execResult } = await evm.send(to, hexToBytes(data), { from, value })
    return {
      failed: execResult.exceptionError?.error,
      output: bytesToHex(execResult.returnValue),
      logs: (execResult.logs ?? []).map(([address, topics, body]) => [
        bytesToHex(address),
        topics.map((topic) => bytesToHex(topic)),
        bytesToHex(body),
      ]),
    }
  }

  async function compare(to: Hex, data: Hex, from: Hex = alice, value = 0n) {
    const [mine, real] = [await outcome(ours, to, data, from, value), await outcome(theirs, to, data, from, value)]
    expect(mine, `${to} ${data.slice(0, 200)}`).toEqual(real)
    return real
  }

  /** Selectors of our functions without arguments, but the version string, that the real contract answers too. */
  async function getters(name: string, address: Hex): Promise<Hex[]> {
    const names = loadArtifact(name)
      .abi.filter(({ type, inputs }) => type === 'function' && (inputs as unknown[]).length === 0)
      .filter(({ stateMutability }) => stateMutability === 'view' || stateMutability === 'pure')
      .map(({ name: functionName }) => String(functionName))
      .filter((functionName) => functionName !== 'version')
    const shared: Hex[] = []
    for (const functionName of names) {
      const selector = toFunctionSelector(`${functionName}()`)
      const { failed, output } = await outcome(theirs, address, selector, alice, 0n)
      const missing = failed !== undefined && output === '0x'
      if (!missing) shared.push(selector)
    }
    return shared
  }

  const attributes: readonly (readonly [string, Hex])[] = [
    ['Bedrock', `0x015d8eb9${words(1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n)}`],
    ['Ecotone', `0x440a5e20${'1234567890abcdef'.repeat(20)}`],
    ['Isthmus', `0x098999be${'a1b2c3d4e5f60718'.repeat(21)}9abcdef0`],
    ['Jovian', `0x3db6be2b${'0f1e2d3c4b5a6978'.repeat(21)}9abcdef01234`],
    ['the largest', `0x3db6be2b${'ff'.repeat(174)}`],
    ['a short Jovian', `0x3db6be2b${'77'.repeat(120)}`],
  ]

  test.each(attributes)('L1Block stores %s attributes in the same slots and shows them alike', async (_, data) => {
    await compare(predeploys.l1Block, data, depositorAccount)
    const selectors = await getters('L1Block', predeploys.l1Block)
    expect(selectors.length).toBeGreaterThan(18)
    for (const selector of selectors) await compare(predeploys.l1Block, selector)
    expect(l1Storage(ours)).toEqual(l1Storage(theirs))
  })

  test.each(attributes)('L1Block refuses %s attributes of anyone but the depositor', async (_, data) => {
    expect((await compare(predeploys.l1Block, data, alice)).failed).toBe('revert')
  })

  test('GasPriceOracle answers alike for any transaction under any attributes', async () => {
    const selectors = await getters('GasPriceOracle', predeploys.gasPriceOracle)
    expect(selectors.length).toBeGreaterThan(10)
    // The real contract multiplies its u32 base fee scalar by 16 in 32 bits and reverts above 2²⁸; ours, like the engine,
    // does not.
    const scalarPair = fc.tuple(fc.nat(2 ** 28 - 1), fc.nat(2 ** 32 - 1)).map(([a, b]) => u32(a, b))
    const operatorParameters = fc.uint8Array({ minLength: 12, maxLength: 12 })
    const fees = fc.tuple(scalarPair, fc.bigInt(1n, 10n ** 14n), fc.bigInt(1n, 10n ** 14n), operatorParameters)
    const repetitive = fc
      .array(fc.constantFrom('00', 'ff', 'deadbeef', '0102030405060708', 'a9059cbb000000000000'), { maxLength: 400 })
      .map((parts) => hexToBytes(`0x${parts.join('')}`))
    const data = fc.oneof(fc.uint8Array({ maxLength: 900 }), repetitive)
    await fc.assert(
      fc.asyncProperty(fees, data, async ([scalars, baseFee, blobBaseFee, operator], transaction) => {
        const calldata = `0x3db6be2b${scalars}${'00'.repeat(24)}${words(baseFee, blobBaseFee)}${'00'.repeat(64)}${hex(operator)}0190`
        await compare(predeploys.l1Block, calldata as Hex, depositorAccount)
        for (const selector of selectors) await compare(predeploys.gasPriceOracle, selector)
        const argument = abiBytes(transaction)
        await compare(predeploys.gasPriceOracle, `0x49948e0e${argument}`)
        await compare(predeploys.gasPriceOracle, `0xde26c4a1${argument}`)
        await compare(predeploys.gasPriceOracle, `0xf1c7a58b${words(BigInt(transaction.length))}`)
        await compare(predeploys.gasPriceOracle, `0x275aedd2${words(BigInt(transaction.length) * 1_000n)}`)
      }),
      { numRuns: 20 },
    )
  })

  test('GasPriceOracle prices the most gas there can be alike, and its forks cannot be set twice', async () => {
    await compare(predeploys.gasPriceOracle, `0x275aedd2${words(2n ** 64n - 1n)}`)
    for (const setter of ['22b90ab3', '8e98b106', '291b0383', 'b3d72079']) {
      await compare(predeploys.gasPriceOracle, `0x${setter}`, depositorAccount)
      await compare(predeploys.gasPriceOracle, `0x${setter}`, alice)
    }
  })

  test('L2ToL1MessagePasser sends the same messages, with the same storage', async () => {
    const message = (target: Hex, gas: bigint, data: Uint8Array): Hex =>
      `0xc2b3e5ac${words(BigInt(target), gas, 96n)}${abiBytes(data).slice(64)}`
    const passer = predeploys.l2ToL1MessagePasser
    for (const [index, from] of [alice, bob, carol].entries()) {
      const data = new Uint8Array(index * 37).fill(index)
      await compare(passer, message(bob, BigInt(index) * 100_000n, data), from, BigInt(index))
      await compare(passer, '0x', from, unit)
      await compare(passer, '0xecc70428')
      await compare(passer, '0x3f827a5a')
    }
    expect(ours.state.account(passer).storage).toEqual(theirs.state.account(passer).storage)
    await compare(passer, '0x44df8e70')
    expect([balanceOf(ours, passer), balanceOf(theirs, passer)]).toEqual([0n, 0n])
  })

  test.each([
    ['SequencerFeeVault', predeploys.sequencerFeeVault],
    ['BaseFeeVault', predeploys.baseFeeVault],
    ['L1FeeVault', predeploys.l1FeeVault],
    ['OperatorFeeVault', predeploys.operatorFeeVault],
  ])('%s pays out alike and is governed alike', async (name, address) => {
    const owner = String(await ours.call(at(name, address), 'proxyAdminOwner')).toLowerCase() as Hex
    const realOwner = String(await theirs.call(at(name, address), 'proxyAdminOwner')).toLowerCase() as Hex
    const governed: readonly Hex[] = [
      `0x3bbed4a0${words(BigInt(carol))}`,
      `0x85b5b14d${words(3n)}`,
      `0x307f2962${words(1n)}`,
    ]
    for (const call of governed) {
      await ours.send(address, hexToBytes(call), { from: owner })
      await theirs.send(address, hexToBytes(call), { from: realOwner })
      const stranger = await outcome(theirs, address, call, alice, 0n)
      expect((await outcome(ours, address, call, alice, 0n)).failed).toBe(stranger.failed)
    }
    for (const selector of await getters(name, address)) {
      if (selector !== toFunctionSelector('proxyAdminOwner()')) await compare(address, selector)
    }
    await compare(address, '0x3ccfd60b', bob)
    for (const evm of [ours, theirs]) evm.state.account(address).balance = 5n * unit
    const before = [balanceOf(ours, carol), balanceOf(theirs, carol)]
    await compare(address, '0x3ccfd60b', bob)
    expect(balanceOf(ours, carol) - (before[0] ?? 0n)).toBe(5n * unit)
    expect(balanceOf(theirs, carol) - (before[1] ?? 0n)).toBe(5n * unit)
    await compare(address, '0x84411d65')
  })
})

/** The real chain's predeploys, and our accounts with the same balances. */
async function devnet2(): Promise<GenesisEvm> {
  const { genesis } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as { genesis: unknown }
  const evm = await GenesisEvm.create(901n, 1_700_000_000n)
  for (const account of parseGenesis(genesis).alloc) {
    const state = evm.state.account(bytesToHex(account.address))
    state.nonce = account.nonce
    state.balance = account.balance
    state.code = account.code
    for (const [slot, value] of account.storage) state.storage.set(bytesToHex(slot), value)
  }
  for (const account of [alice, bob, carol]) evm.state.account(account).balance = 1_000n * unit
  evm.blockNumber = 1n
  return evm
}

/** The slots that engines read: 0 to 8. */
function l1Storage(evm: GenesisEvm): (readonly [Hex, Hex])[] {
  return [...evm.state.account(predeploys.l1Block).storage]
    .filter(([slot]) => BigInt(slot) <= 8n)
    .map(([slot, value]) => [slot, bytesToHex(value)] as const)
    .sort()
}

function words(...values: readonly bigint[]): string {
  return values.map((value) => value.toString(16).padStart(64, '0')).join('')
}

function u32(...values: readonly number[]): string {
  return values.map((value) => value.toString(16).padStart(8, '0')).join('')
}

function abiBytes(data: Uint8Array): string {
  return `${words(32n, BigInt(data.length))}${hex(data)}${'00'.repeat((32 - (data.length % 32)) % 32)}`
}

function hex(data: Uint8Array): string {
  return bytesToHex(data).slice(2)
}
