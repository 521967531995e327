import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import {
  type CustomPrecompile,
  EVMError,
  type ExecResult,
  getActivePrecompiles,
  type PrecompileFunc,
  type PrecompileInput,
} from '@ethereumjs/evm'
import type { Rules } from '../transition/rules.ts'
import { pointEvaluation } from './point-evaluation.ts'

/** Gas of P256VERIFY from Fjord (RIP-7212) until Karst makes it Osaka's. Spec: protocol/fjord/exec-engine.md. */
const p256Gas = 3_450n

/**
 * Bytes a precompile's input may have; more fails the call. They keep a fault proof's step small.
 * Specs: protocol/granite, isthmus, jovian and karst exec-engine.md, "Precompile input".
 */
const inputBytesMax = {
  bn256Pairing: { granite: 112_687, jovian: 81_984, karst: 57_600 },
  g1Msm: { isthmus: 513_760, jovian: 288_960 },
  g2Msm: { isthmus: 488_448, jovian: 278_784 },
  blsPairing: { isthmus: 235_008, jovian: 156_672 },
} as const

const address = {
  bn256Pairing: '0x0000000000000000000000000000000000000008',
  pointEvaluation: '0x000000000000000000000000000000000000000a',
  g1Msm: '0x000000000000000000000000000000000000000c',
  g2Msm: '0x000000000000000000000000000000000000000e',
  blsPairing: '0x000000000000000000000000000000000000000f',
  p256: '0x0000000000000000000000000000000000000100',
} as const

/** Where the OP Stack's precompiles differ from Ethereum's at these rules, to put over the EVM's own. */
export function forkPrecompiles(rules: Rules): CustomPrecompile[] {
  const table: CustomPrecompile[] = []
  const wrap = (at: `0x${string}`, make: (inner: PrecompileFunc) => PrecompileFunc) =>
    table.push({ address: at, function: make(builtIn(at)) })
  if (rules.ecotone) table.push({ address: address.pointEvaluation, function: pointEvaluation })
  if (rules.fjord && !rules.karst) wrap(address.p256, (inner) => withGas(inner, p256Gas))
  if (rules.granite) wrap(address.bn256Pairing, (inner) => limited(inner, pairingLimit(rules)))
  if (rules.isthmus) {
    const fork = rules.jovian ? 'jovian' : 'isthmus'
    wrap(address.g1Msm, (inner) => limited(inner, inputBytesMax.g1Msm[fork]))
    wrap(address.g2Msm, (inner) => limited(inner, inputBytesMax.g2Msm[fork]))
    wrap(address.blsPairing, (inner) => limited(inner, inputBytesMax.blsPairing[fork]))
  }
  return table
}

function pairingLimit(rules: Rules): number {
  if (rules.karst) return inputBytesMax.bn256Pairing.karst
  return rules.jovian ? inputBytesMax.bn256Pairing.jovian : inputBytesMax.bn256Pairing.granite
}

function limited(inner: PrecompileFunc, bytesMax: number): PrecompileFunc {
  return (input) => (input.data.length > bytesMax ? failure(input, 'INVALID_INPUT_LENGTH') : inner(input))
}

/** The same function at another price. */
function withGas(inner: PrecompileFunc, gas: bigint): PrecompileFunc {
  return async (input) => {
    if (input.gasLimit < gas) return failure(input, 'OUT_OF_GAS')
    const result = await inner({ ...input, gasLimit: 1_000_000n })
    return { ...result, executionGasUsed: gas }
  }
}

function failure(input: PrecompileInput, error: keyof typeof EVMError.errorMessages): ExecResult {
  return {
    returnValue: new Uint8Array(0),
    executionGasUsed: input.gasLimit,
    exceptionError: new EVMError(EVMError.errorMessages[error]),
  }
}

const newest = getActivePrecompiles(new Common({ chain: Mainnet, hardfork: Hardfork.Osaka }))

function builtIn(at: `0x${string}`): PrecompileFunc {
  const found = newest.get(at.slice(2))
  if (found === undefined) throw new Error(`@ethereumjs/evm has no precompile ${at}`)
  return found
}
