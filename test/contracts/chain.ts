import { type Abi, decodeEventLog, encodeFunctionData } from 'viem'
import { predeploys } from '../../contracts/addresses.ts'
import type { DeployConfig } from '../../genesis/deploy-config.ts'
import type { CallOptions, GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { MemoryState } from '../../genesis/memory-state.ts'
import { placePredeploys } from '../../genesis/predeploys.ts'
import { devPreset } from '../../genesis/presets.ts'
import { genesisLiquidity } from '../../genesis/supply.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { loadArtifact } from '../fakes/artifact.ts'
import { fastEvm } from '../fakes/fast-evm.ts'

/** Accounts of the tests, each with 1,000 of the native asset. */
export const alice: Hex = `0xa11ce${'0'.repeat(35)}`
export const bob: Hex = `0xb0b${'0'.repeat(37)}`
export const carol: Hex = `0xca201${'0'.repeat(35)}`

export const unit = 10n ** 18n
export const l1Bridge: Hex = `0x${'0b'.repeat(20)}`

/** An EVM with the three accounts and nothing else. */
export async function emptyChain(): Promise<GenesisEvm> {
  const evm = await fastEvm(new MemoryState(), 901n, 1_700_000_000n)
  for (const account of [alice, bob, carol]) evm.state.account(account).balance = 1_000n * unit
  return evm
}

/** An EVM with every predeploy of a dev chain, block 1 about to run. */
export async function l2Chain(gas: 'own token' | 'ether' = 'own token'): Promise<GenesisEvm> {
  let start = starts.get(gas)
  if (start === undefined) {
    start = placed(gas === 'ether' ? { ...devPreset(), customGasToken: null } : devPreset())
    starts.set(gas, start)
  }
  const evm = await emptyChain()
  for (const [address, { nonce, balance, code, storage }] of (await start).state.accounts) {
    evm.state.accounts.set(address, { nonce, balance, code, storage: new Map(storage) })
  }
  evm.blockNumber = 1n
  return evm
}

const starts = new Map<string, Promise<GenesisEvm>>()

async function placed(config: DeployConfig): Promise<GenesisEvm> {
  const evm = await emptyChain()
  await placePredeploys(evm, config, { openBridge: l1Bridge })
  if (config.customGasToken !== null) {
    evm.state.account(predeploys.nativeAssetLiquidity).balance = genesisLiquidity(config)
  }
  return evm
}

/** Deploys one of our contracts at `address`. */
export async function deploy(
  evm: GenesisEvm,
  name: string,
  address: Hex,
  args: readonly unknown[] = [],
  from?: Hex,
): Promise<Target> {
  const { abi, bytecode } = loadArtifact(name)
  await evm.place(address, abi, hexToBytes(bytecode), args, from)
  return { abi, address }
}

/** One of our contracts that stands already. */
export function at(name: string, address: Hex): Target {
  return { abi: loadArtifact(name).abi, address }
}

/** The calldata of a call. */
export function calldata({ abi }: Target, functionName: string, args: readonly unknown[]): Hex {
  return encodeFunctionData({ abi: abi as Abi, functionName, args })
}

export type Event = { readonly address: Hex; readonly name: string; readonly args: Readonly<Record<string, unknown>> }

/** Sends raw calldata; returns the decoded events that `contracts` emitted, or throws where it reverts. */
export async function sendRaw(
  evm: GenesisEvm,
  to: Hex,
  data: Hex,
  options: CallOptions,
  ...contracts: readonly string[]
): Promise<Event[]> {
  const { execResult } = await evm.send(to, hexToBytes(data), options)
  if (execResult.exceptionError !== undefined) throw new Error(bytesToHex(execResult.returnValue))
  const abi = contracts.flatMap((name) => loadArtifact(name).abi) as unknown as Abi
  return (execResult.logs ?? []).flatMap(([address, topics, body]) => {
    try {
      const { eventName, args } = decodeEventLog({
        abi,
        topics: topics.map((topic) => bytesToHex(topic)) as [Hex, ...Hex[]],
        data: bytesToHex(body),
      })
      return [{ address: bytesToHex(address), name: eventName ?? '', args: (args ?? {}) as Record<string, unknown> }]
    } catch {
      return []
    }
  })
}

export function balanceOf(evm: GenesisEvm, address: Hex): bigint {
  return evm.state.accounts.get(address)?.balance ?? 0n
}
