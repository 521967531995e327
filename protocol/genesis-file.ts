import { FormatError, fixedHex, hexToBytes, padLeft, trimLeft, uintBytes } from './bytes.ts'
import type { ForkTimes } from './hardforks.ts'
import { isActive } from './hardforks.ts'
import type { Header } from './header.ts'
import { keccak256 } from './keccak.ts'
import { emptyRequestsHash } from './payload-block.ts'
import { rlpEncode, rlpUint } from './rlp.ts'
import type { FeeConstants } from './rollup-config.ts'
import { emptyCodeHash, emptyOmmersHash, emptyTrieRoot, trieRoot } from './trie-root.ts'

/** An account of a genesis file; a storage value is trimmed of leading zeros and never zero. */
export type GenesisAccount = {
  readonly address: Uint8Array
  readonly nonce: bigint
  readonly balance: bigint
  readonly code: Uint8Array
  readonly storage: readonly (readonly [slot: Uint8Array, value: Uint8Array])[]
}

/** Rules of a chain, which a genesis file's `config` gives, or its rollup.json. */
export type ChainParameters = {
  readonly chainId: bigint
  readonly forkTimes: ForkTimes
  readonly feeConstants: FeeConstants
}

/** An op-geth genesis file: the chain's parameters, its first header's fields and its first state. */
export type Genesis = ChainParameters & {
  readonly number: bigint
  readonly timestamp: bigint
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  readonly difficulty: bigint
  readonly coinbase: Uint8Array
  readonly parentHash: Uint8Array
  readonly prevRandao: Uint8Array
  /** 8 bytes. */
  readonly nonce: Uint8Array
  readonly extraData: Uint8Array
  readonly baseFeePerGas: bigint
  readonly alloc: readonly GenesisAccount[]
  /** Root of a first state that is not in the file (a chain that began before Bedrock). */
  readonly stateHash?: Uint8Array | undefined
}

/** The header of block 0 and the roots in it. */
export type GenesisRoots = {
  readonly header: Header
  readonly stateRoot: Uint8Array
  /** Storage root of the L2ToL1MessagePasser. */
  readonly messagePasserRoot: Uint8Array
}

/** The L2ToL1MessagePasser, whose storage root withdrawals are proven against. */
export const messagePasserAddress = hexToBytes('0x4200000000000000000000000000000000000016')

/** Accounts a genesis file may have; the largest of the superchain registry has 2,400. */
const accountsMax = 1_000_000

const defaultBaseFee = 1_000_000_000n

/**
 * Parses an op-geth genesis file's JSON. `parameters` stand for its `config`, which the files of the superchain registry
 * leave null. Throws {@link FormatError}.
 */
export function parseGenesis(json: unknown, parameters?: ChainParameters): Genesis {
  const file = record(json, 'genesis')
  const { chainId, forkTimes, feeConstants } = parameters ?? parseChainConfig(record(file['config'], 'genesis config'))
  const alloc = record(file['alloc'] ?? {}, 'genesis alloc')
  const entries = Object.entries(alloc)
  if (entries.length > accountsMax) throw new FormatError(`genesis alloc has ${entries.length} accounts`)
  const stateHash = file['stateHash']
  return {
    chainId,
    forkTimes,
    feeConstants,
    number: uint(file['number'] ?? 0, 'number'),
    timestamp: uint(file['timestamp'] ?? 0, 'timestamp'),
    gasLimit: uint(file['gasLimit'], 'gasLimit'),
    gasUsed: uint(file['gasUsed'] ?? 0, 'gasUsed'),
    difficulty: uint(file['difficulty'] ?? 0, 'difficulty'),
    coinbase: fixed(file['coinbase'], 20, 'coinbase'),
    parentHash: fixed(file['parentHash'], 32, 'parentHash'),
    prevRandao: fixed(file['mixHash'], 32, 'mixHash'),
    nonce: uintBytes(uint(file['nonce'] ?? 0, 'nonce'), 8),
    extraData: bytes(file['extraData'] ?? '0x', 'extraData'),
    baseFeePerGas: uint(file['baseFeePerGas'] ?? defaultBaseFee, 'baseFeePerGas'),
    alloc: entries.map(([address, account]) => parseAccount(address, account)),
    ...(typeof stateHash === 'string' ? { stateHash: fixed(stateHash, 32, 'stateHash') } : {}),
  }
}

/** The first header with its roots, computed from nothing but the file. Spec: op-geth `Genesis.ToBlock`. */
export function genesisHeader(genesis: Genesis): GenesisRoots {
  if (genesis.stateHash !== undefined && genesis.alloc.length > 0) {
    throw new FormatError('genesis has both an alloc and a stateHash')
  }
  const passer = genesis.alloc.find((account) => Buffer.compare(account.address, messagePasserAddress) === 0)
  const messagePasserRoot = passer === undefined ? emptyTrieRoot : storageRoot(passer)
  const stateRoot = genesis.stateHash ?? trieRoot(accountLeaves(genesis.alloc))
  return { header: headerOf(genesis, stateRoot, messagePasserRoot), stateRoot, messagePasserRoot }
}

