import type { ChainParameters } from '../../protocol/genesis-file.ts'
import { type Hardfork, hardforks } from '../../protocol/hardforks.ts'
import { asObject, optionalUint, uintNumber } from '../../protocol/json-fields.ts'
import { feeConstantsDefault } from '../../protocol/rollup-config-json.ts'

/**
 * Execution rules from a rollup config of op-node or kona. Kona leaves out forks that a later one implies; they get the
 * later one's time.
 */
export function chainParameters(rollupConfig: unknown): ChainParameters {
  const json = asObject(rollupConfig, 'rollup config')
  const constants = json['chain_op_config']
  return {
    chainId: uintNumber(json['l2_chain_id'], 'l2_chain_id', 256),
    forkTimes: forkTimes(json),
    feeConstants: constants === undefined || constants === null ? feeConstantsDefault : feeConstants(constants),
  }
}

function forkTimes(json: Readonly<Record<string, unknown>>) {
  const times: Partial<Record<Hardfork, bigint>> = {}
  let later: bigint | undefined
  for (const fork of hardforks.toReversed()) {
    if (fork === 'bedrock') continue
    const time = optionalUint(json[`${fork}_time`] ?? undefined, `${fork}_time`) ?? later
    if (time === undefined) continue
    times[fork] = time
    later = time
  }
  return times
}

function feeConstants(value: unknown) {
  const json = asObject(value, 'chain_op_config')
  const eip1559Denominator = uintNumber(json['eip1559Denominator'], 'eip1559Denominator')
  return {
    eip1559Elasticity: uintNumber(json['eip1559Elasticity'], 'eip1559Elasticity'),
    eip1559Denominator,
    eip1559DenominatorCanyon:
      optionalUint(json['eip1559DenominatorCanyon'], 'eip1559DenominatorCanyon') ?? eip1559Denominator,
  }
}
