import { bytesToHex, type Hex, hexToBytes } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { GenesisError } from './genesis-error.ts'
import type { MemoryState } from './memory-state.ts'

/** A contract whose bytes an EIP prints: a constant of the protocol. */
type SystemContract = {
  readonly name: string
  readonly address: Hex
  /** Account whose one transaction would deploy it; its nonce must be used up. */
  readonly deployer: Hex
  readonly code: Hex
  readonly codeHash: Hex
}

/** Puts the contracts that blocks call before their first transaction, with the nonces a deployment would leave. */
export function placeSystemContracts(state: MemoryState): void {
  for (const { name, address, deployer, code, codeHash } of systemContracts) {
    const bytes = hexToBytes(code)
    const actual = bytesToHex(keccak256(bytes))
    if (actual !== codeHash) throw new GenesisError('bytecode', `${name} has code hash ${actual}, expected ${codeHash}`)
    const account = state.account(address)
    account.code = bytes
    account.nonce = 1n
    state.account(deployer).nonce = 1n
  }
}

const systemContracts: readonly SystemContract[] = [
  {
    name: 'EIP-4788 beacon block roots',
    address: '0x000f3df6d732807ef1319fb7b8bb8522d0beac02',
    deployer: '0x0b799c86a49deeb90402691f1041aa3af2d3c875',
    code: '0x3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff810690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500',
    codeHash: '0xf57acd40259872606d76197ef052f3d35588dadf919ee1f0e3cb9b62d3f4b02c',
  },
  {
    name: 'EIP-2935 historical block hashes',
    address: '0x0000f90827f1c53a10cb7a02335b175320002935',
    deployer: '0x3462413af4609098e1e27a490f554f260213d685',
    code: '0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500',
    codeHash: '0x6e49e66782037c0555897870e29fa5e552daf4719552131a0abce779daec0a5d',
  },
]
