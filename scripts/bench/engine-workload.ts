import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { bytesToHex, concatBytes, type Hex, hexToBytes, padLeft, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import { encodeTransaction, type FeeMarketTx, signTransaction } from '../../protocol/transaction.ts'

/** What an engine is measured with: a genesis file and the signed transactions of each block, in hex. */
export type Workload = { readonly genesis: BenchGenesis; readonly blocks: readonly (readonly Hex[])[] }

/** The fields of a genesis file that a bench looks at itself. */
export type BenchGenesis = {
  readonly gasLimit: Hex
  readonly alloc: Readonly<Record<Hex, { balance?: Hex; code?: Hex; storage?: Readonly<Record<Hex, Hex>> }>>
} & Readonly<Record<string, unknown>>

export type Payment = 'erc20' | 'transfer'

export const benchChainId = 901n
export const accounts = 10_000
const gasLimit = 60_000_000n
const l1BlockAddress: Hex = '0x4200000000000000000000000000000000000015'
const tokenAddress: Hex = '0x00000000000000000000000000000000000070ce'
const transferSelector = hexToBytes('0xa9059cbb')
/** Slot of `_balances` in OpenZeppelin's ERC20. */
const balancesSlot = new Uint8Array(32)
const root = resolve(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)

const keyOf = (n: number): Uint8Array => uintBytes(BigInt(n) + 1_000n, 32)

/** A genesis file with every fork through Jovian, 10,000 accounts that hold ether and tokens, and the token's code. */
export function benchGenesis(): BenchGenesis {
  const senders = Array.from({ length: accounts }, (_, n) => privateKeyAddress(keyOf(n)))
  const balances = senders.map((address) => [
    bytesToHex(keccak256(concatBytes(padLeft(address, 32), balancesSlot))),
    bytesToHex(uintBytes(10n ** 24n, 32)),
  ])
  const l1Block = readFileSync(join(root, 'contracts/artifacts/L1Block.json'), 'utf8')
  const { deployedBytecode } = JSON.parse(l1Block) as { deployedBytecode: Hex }
  const forks = ['regolith', 'canyon', 'ecotone', 'fjord', 'granite', 'holocene', 'isthmus', 'jovian']
  return {
    config: {
      chainId: Number(benchChainId),
      ...Object.fromEntries(forks.map((fork) => [`${fork}Time`, 0])),
      optimism: { eip1559Elasticity: 6, eip1559Denominator: 50, eip1559DenominatorCanyon: 250 },
    },
    timestamp: '0x0',
    gasLimit: `0x${gasLimit.toString(16)}`,
    coinbase: bytesToHex(new Uint8Array(20)),
    parentHash: bytesToHex(new Uint8Array(32)),
    mixHash: bytesToHex(new Uint8Array(32)),
    extraData: '0x01000000fa000000060000000000000000',
    baseFeePerGas: '0x3e8',
    alloc: {
      ...Object.fromEntries(senders.map((address) => [bytesToHex(address), { balance: '0xd3c21bcecceda1000000' }])),
      [l1BlockAddress]: { code: deployedBytecode },
      [tokenAddress]: { code: tokenCode(), storage: Object.fromEntries(balances) },
    },
  }
}

/**
 * Signed transactions for `blocks` blocks of `perBlock`: the senders take turns, each pays a recipient that no one else
 * pays, and the first payment of each makes a new account or a new token balance.
 */
export function signedBlocks(payment: Payment, blocks: number, perBlock: number): Hex[][] {
  let sent = 0
  return Array.from({ length: blocks }, () =>
    Array.from({ length: perBlock }, () => {
      const sender = sent % accounts
      const nonce = BigInt((sent - sender) / accounts)
      sent++
      const to = keccak256(concatBytes(uintBytes(7, 8), uintBytes(sender, 8))).slice(12)
      return bytesToHex(signed(payment, sender, nonce, to))
    }),
  )
}

function signed(payment: Payment, sender: number, nonce: bigint, to: Uint8Array): Uint8Array {
  const tx: FeeMarketTx = {
    type: 2,
    chainId: benchChainId,
    nonce,
    maxPriorityFeePerGas: 1n,
    maxFeePerGas: 1_000_000_000n,
    gasLimit: 100_000n,
    accessList: [],
    yParity: 0,
    r: 0n,
    s: 0n,
    ...(payment === 'transfer'
      ? { to, value: 1n, data: new Uint8Array(0) }
      : { to: hexToBytes(tokenAddress), value: 0n, data: tokenTransfer(to) }),
  }
  return encodeTransaction(signTransaction(tx, keyOf(sender)))
}

function tokenTransfer(to: Uint8Array): Uint8Array {
  return concatBytes(transferSelector, padLeft(to, 32), uintBytes(1, 32))
}

/** Code of OpenZeppelin's ERC20 as it stands after construction. */
function tokenCode(): Hex {
  const source =
    'pragma solidity ^0.8.20; import "@openzeppelin/contracts/token/ERC20/ERC20.sol"; contract Token is ERC20("T", "T") {}'
  const input = {
    language: 'Solidity',
    sources: { 'Token.sol': { content: source } },
    settings: {
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { 'Token.sol': { Token: ['evm.deployedBytecode.object'] } },
    },
  }
  const read = (path: string) => ({ contents: readFileSync(join(root, 'node_modules', path), 'utf8') })
  const solc = require('solc') as { compile(input: string, callbacks: { import: typeof read }): string }
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read })) as {
    contracts: Record<string, Record<string, { evm: { deployedBytecode: { object: string } } }>>
  }
  const object = output.contracts['Token.sol']?.['Token']?.evm.deployedBytecode.object
  if (object === undefined || object === '') throw new Error('the token did not compile')
  return `0x${object}`
}
