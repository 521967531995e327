import { FormatError, type Hex, hexToBytes } from './bytes.ts'
import { activatesAt, type Hardfork } from './hardforks.ts'
import { asArray, asObject } from './json-fields.ts'
import { keccakHex } from './keccak.ts'
import type { RollupConfig } from './rollup-config.ts'

/** Forks whose first block carries upgrade deposits. */
export type UpgradeFork = 'ecotone' | 'fjord' | 'isthmus' | 'jovian' | 'karst'

/** Raw upgrade deposits by fork, in block order, each checked against its known hash. */
export type UpgradeTransactions = { readonly [F in UpgradeFork]?: readonly Uint8Array[] | undefined }

/** A chain activates a fork whose upgrade transactions were not given: derivation must stop. */
export class UpgradeError extends Error {
  override name = 'UpgradeError'
}

/** Sum of the gas limits of Karst's upgrade deposits, by which its activation block's gas limit is raised. */
export const karstUpgradeGas = 55_370_657n

/**
 * Reads a file of upgrade transactions: `{ "forks": { "<fork>": [{ "raw": "0x…" } or "0x…"] } }`, entries of other names
 * ignored. The contracts in them are other people's work, so the file stays with the operator; this code has the
 * transactions' hashes and takes nothing else. Throws {@link FormatError}.
 */
export function loadUpgradeTransactions(json: unknown): UpgradeTransactions {
  const forks = asObject(asObject(json, 'upgrade transactions')['forks'], 'upgrade transactions by fork')
  const loaded: { -readonly [F in UpgradeFork]?: readonly Uint8Array[] } = {}
  for (const [fork, hashes] of Object.entries(knownHashes)) {
    // Jovian's specification and the live networks differ in the intents; see the conflict noted at the hashes.
    const list = forks[fork] ?? (fork === 'jovian' ? forks['jovian_kona_intents'] : undefined)
    if (list !== undefined) loaded[fork as UpgradeFork] = checkedTransactions(fork, list, hashes)
  }
  return loaded
}

/** The create2Deployer's code in such a file (`"create2DeployerCode": "0x…"`), which Canyon's first block sets; undefined where it has none. */
export function create2DeployerCodeOf(json: unknown): Uint8Array | undefined {
  const code = asObject(json, 'upgrade transactions')['create2DeployerCode']
  if (code === undefined) return undefined
  if (typeof code !== 'string') throw new FormatError('create2DeployerCode must be a hex string')
  return hexToBytes(code)
}

/** The upgrade deposits of the block at `timestamp`; empty but for a fork's first block. Throws {@link UpgradeError}. */
export function upgradeTransactions(
  loaded: UpgradeTransactions | undefined,
  config: Pick<RollupConfig, 'forkTimes'>,
  timestamp: bigint,
  parentTimestamp: bigint,
): Uint8Array[] {
  const activated = upgradeForks.filter((fork) => activatesAt(config.forkTimes, fork, timestamp, parentTimestamp))
  return activated.flatMap((fork) => {
    const transactions = loaded?.[fork]
    if (transactions === undefined) {
      throw new UpgradeError(`the block at ${timestamp} activates ${fork}, whose upgrade transactions are missing`)
    }
    return [...transactions]
  })
}

const upgradeForks = ['ecotone', 'fjord', 'isthmus', 'jovian', 'karst'] as const satisfies readonly Hardfork[]

/**
 * Transaction hashes in block order. Spec: protocol/{ecotone,fjord,isthmus,jovian}/derivation.md, "Network upgrade
 * automation transactions". Jovian's are those of kona and op-node, whose source intents ("L1 Block", "Gas Price
 * Oracle") differ from the specification's text. Karst's are published by no specification, so none are accepted.
 */
const knownHashes: Record<Exclude<UpgradeFork, 'karst'>, readonly Hex[]> = {
  ecotone: [
    '0x50549bed9a83ba7238893970780b458ed3d543f299d6f69f7a5d0b32d7cd71a7',
    '0xf8e8dd83c100c9eb137fa372cdda2cf854f79b6e8cfc604c5e54d970c05cb6dc',
    '0x9f2b2d34dfa2cb55cceb9860cade0cb03cfbd7ff1dd07d48b4708b29a46b4a24',
    '0xedbfdad1f44ea830b863eac45eca4408398351b30511826012882059625963d2',
    '0x91f762393442ac507c6852211b62445d82c9b58bae34726ecef2f10b4156f027',
    '0x5b7915f2a55ce67519e6d8f65248918f4e62f545706af2bf02549bb9782c03f3',
  ],
  fjord: [
    '0xaafd55b14e021a2c04628606e42dbe58cc9c86b6ed695a8b9ccf258e28963e5e',
    '0x2f63bbe08a66796dde569281a58a53e0b0f64b7aa067297e9c70455fb8e375bc',
    '0x7cedc4f1c428928cdfb9b340bda3060102c71ad23f982678471b222ba8a756e1',
  ],
  isthmus: [
    '0x4557f1142fedd52d571b070a290aa8683a03f7aac7929967858af7aab48cd4cc',
    '0x9412bd3fa72eb1dbec94fd2297d44a8b86cb1f55966324e6cc7d57decc92c1f6',
    '0xa9e6286eadd53ecf7bb2bff668c4fcb62305a8b3e4b584c30f7d4f90046ee75e',
    '0xe992e00998b34075506d2726a274db07a62af6cdd9d527bfda9128114603cfbd',
    '0xb6560306ccb0e772b132a8a6dd78244c0d7ac270c80baba40f95006184926c30',
    '0xf162acc8ebbaf9237755736b62331a4817fe27bbbe3712f473ecfa8fee499f7c',
    '0xbf2fef09f73279373fce8acd2968ca4fd1d10ba88bf10993b6a69c33d913f01b',
    '0xf3ddde30514a8d00b0b92f14b9ce6b3170ea30f5f45b1afdc0905801134ffefe',
  ],
  jovian: [
    '0x0bad46dcef609affe3d306a9ce6239a1f3ec59673943a4c533eb20459950f542',
    '0xcd60191626fa3124e7031235c52f0adf6be545ebbd7cf55641bd9dabcbedaf6a',
    '0x675febfc848d9b30f27dce1aabb6572d1de80c9eaa75773ac2106eeea7ff3aff',
    '0xc7c01d75d0b6950fcd30b448cba848e9841ab9ebb6b46eed9ecde4ba05ad0fd9',
    '0x159d785e90a42f3b9a4d3b9fd4ab69e7c0edec3122cb2e767f3a66aba8f3e664',
  ],
}

function checkedTransactions(fork: string, list: unknown, hashes: readonly Hex[]): Uint8Array[] {
  const raws = asArray(list, `upgrade transactions of ${fork}`).map(rawTransaction)
  if (raws.length !== hashes.length) {
    throw new FormatError(`${fork} has ${hashes.length} upgrade transactions, the file has ${raws.length}`)
  }
  raws.forEach((raw, index) => {
    const hash = keccakHex(raw)
    if (hash !== hashes[index]) {
      throw new FormatError(`upgrade transaction ${index} of ${fork} has hash ${hash}, want ${hashes[index]}`)
    }
  })
  return raws
}

function rawTransaction(entry: unknown): Uint8Array {
  const raw = typeof entry === 'string' ? entry : asObject(entry, 'upgrade transaction')['raw']
  if (typeof raw !== 'string') throw new FormatError('upgrade transaction without raw bytes')
  return hexToBytes(raw)
}
