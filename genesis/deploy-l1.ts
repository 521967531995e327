import {
  type Abi,
  type Address,
  createPublicClient,
  createWalletClient,
  defineChain,
  encodeDeployData,
  getContractAddress,
  http,
  type PublicClient,
  type WalletClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { openLedgerPredeploys } from '../contracts/addresses.ts'
import { loadArtifact } from '../contracts/artifact.ts'
import { bytesToHex, type Hex, uintBytes, zeroAddress } from '../protocol/bytes.ts'
import type { DeployConfig } from './deploy-config.ts'
import { GenesisError } from './genesis-error.ts'
import { multicall3 } from './preinstalls.ts'
import { circulatingAtGenesis } from './supply.ts'

/** Where a chain's contracts stand on its L1. */
export type L1Addresses = {
  readonly systemConfig: Hex
  readonly optimismPortal: Hex
  readonly l2OutputOracle: Hex
  readonly openBridge: Hex
  readonly openToken: Hex
  /** viem's multicalls need it. */
  readonly multicall3: Hex
}

/** The L1 block that a chain starts from. */
export type L1Start = { readonly hash: Hex; readonly number: bigint; readonly timestamp: bigint }

/** What {@link deployL1Contracts} left on the L1. */
export type L1Deployment = { readonly l1Start: L1Start; readonly addresses: L1Addresses }

export type DeployL1Options = {
  readonly rpcUrl: string
  /** Pays for the deployment; receives the development token's free supply. */
  readonly deployerKey: Hex
  readonly config: DeployConfig
  readonly onProgress?: (step: string) => void
}

/**
 * Puts the chain's contracts on its L1 and returns where they are. Every address follows from the configuration
 * (CREATE2), and what already stands is left alone: after an interruption the next call goes on where it ended.
 * The L2 starts from the block that holds SystemConfig.
 */
export async function deployL1Contracts(options: DeployL1Options): Promise<L1Deployment> {
  const { config } = options
  const deployer = await L1Deployer.connect(options)
  const [multicall, systemConfig] = await deployer.deploy([multicallPlan(deployer), systemConfigPlan(config)])
  const l1Start = await deployer.startBlock(systemConfig)
  const oracle = plan('L2OutputOracle', [
    config.outputSubmissionInterval,
    config.l2BlockTime,
    0n,
    l1Start.timestamp,
    config.proposer,
    config.challenger,
    config.finalizationPeriodSeconds,
  ])
  const portal = plan('OptimismPortal', [deployer.addressOf(oracle), systemConfig, config.l1Owner])
  const bridge = plan('OpenBridge', [
    deployer.addressOf(portal),
    openLedgerPredeploys.openBridge,
    config.l1OpenToken ?? zeroAddress,
    circulatingAtGenesis(config),
    deployer.address,
  ])
  const [l2OutputOracle, optimismPortal, openBridge] = await deployer.deploy([oracle, portal, bridge])
  const openToken = await deployer.readAddress('OpenBridge', openBridge, 'token')
  const addresses = { systemConfig, optimismPortal, l2OutputOracle, openBridge, openToken, multicall3: multicall }
  return { l1Start, addresses }
}

/** A contract to deploy; `address` where it may stand already, whoever put it there. */
type Plan = { readonly name: string; readonly initCode: Hex; readonly address?: Hex }

function plan(name: string, args: readonly unknown[]): Plan {
  const { abi, bytecode } = loadArtifact(name)
  return { name, initCode: encodeDeployData({ abi: abi as Abi, bytecode, args }) }
}

function systemConfigPlan(config: DeployConfig): Plan {
  return plan('SystemConfig', [
    {
      owner: config.l1Owner,
      batcher: config.batchSenderAddress,
      unsafeBlockSigner: config.unsafeBlockSigner,
      batchInbox: config.batchInboxAddress,
      gasLimit: config.l2GasLimit,
      basefeeScalar: Number(config.baseFeeScalar),
      blobbasefeeScalar: Number(config.blobBaseFeeScalar),
      l2ChainId: config.l2ChainId,
      customGasToken: config.customGasToken !== null,
    },
  ])
}

/** Init code that returns what follows it: size less these eleven bytes, copied to memory, returned. */
const returnRest = '0x600b5981380380925939f3'

function multicallPlan({ standsAlready }: { readonly standsAlready: ReadonlySet<Hex> }): Plan {
  const { address, code } = multicall3()
  const initCode: Hex = `${returnRest}${bytesToHex(code).slice(2)}`
  return { name: 'Multicall3', initCode, ...(standsAlready.has(address) ? { address } : {}) }
}

/** The deterministic deployment proxy, which anvil and public networks carry. Source: Arachnid's proxy, EIP-1014. */
const create2Deployer = '0x4e59b44847b379578588920ca78fbf26c0b4956c'
/** A transaction of an L1 with 12 s slots is in a block after two minutes, or its fee is wrong. */
const receiptTimeoutMs = 120_000

class L1Deployer {
  /** Contracts of other people that the L1 has. */
  readonly standsAlready: ReadonlySet<Hex>
  readonly #reader: PublicClient
  readonly #writer: WalletClient
  readonly #account: ReturnType<typeof privateKeyToAccount>
  readonly #salt: Hex
  readonly #onProgress: (step: string) => void

  static async connect({ rpcUrl, deployerKey, config, onProgress }: DeployL1Options): Promise<L1Deployer> {
    const chain = defineChain({
      id: Number(config.l1ChainId),
      name: 'L1',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [rpcUrl] } },
    })
    const transport = http(rpcUrl)
    const reader = createPublicClient({ chain, transport, pollingInterval: 250 })
    const account = privateKeyToAccount(deployerKey)
    const writer = createWalletClient({ chain, transport, account })
    const chainId = await reader.getChainId()
    if (BigInt(chainId) !== config.l1ChainId) {
      throw new GenesisError('l1', `${rpcUrl} has chain id ${chainId}, the deploy config says ${config.l1ChainId}`)
    }
    if ((await reader.getCode({ address: create2Deployer })) === undefined) {
      throw new GenesisError('l1', `the L1 lacks the deterministic deployment proxy ${create2Deployer}`)
    }
    const { address } = multicall3()
    const standsAlready = new Set((await reader.getCode({ address })) === undefined ? [] : [address])
    return new L1Deployer(
      { reader, writer, account, standsAlready, onProgress: onProgress ?? (() => {}) },
      config.l2ChainId,
    )
  }

  constructor(
    parts: {
      readonly reader: PublicClient
      readonly writer: WalletClient
      readonly account: ReturnType<typeof privateKeyToAccount>
      readonly standsAlready: ReadonlySet<Hex>
      readonly onProgress: (step: string) => void
    },
    l2ChainId: bigint,
  ) {
    this.#reader = parts.reader
    this.#writer = parts.writer
    this.#account = parts.account
    this.standsAlready = parts.standsAlready
    this.#onProgress = parts.onProgress
    // One L1 may carry many L2s: each has its own contracts.
    this.#salt = bytesToHex(uintBytes(l2ChainId, 32))
  }

  get address(): Address {
    return this.#account.address
  }

  /** Where a contract stands once it is deployed. */
  addressOf({ initCode, address }: Plan): Hex {
    if (address !== undefined) return address
    const options = { opcode: 'CREATE2', from: create2Deployer, salt: this.#salt, bytecode: initCode } as const
    return getContractAddress(options).toLowerCase() as Hex
  }

  /** Deploys what does not stand yet, all in as few L1 blocks as there is room, and returns every address. */
  async deploy<const Plans extends readonly Plan[]>(plans: Plans): Promise<{ [I in keyof Plans]: Hex }> {
    const sent: { readonly name: string; readonly address: Hex; readonly hash?: Hex }[] = []
    for (const contract of plans) {
      const { name, initCode } = contract
      const address = this.addressOf(contract)
      if (await this.#hasCode(address, 'latest')) continue
      this.#onProgress(`deploying ${name}`)
      // An interrupted run may have left its transaction in the pool.
      const underWay = await this.#hasCode(address, 'pending')
      sent.push({ name, address, ...(underWay ? {} : { hash: await this.#send(initCode) }) })
    }
    for (const { name, address, hash } of sent) await this.#waitForCode(name, address, hash)
    return plans.map((contract) => this.addressOf(contract)) as { [I in keyof Plans]: Hex }
  }

  async readAddress(contract: string, address: Hex, functionName: string): Promise<Hex> {
    const { abi } = loadArtifact(contract)
    const value = await this.#reader.readContract({ address, abi: abi as Abi, functionName })
    return String(value).toLowerCase() as Hex
  }

  async startBlock(systemConfig: Hex): Promise<L1Start> {
    const { abi } = loadArtifact('SystemConfig')
    const blockNumber = await this.#reader.readContract({
      address: systemConfig,
      abi: abi as Abi,
      functionName: 'startBlock',
    })
    const { hash, number, timestamp } = await this.#reader.getBlock({ blockNumber: blockNumber as bigint })
    return { hash, number, timestamp }
  }

  async #send(initCode: Hex): Promise<Hex> {
    return await this.#writer.sendTransaction({
      account: this.#account,
      chain: this.#writer.chain,
      to: create2Deployer,
      data: `${this.#salt}${initCode.slice(2)}`,
    })
  }

  async #waitForCode(name: string, address: Hex, hash: Hex | undefined): Promise<void> {
    if (hash !== undefined) await this.#reader.waitForTransactionReceipt({ hash, timeout: receiptTimeoutMs })
    const deadline = Date.now() + (hash === undefined ? receiptTimeoutMs : 0)
    while (!(await this.#hasCode(address, 'latest'))) {
      if (Date.now() >= deadline) {
        throw new GenesisError('l1', `${name} was not deployed${hash === undefined ? '' : ` by transaction ${hash}`}`)
      }
      await new Promise((done) => setTimeout(done, 250))
    }
  }

  async #hasCode(address: Hex, blockTag: 'latest' | 'pending'): Promise<boolean> {
    return (await this.#reader.getCode({ address, blockTag })) !== undefined
  }
}
