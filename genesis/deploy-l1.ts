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
  const multicall = await deployMulticall3(deployer)
  const systemConfig = await deployer.deploy('SystemConfig', [
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
  const l1Start = await deployer.startBlock(systemConfig)
  const l2OutputOracle = await deployer.deploy('L2OutputOracle', [
    config.outputSubmissionInterval,
    config.l2BlockTime,
    0n,
    l1Start.timestamp,
    config.proposer,
    config.challenger,
    config.finalizationPeriodSeconds,
  ])
  const optimismPortal = await deployer.deploy('OptimismPortal', [l2OutputOracle, systemConfig, config.l1Owner])
  const openBridge = await deployer.deploy('OpenBridge', [
    optimismPortal,
    openLedgerPredeploys.openBridge,
    config.l1OpenToken ?? zeroAddress,
    circulatingAtGenesis(config),
    deployer.address,
  ])
  const openToken = await deployer.readAddress('OpenBridge', openBridge, 'token')
  const addresses = { systemConfig, optimismPortal, l2OutputOracle, openBridge, openToken, multicall3: multicall }
  return { l1Start, addresses }
}

/** The deterministic deployment proxy, which anvil and public networks carry. Source: Arachnid's proxy, EIP-1014. */
const create2Deployer = '0x4e59b44847b379578588920ca78fbf26c0b4956c'
/** Init code that returns what follows it: size less these eleven bytes, copied to memory, returned. */
const returnRest = '0x600b5981380380925939f3'
/** A transaction of an L1 with 12 s slots is in a block after two minutes, or its fee is wrong. */
const receiptTimeoutMs = 120_000

class L1Deployer {
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
    const proxy = await reader.getCode({ address: create2Deployer })
    if (proxy === undefined) {
      throw new GenesisError('l1', `the L1 lacks the deterministic deployment proxy ${create2Deployer}`)
    }
    return new L1Deployer(reader, writer, account, config.l2ChainId, onProgress ?? (() => {}))
  }

  constructor(
    reader: PublicClient,
    writer: WalletClient,
    account: ReturnType<typeof privateKeyToAccount>,
    l2ChainId: bigint,
    onProgress: (step: string) => void,
  ) {
    this.#reader = reader
    this.#writer = writer
    this.#account = account
    // One L1 may carry many L2s: each has its own contracts.
    this.#salt = bytesToHex(uintBytes(l2ChainId, 32))
    this.#onProgress = onProgress
  }

  get address(): Address {
    return this.#account.address
  }

  /** Deploys one of our contracts unless it stands already. */
  async deploy(name: string, args: readonly unknown[]): Promise<Hex> {
    const { abi, bytecode } = loadArtifact(name)
    return await this.deployCode(name, encodeDeployData({ abi: abi as Abi, bytecode, args }))
  }

  async deployCode(name: string, initCode: Hex): Promise<Hex> {
    const address = getContractAddress({
      opcode: 'CREATE2',
      from: create2Deployer,
      salt: this.#salt,
      bytecode: initCode,
    }).toLowerCase() as Hex
    if (await this.hasCode(address)) return address
    this.#onProgress(`deploying ${name}`)
    const hash = await this.#writer.sendTransaction({
      account: this.#account,
      chain: this.#writer.chain,
      to: create2Deployer,
      data: `${this.#salt}${initCode.slice(2)}`,
    })
    const receipt = await this.#reader.waitForTransactionReceipt({ hash, timeout: receiptTimeoutMs })
    // An earlier, interrupted run's transaction may have come first: then this one failed and all is well.
    if (!(await this.hasCode(address))) {
      throw new GenesisError('l1', `${name} was not deployed: transaction ${hash} ${receipt.status}`)
    }
    return address
  }

  async hasCode(address: Hex): Promise<boolean> {
    return (await this.#reader.getCode({ address })) !== undefined
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
}

async function deployMulticall3(deployer: L1Deployer): Promise<Hex> {
  const { address, code } = multicall3()
  if (await deployer.hasCode(address)) return address
  return await deployer.deployCode('Multicall3', `${returnRest}${bytesToHex(code).slice(2)}`)
}