function headerOf(genesis: Genesis, stateRoot: Uint8Array, messagePasserRoot: Uint8Array): Header {
  const { forkTimes, timestamp } = genesis
  const isthmus = isActive(forkTimes, 'isthmus', timestamp)
  const base: Header = {
    parentHash: genesis.parentHash,
    ommersHash: emptyOmmersHash,
    coinbase: genesis.coinbase,
    stateRoot,
    transactionsRoot: emptyTrieRoot,
    receiptsRoot: emptyTrieRoot,
    logsBloom: new Uint8Array(256),
    difficulty: genesis.difficulty,
    number: genesis.number,
    gasLimit: genesis.gasLimit,
    gasUsed: genesis.gasUsed,
    timestamp,
    extraData: genesis.extraData,
    prevRandao: genesis.prevRandao,
    nonce: genesis.nonce,
    baseFeePerGas: genesis.baseFeePerGas,
  }
  if (!isActive(forkTimes, 'canyon', timestamp)) return base
  const canyon = { ...base, withdrawalsRoot: isthmus ? messagePasserRoot : emptyTrieRoot }
  if (!isActive(forkTimes, 'ecotone', timestamp)) return canyon
  return {
    ...canyon,
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    parentBeaconBlockRoot: new Uint8Array(32),
    ...(isthmus ? { requestsHash: emptyRequestsHash } : {}),
  }
}

function* accountLeaves(alloc: readonly GenesisAccount[]): Iterable<readonly [Uint8Array, Uint8Array]> {
  for (const account of alloc) {
    const codeHash = account.code.length === 0 ? emptyCodeHash : keccak256(account.code)
    const leaf = [rlpUint(account.nonce), rlpUint(account.balance), storageRoot(account), codeHash]
    yield [keccak256(account.address), rlpEncode(leaf)]
  }
}

function storageRoot(account: GenesisAccount): Uint8Array {
  return trieRoot(account.storage.map(([slot, value]) => [keccak256(slot), rlpEncode(value)] as const))
}

function parseChainConfig(config: Record<string, unknown>): ChainParameters {
  return {
    chainId: uint(config['chainId'], 'config.chainId'),
    forkTimes: parseForkTimes(config),
    feeConstants: parseFeeConstants(config),
  }
}

function parseForkTimes(config: Record<string, unknown>): ForkTimes {
  const time = (name: string) => {
    const value = config[name]
    return value === undefined || value === null ? {} : { [name.slice(0, -4)]: uint(value, `config.${name}`) }
  }
  const times: ForkTimes = {
    ...time('regolithTime'),
    ...time('canyonTime'),
    ...time('ecotoneTime'),
    ...time('fjordTime'),
    ...time('graniteTime'),
    ...time('holoceneTime'),
    ...time('isthmusTime'),
    ...time('jovianTime'),
    ...time('karstTime'),
  }
  return times
}

function parseFeeConstants(config: Record<string, unknown>): FeeConstants {
  const optimism = record(config['optimism'], 'config.optimism')
  const eip1559Denominator = uint(optimism['eip1559Denominator'], 'config.optimism.eip1559Denominator')
  return {
    eip1559Elasticity: uint(optimism['eip1559Elasticity'], 'config.optimism.eip1559Elasticity'),
    eip1559Denominator,
    eip1559DenominatorCanyon: uint(
      optimism['eip1559DenominatorCanyon'] ?? eip1559Denominator,
      'config.optimism.eip1559DenominatorCanyon',
    ),
  }
}

function parseAccount(address: string, json: unknown): GenesisAccount {
  const account = record(json, `alloc ${address}`)
  const storage = record(account['storage'] ?? {}, `storage of ${address}`)
  return {
    address: fixed(address.startsWith('0x') ? address : `0x${address}`, 20, 'alloc address'),
    nonce: uint(account['nonce'] ?? 0, `nonce of ${address}`),
    balance: uint(account['balance'] ?? 0, `balance of ${address}`),
    code: bytes(account['code'] ?? '0x', `code of ${address}`),
    storage: Object.entries(storage)
      .map(([slot, value]) => [word(slot, `slot of ${address}`), trimLeft(word(value, `value of ${address}`))] as const)
      .filter(([, value]) => value.length > 0),
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError(`${what} must be an object`)
  }
  return value as Record<string, unknown>
}

/** geth reads these as a JSON number, a decimal string or a hex string. */
function uint(value: unknown, what: string): bigint {
  const text = typeof value === 'number' || typeof value === 'bigint' ? value.toString() : value
  if (typeof text !== 'string' || !/^(?:0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(text)) {
    throw new FormatError(`${what} must be an unsigned integer`)
  }
  return BigInt(text)
}

function bytes(value: unknown, what: string): Uint8Array {
  if (typeof value !== 'string') throw new FormatError(`${what} must be a hex string`)
  return hexToBytes(value)
}

function fixed(value: unknown, length: number, what: string): Uint8Array {
  if (value === undefined || value === null) return new Uint8Array(length)
  return hexToBytes(fixedHex(value, length, what))
}

/** Up to 32 bytes of hex, with or without 0x, as a word. */
function word(value: unknown, what: string): Uint8Array {
  const digits = typeof value === 'string' ? value.replace(/^0x/, '') : undefined
  if (digits === undefined || digits.length > 64) throw new FormatError(`${what} must be at most 32 bytes of hex`)
  return padLeft(hexToBytes(`0x${digits.length % 2 === 1 ? '0' : ''}${digits}`), 32)
}
