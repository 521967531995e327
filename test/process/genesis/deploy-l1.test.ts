import { createPublicClient, createWalletClient, defineChain, http, keccak256 as viemKeccak } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { finalizeWithdrawal, getTimeToFinalize, getWithdrawalStatus, proveWithdrawal } from 'viem/op-stack'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { devPrivateKeys } from '../../../common/dev-keys.ts'
import { loadArtifact } from '../../../contracts/artifact.ts'
import { deployL1Contracts, type L1Deployment } from '../../../genesis/deploy-l1.ts'
import { devPreset, devRoles } from '../../../genesis/presets.ts'
import { bytesToHex, type Hex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../../protocol/rlp.ts'
import { type Anvil, hasAnvil, startAnvil } from '../../fakes/anvil.ts'
import { sentMessageKey, withdrawalHash } from '../../fakes/sent-withdrawal.ts'
import { proveTrie } from '../../fakes/trie-prover.ts'

const options = { deployerKey: devPrivateKeys[devRoles.owner], config: devPreset() }

describe.skipIf(!hasAnvil)('L1 deployment on anvil (skipped where its binary is not installed)', () => {
  let anvil: Anvil
  let deployment: L1Deployment

  beforeAll(async () => {
    anvil = await startAnvil()
  })

  afterAll(async () => {
    await anvil.stop()
  })

  test('an interrupted deployment goes on where it ended, and a complete one sends nothing', async () => {
    const steps: string[] = []
    const interrupted = deployL1Contracts({
      ...options,
      rpcUrl: anvil.url,
      onProgress: (step) => {
        steps.push(step)
        if (steps.length === 3) throw new Error('killed')
      },
    })
    await expect(interrupted).rejects.toThrow('killed')

    const second: string[] = []
    deployment = await deployL1Contracts({ ...options, rpcUrl: anvil.url, onProgress: (step) => second.push(step) })
    expect(second).not.toContain(steps[0])
    expect(second).toContain(steps[2])
    for (const address of Object.values(deployment.addresses)) {
      expect(await anvil.rpc.request('eth_getCode', [address, 'latest'])).not.toBe('0x')
    }

    const block = await anvil.rpc.request('eth_blockNumber')
    expect(await deployL1Contracts({ ...options, rpcUrl: anvil.url })).toEqual(deployment)
    expect(await anvil.rpc.request('eth_blockNumber')).toBe(block)
  })

  test('a transaction that an interrupted run left in the pool is waited for, not sent again', async () => {
    const slow = await startAnvil(['--no-mining'])
    try {
      const interrupted = deployL1Contracts({
        ...options,
        rpcUrl: slow.url,
        onProgress: (step) => {
          if (step.includes('SystemConfig')) throw new Error('killed')
        },
      })
      await expect(interrupted).rejects.toThrow('killed')
      const resumed = deployL1Contracts({ ...options, rpcUrl: slow.url })
      const miner = setInterval(() => void slow.mine(), 200)
      const { addresses } = await resumed.finally(() => clearInterval(miner))
      expect(addresses.systemConfig).toBe(deployment.addresses.systemConfig)
      const owner = privateKeyToAccount(options.deployerKey).address
      // Multicall3, SystemConfig, L2OutputOracle, OptimismPortal and OpenBridge, once each.
      expect(await slow.rpc.request('eth_getTransactionCount', [owner, 'latest'])).toBe('0x5')
    } finally {
      await slow.stop()
    }
  })

  test('a wrong chain id is refused before anything is sent', async () => {
    const config = { ...options.config, l1ChainId: 1n }
    await expect(deployL1Contracts({ ...options, config, rpcUrl: anvil.url })).rejects.toThrow('chain id 31337')
  })

  test('viem’s op-stack actions prove and finalise a withdrawal', async () => {
    const { optimismPortal, l2OutputOracle, multicall3 } = deployment.addresses
    const chain = defineChain({
      id: 31_337,
      name: 'L1',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [anvil.url] } },
      contracts: { multicall3: { address: multicall3 } },
    })
    const client = createPublicClient({ chain, transport: http(anvil.url), pollingInterval: 50 })
    const wallet = (role: keyof typeof devRoles) =>
      createWalletClient({
        chain,
        transport: http(anvil.url),
        account: privateKeyToAccount(devPrivateKeys[devRoles[role]]),
      })
    const targets = { portalAddress: optimismPortal, l2OutputOracleAddress: l2OutputOracle }
    const sender: Hex = `0x${'5e'.repeat(20)}`
    const target: Hex = `0x${'7a'.repeat(20)}`
    const withdrawal = { nonce: 1n << 240n, sender, target, value: 0n, gasLimit: 50_000n, data: '0x6f6c' } as const
    const hash = bytesToHex(withdrawalHash(withdrawal))
    const key = keccak256(sentMessageKey(hexToBytes(hash)))
    const others = Array.from({ length: 30 }, (_, i) => [keccak256(Uint8Array.of(i)), rlpEncode(rlpUint(1))] as const)
    const { root, proof } = proveTrie([...others, [key, rlpEncode(rlpUint(1))]], key)
    const outputRootProof = {
      version: zeroHash,
      stateRoot: bytesToHex(keccak256(Uint8Array.of(1))),
      messagePasserStorageRoot: bytesToHex(root),
      latestBlockhash: bytesToHex(keccak256(Uint8Array.of(2))),
    }
    const words = Object.values(outputRootProof).map((word) => word.slice(2))
    const outputRoot = viemKeccak(`0x${words.join('')}`)
    const status = () => getWithdrawalStatus(client, { ...targets, l2BlockNumber: 10n, sender, withdrawalHash: hash })

    expect(await status()).toBe('waiting-to-prove')
    await anvil.rpc.request('evm_increaseTime', [30])
    await anvil.mine()
    const proposed = await wallet('proposer').writeContract({
      address: l2OutputOracle,
      abi: loadArtifact('L2OutputOracle').abi as never,
      functionName: 'proposeL2Output' as never,
      args: [outputRoot, 10n, zeroHash, 0n] as never,
    })
    await client.waitForTransactionReceipt({ hash: proposed })
    expect(await status()).toBe('ready-to-prove')

    const proven = await proveWithdrawal(wallet('batcher'), {
      ...targets,
      l2OutputIndex: 0n,
      outputRootProof,
      withdrawalProof: proof.map((node) => bytesToHex(node)),
      withdrawal,
    })
    expect((await client.waitForTransactionReceipt({ hash: proven })).status).toBe('success')
    expect((await getTimeToFinalize(client, { ...targets, withdrawalHash: hash })).period).toBe(
      Number(options.config.finalizationPeriodSeconds),
    )
    await anvil.rpc.request('evm_increaseTime', [60])
    await anvil.mine()
    const finalized = await finalizeWithdrawal(wallet('batcher'), {
      ...targets,
      withdrawal: { ...withdrawal, withdrawalHash: hash },
    })
    expect((await client.waitForTransactionReceipt({ hash: finalized })).status).toBe('success')
    expect(await status()).toBe('finalized')
  })
})
