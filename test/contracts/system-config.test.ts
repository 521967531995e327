import { beforeEach, expect, test } from 'vitest'
import type { GenesisEvm } from '../../genesis/genesis-evm.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { alice, at, bob, calldata, carol, deploy, emptyChain, sendRaw } from './chain.ts'

const systemConfig = at('SystemConfig', `0x${'5c'.padStart(40, '0')}`)
const signerSlot = '0x65a7ed542fb37fe237fdfbdd70b31598523fe5b32879e307bae27a0bd9581c08'

let evm: GenesisEvm
beforeEach(async () => {
  evm = await emptyChain()
  evm.blockNumber = 77n
  await deploy(evm, 'SystemConfig', systemConfig.address, [
    {
      owner: alice,
      batcher: bob,
      unsafeBlockSigner: carol,
      batchInbox: carol,
      gasLimit: 30_000_000n,
      basefeeScalar: 0x11,
      blobbasefeeScalar: 0x22,
      l2ChainId: 901n,
      customGasToken: true,
    },
  ])
})

const update = (functionName: string, args: readonly unknown[], from: Hex) =>
  sendRaw(evm, systemConfig.address, calldata(systemConfig, functionName, args), { from }, 'SystemConfig')

/** The payloads of protocol/system-config.md, "System Config Updates", as derivation reads them. */
test.each([
  ['setBatcherHash', [`0x${'0'.repeat(24)}${'ab'.repeat(20)}`], 0, `${'0'.repeat(24)}${'ab'.repeat(20)}`],
  ['setGasConfig', [5n, 6n], 1, word(5n) + word(6n)],
  ['setGasConfigEcotone', [0x33, 0x44], 1, word(0n) + word((1n << 248n) | (0x44n << 32n) | 0x33n)],
  ['setGasLimit', [40_000_000n], 2, word(40_000_000n)],
  ['setUnsafeBlockSigner', [bob], 3, word(BigInt(bob))],
  ['setEIP1559Params', [250, 6], 4, word((250n << 32n) | 6n)],
  ['setOperatorFeeScalars', [7, 8n], 5, word((7n << 64n) | 8n)],
  ['setMinBaseFee', [9n], 6, word(9n)],
  ['setDAFootprintGasScalar', [10], 7, word(10n)],
])('%s logs its update, and only for the owner', async (setter, args, updateType, payload) => {
  const [event] = await update(setter, args, alice)
  expect(event).toMatchObject({ name: 'ConfigUpdate', args: { version: 0n, updateType, data: `0x${payload}` } })
  await expect(update(setter, args, bob)).rejects.toThrow()
})

test('the unsafe block signer stands where nodes read it with a storage proof', async () => {
  await update('setUnsafeBlockSigner', [bob], alice)
  expect(bytesToHex(evm.state.account(systemConfig.address).storage.get(signerSlot) ?? new Uint8Array(0))).toBe(bob)
  expect(String(await evm.call(systemConfig, 'unsafeBlockSigner')).toLowerCase()).toBe(bob)
})

test('a new chain starts from the block of its SystemConfig with the values it was given', async () => {
  expect(await evm.call(systemConfig, 'startBlock')).toBe(77n)
  expect(await evm.call(systemConfig, 'scalar')).toBe((1n << 248n) | (0x22n << 32n) | 0x11n)
  expect(await evm.call(systemConfig, 'gasLimit')).toBe(30_000_000n)
  expect(await evm.call(systemConfig, 'minBaseFee')).toBe(0n)
})

test('values that would break the chain are refused', async () => {
  await expect(evm.call(systemConfig, 'setGasLimit', [20_999_999n], { from: alice })).rejects.toThrow(
    'GasLimitOutOfRange',
  )
  await expect(evm.call(systemConfig, 'setGasLimit', [500_000_001n], { from: alice })).rejects.toThrow('OutOfRange')
  await expect(evm.call(systemConfig, 'setEIP1559Params', [0, 6], { from: alice })).rejects.toThrow('BadEIP1559Params')
  await expect(evm.call(systemConfig, 'setEIP1559Params', [6, 0], { from: alice })).rejects.toThrow('BadEIP1559Params')
  await expect(evm.call(systemConfig, 'setGasConfig', [0n, 1n << 248n], { from: alice })).rejects.toThrow('BadScalar')
})

test('ownership moves, never to nobody', async () => {
  await update('transferOwnership', [bob], alice)
  await expect(update('setMinBaseFee', [1n], alice)).rejects.toThrow()
  await update('setMinBaseFee', [1n], bob)
  await expect(update('transferOwnership', [`0x${'0'.repeat(40)}`], bob)).rejects.toThrow()
})

function word(value: bigint): string {
  return value.toString(16).padStart(64, '0')
}
