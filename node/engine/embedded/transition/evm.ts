import { createHash } from 'node:crypto'
import { Common, type CustomCrypto, Hardfork, Mainnet } from '@ethereumjs/common'
import { type CustomPrecompile, createEVM, type EVM } from '@ethereumjs/evm'
import secp256k1 from 'secp256k1'
import { followMessages } from '../../../../precompiles-sim/evm-adapter.ts'
import { concatBytes, padLeft } from '../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { forkPrecompiles } from '../precompiles/fork-precompiles.ts'
import type { EvmState } from '../state/evm-state.ts'
import { installFastOpcodes } from './fast-opcodes.ts'
import { installFastInterpreter } from './interpreter.ts'
import type { Rules } from './rules.ts'

/** Hash of an ancestor of the block in execution, for BLOCKHASH; the block at `number` is known to be within reach. */
export type BlockHashes = (number: bigint) => Uint8Array

/**
 * An EVM with the OP Stack's rules at one fork, over `state`. `customPrecompiles` come on top of the fork's own; they
 * are the chain's, and the same for every node of it.
 */
export async function createOpEvm(
  chainId: bigint,
  rules: Rules,
  state: EvmState,
  blockHashes: () => BlockHashes,
  customPrecompiles: readonly CustomPrecompile[] = [],
): Promise<EVM> {
  await installFastInterpreter()
  const evm = await createEVM({
    common: new FixedCommon(chainId, hardforkOf(rules)),
    stateManager: state,
    customPrecompiles: [...customPrecompiles, ...forkPrecompiles(rules)].toReversed(),
    blockchain: {
      getBlock: async (number) => ({ hash: () => blockHashes()(BigInt(Number(number))) }),
      putBlock: async () => undefined,
      shallowCopy() {
        return this
      },
    },
  })
  installFastOpcodes(evm, state)
  if (customPrecompiles.length > 0) followMessages(evm)
  return evm
}

/** Spec: the table in protocol/superchain-upgrades.md; Bedrock begins after the merge. */
function hardforkOf(rules: Rules): Hardfork {
  if (rules.karst) return Hardfork.Osaka
  if (rules.isthmus) return Hardfork.Prague
  if (rules.ecotone) return Hardfork.Cancun
  return rules.canyon ? Hardfork.Shanghai : Hardfork.Paris
}

/**
 * A Common that never changes its hardfork, so that it can remember its answers: the library asks at every opcode and
 * searches lists for each.
 */
export class FixedCommon extends Common {
  // Ordinary fields, not #private ones: the constructor above asks before they exist.
  protected memo: CommonMemo | undefined
  protected readonly chain: bigint

  constructor(chainId: bigint, hardfork: Hardfork) {
    super({ chain: { ...Mainnet, chainId: chainId.toString() }, hardfork, customCrypto })
    this.chain = chainId
    this.memo = { eips: new Set(this._activatedEIPsCache), params: new Map(), atLeast: new Map() }
  }

  override isActivatedEIP(eip: number): boolean {
    return this.memo === undefined ? super.isActivatedEIP(eip) : this.memo.eips.has(eip)
  }

  override gteHardfork(hardfork: string): boolean {
    return remembered(this.memo?.atLeast, hardfork, () => super.gteHardfork(hardfork))
  }

  override param(name: string): bigint {
    return remembered(this.memo?.params, name, () => super.param(name))
  }

  override updateParams(params: Parameters<Common['updateParams']>[0]): void {
    super.updateParams(params)
    this.memo?.params.clear()
  }

  override chainId(): bigint {
    return this.chain
  }

  override consensusType() {
    return 'pos' as const
  }

  override consensusAlgorithm() {
    return 'casper' as const
  }
}

type CommonMemo = {
  readonly eips: ReadonlySet<number>
  readonly params: Map<string, bigint>
  readonly atLeast: Map<string, boolean>
}

function remembered<T>(memo: Map<string, T> | undefined, name: string, compute: () => T): T {
  const known = memo?.get(name)
  if (known !== undefined) return known
  const value = compute()
  memo?.set(name, value)
  return value
}

const customCrypto: CustomCrypto = {
  keccak256,
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  // r and s may come without their leading zeros.
  ecrecover: (digest, v, r, s) => {
    const signature = concatBytes(padLeft(r, 32), padLeft(s, 32))
    return secp256k1.ecdsaRecover(signature, v === 28n ? 1 : 0, digest, false).slice(1)
  },
}
