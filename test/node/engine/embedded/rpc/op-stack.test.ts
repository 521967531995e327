import { createPublicClient, http, keccak256 } from 'viem'
import { chainConfig, getWithdrawals, publicActionsL2, walletActionsL2 } from 'viem/op-stack'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildGenesis } from '../../../../../genesis/build-genesis.ts'
import { devPreset } from '../../../../../genesis/presets.ts'
import { bytesToHex, hexToBytes, zeroHash } from '../../../../../protocol/bytes.ts'
import { verifyTrieProof } from '../../../../../protocol/trie-proof.ts'
import { accounts, RpcWorld, testChain } from './rpc-world.ts'

const passer = '0x4200000000000000000000000000000000000016'
const [sender] = accounts
let world: RpcWorld

beforeAll(async () => {
  const config = { ...devPreset(), l2ChainId: BigInt(testChain.id) }
  const l1Start = { hash: `0x${'11'.repeat(32)}`, number: 5n, timestamp: 1_700_000_000n } as const
  const { genesis } = await buildGenesis(config, l1Start, {
    systemConfig: `0x${'01'.repeat(20)}`,
    optimismPortal: `0x${'02'.repeat(20)}`,
    openBridge: `0x${'03'.repeat(20)}`,
  })
  world = await RpcWorld.open({ file: genesis })
  await world.mine()
})
afterAll(() => world.close())

const client = () =>
  createPublicClient({ chain: { ...testChain, ...chainConfig }, transport: http(`http://${world.url}`) }).extend(
    publicActionsL2(),
  )

test('the L1 fee that the gas-price oracle foretells is near the one that is charged', async () => {
  if (sender === undefined) throw new Error('no account')
  const request = { account: sender.address, to: passer, data: `0x${'ab'.repeat(500)}`, gas: 200_000n } as const
  const foretold = await client().estimateL1Fee(request)
  const hash = await world.walletClient(0).sendTransaction({ to: passer, data: request.data, gas: request.gas })
  await world.mine()
  const { l1Fee } = await client().getTransactionReceipt({ hash })
  if (l1Fee == null) throw new Error('no L1 fee')
  expect(Number(foretold) / Number(l1Fee)).toBeGreaterThan(0.8)
  expect(Number(foretold) / Number(l1Fee)).toBeLessThan(1.25)
  expect(await client().getL1BaseFee()).toBe(1_000_000_000n)
})

test('a withdrawal is initiated, found in its receipt and proven with what the RPC gives', async () => {
  if (sender === undefined) throw new Error('no account')
  const wallet = world.walletClient(0).extend(walletActionsL2())
  const hash = await wallet.initiateWithdrawal({ request: { gas: 21_000n, to: sender.address, data: '0x1234' } })
  await world.mine()
  const receipt = await client().getTransactionReceipt({ hash })
  expect(receipt.status).toBe('success')
  const [withdrawal] = getWithdrawals(receipt)
  if (withdrawal === undefined) throw new Error('no withdrawal')
  const { blockNumber, blockHash } = receipt
  const output = { l2BlockNumber: blockNumber, outputIndex: 0n, outputRoot: zeroHash, timestamp: 0n }
  const proof = await client().buildProveWithdrawal({ withdrawal, output })
  const { header } = world.chain.blockByHash(blockHash) ?? {}
  const { stateRoot, messagePasserStorageRoot, latestBlockhash } = proof.outputRootProof
  expect(messagePasserStorageRoot).toBe(await world.engine.messagePasserRoot(blockHash))
  expect(messagePasserStorageRoot).toBe(bytesToHex(header?.withdrawalsRoot ?? new Uint8Array()))
  expect(stateRoot).toBe(bytesToHex(header?.stateRoot ?? new Uint8Array()))
  expect(latestBlockhash).toBe(blockHash)
  const slot = keccak256(`${withdrawal.withdrawalHash}${'0'.repeat(64)}`)
  const nodes = proof.withdrawalProof.map((node) => hexToBytes(node))
  expect(verifyTrieProof(hexToBytes(messagePasserStorageRoot), hexToBytes(keccak256(slot)), nodes)).toEqual(
    Uint8Array.of(1),
  )
})
