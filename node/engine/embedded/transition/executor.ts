import type { CustomPrecompile, EVM } from '@ethereumjs/evm'
import type { ChainParameters } from '../../../../protocol/genesis-file.ts'
import { EvmState } from '../state/evm-state.ts'
import type { FlatState } from '../state/flat-state.ts'
import type { BlockEnv, BlockHeaderEnv } from './block-env.ts'
import { type BlockHashes, createOpEvm } from './evm.ts'
import { type Rules, rulesAt } from './rules.ts'

/** Makes block environments over EVMs it keeps, one for each fork. One transaction at a time may run on an executor. */
export class Executor {
  readonly #chain: ChainParameters
  readonly #customPrecompiles: readonly CustomPrecompile[]
  readonly #machines = new Map<string, Promise<Machine>>()

  constructor(chain: ChainParameters, customPrecompiles: readonly CustomPrecompile[]) {
    this.#chain = chain
    this.#customPrecompiles = customPrecompiles
  }

  async env(header: BlockHeaderEnv, state: FlatState, blockHashes: BlockHashes): Promise<BlockEnv> {
    const { chainId, forkTimes } = this.#chain
    const rules = rulesAt(forkTimes, header.timestamp)
    const machine = await this.#machine(rules, state)
    return {
      ...header,
      chainId,
      times: forkTimes,
      rules,
      state,
      evm: machine.evm,
      activate: () => {
        machine.state.use(state)
        machine.blockHashes = blockHashes
      },
    }
  }

  #machine(rules: Rules, state: FlatState): Promise<Machine> {
    const key = JSON.stringify(rules)
    let machine = this.#machines.get(key)
    if (machine === undefined) {
      machine = createMachine(this.#chain.chainId, rules, state, this.#customPrecompiles)
      this.#machines.set(key, machine)
    }
    return machine
  }
}

type Machine = { readonly evm: EVM; readonly state: EvmState; blockHashes: BlockHashes }

async function createMachine(
  chainId: bigint,
  rules: Rules,
  state: FlatState,
  customPrecompiles: readonly CustomPrecompile[],
): Promise<Machine> {
  const evmState = new EvmState(state)
  const hashes: { machine?: Machine } = {}
  const blockHashes = () => hashes.machine?.blockHashes ?? noBlockHashes
  const evm = await createOpEvm(chainId, rules, evmState, blockHashes, customPrecompiles)
  hashes.machine = { evm, state: evmState, blockHashes: noBlockHashes }
  return hashes.machine
}

const noBlockHashes: BlockHashes = () => new Uint8Array(32)
