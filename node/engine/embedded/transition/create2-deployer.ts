import { CodedError } from '../../../../common/errors.ts'
import { bytesToHex, FormatError } from '../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { create2Deployer } from './addresses.ts'
import type { BlockEnv } from './block-env.ts'

/** Hash of the code that Canyon gives to the Create2Deployer. Spec: protocol/canyon/overview.md. */
const codeHash = '0xb0550b5b431e30d38000efb7107aaa0ade03d48a7198a140edda9d27134468b2'

/** Code checked to be the Create2Deployer's; it is not part of this repository and comes from the operator. */
export type Create2DeployerCode = { readonly kind: 'create2-deployer'; readonly code: Uint8Array }

/** The code of the Create2Deployer is needed and was not given. */
export class MissingCodeError extends CodedError<'missing-code'> {}

/** Takes bytes for the Create2Deployer's code if they are. Throws {@link FormatError}. */
export function checkCreate2DeployerCode(code: Uint8Array): Create2DeployerCode {
  const hash = keccakHex(code)
  if (hash !== codeHash) throw new FormatError(`Create2Deployer code hashes to ${hash}, must be ${codeHash}`)
  return { kind: 'create2-deployer', code }
}

/** Writes the code in the block where Canyon activates, which no transaction does. Source: op-geth `EnsureCreate2Deployer`. */
export function deployCreate2Deployer(env: BlockEnv, code: Create2DeployerCode | undefined): void {
  if (env.times.canyon !== env.timestamp) return
  if (code === undefined) {
    throw new MissingCodeError(
      'missing-code',
      `this block activates Canyon, which writes code ${codeHash} to ${bytesToHex(create2Deployer)}: give that code in the network upgrade data`,
    )
  }
  env.state.setCode(create2Deployer, code.code)
}
