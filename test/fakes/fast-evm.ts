import { Hardfork } from '@ethereumjs/common'
import { createEVM } from '@ethereumjs/evm'
import { GenesisEvm } from '../../genesis/genesis-evm.ts'
import type { MemoryState } from '../../genesis/memory-state.ts'
import { FixedCommon } from '../../node/engine/embedded/transition/evm.ts'
import { installFastMemory } from '../../node/engine/embedded/transition/fast-opcodes.ts'
import { installFastInterpreter } from '../../node/engine/embedded/transition/interpreter.ts'

/** An EVM over a state with the node's own main loop, several times as fast as the library's. `timestamp`: Unix seconds. */
export async function fastEvm(state: MemoryState, chainId: bigint, timestamp: bigint): Promise<GenesisEvm> {
  await installFastInterpreter()
  const evm = await createEVM({ common: new FixedCommon(chainId, Hardfork.Prague), stateManager: state })
  installFastMemory(evm)
  return new GenesisEvm(state, evm, timestamp)
}
