import { readFileSync } from 'node:fs'
import { type Hex, hexToBytes, uintBytes } from '../protocol/bytes.ts'
import { keccak256 } from '../protocol/keccak.ts'
import { checkCodeHash } from './code-hashes.ts'
import { GenesisError } from './genesis-error.ts'
import { packageFile } from './package-contracts.ts'

/** A contract that OP chains carry from block 0 at the address it has elsewhere. */
export type Preinstall = { readonly name: string; readonly address: Hex; readonly code: Uint8Array }

/**
 * The preinstalls, read from the package's Preinstalls.sol and each checked against the code-hash list.
 * Spec: protocol/preinstalls.md. Those younger than the package (CreateX, EntryPoint 0.7) are absent.
 */
export function preinstalls(chainId: bigint): Preinstall[] {
  return preinstallNames.map((name) => {
    const { address, code } = readPreinstall(name)
    return { name, address, code: name === 'Permit2' ? permit2Code(code, address, chainId) : code }
  })
}

/** Multicall3's address and code, for an L1 that lacks it. */
export function multicall3(): Preinstall {
  return { name: 'MultiCall3', ...readPreinstall('MultiCall3') }
}

const preinstallNames = [
  'Safe_v130',
  'SafeL2_v130',
  'MultiSend_v130',
  'MultiSendCallOnly_v130',
  'SafeSingletonFactory',
  'MultiCall3',
  'Create2Deployer',
  'DeterministicDeploymentProxy',
  'Permit2',
  'EntryPoint',
  'SenderCreator',
]

let source: string | undefined

function readPreinstall(name: string): { address: Hex; code: Uint8Array } {
  source ??= readFileSync(packageFile('src/libraries/Preinstalls.sol'), 'utf8')
  const address = new RegExp(`address internal constant ${name} = (0x[0-9a-fA-F]{40});`).exec(source)?.[1]
  const constant = name === 'Permit2' ? 'Permit2TemplateCode' : `${name}Code`
  const code = new RegExp(`bytes internal constant ${constant} =\\s*hex"([0-9a-fA-F]*)";`).exec(source)?.[1]
  if (address === undefined || code === undefined) {
    throw new GenesisError('bytecode', `Preinstalls.sol of the installed package has no ${name}`)
  }
  const bytes = hexToBytes(`0x${code}`)
  checkCodeHash('preinstalls', name, bytes)
  return { address: address.toLowerCase() as Hex, code: bytes }
}

/** Where the template's immutables stand: the cached chain id and EIP-712 domain separator. */
const permit2ChainIdOffset = 6945
const permit2SeparatorOffset = 6983

function permit2Code(template: Uint8Array, address: Hex, chainId: bigint): Uint8Array {
  const text = new TextEncoder()
  const chainIdWord = uintBytes(chainId, 32)
  const separator = keccak256(
    Buffer.concat([
      keccak256(text.encode('EIP712Domain(string name,uint256 chainId,address verifyingContract)')),
      keccak256(text.encode('Permit2')),
      chainIdWord,
      uintBytes(BigInt(address), 32),
    ]),
  )
  const code = template.slice()
  code.set(chainIdWord, permit2ChainIdOffset)
  code.set(separator, permit2SeparatorOffset)
  return code
}
