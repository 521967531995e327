import { openBlock } from '../../node/engine/embedded/block/build.ts'
import { MissingNodeError } from '../../node/engine/embedded/errors.ts'
import { FlatState } from '../../node/engine/embedded/state/flat-state.ts'
import { Executor } from '../../node/engine/embedded/transition/executor.ts'
import { bytesToHex, FormatError, fixedHex } from '../../protocol/bytes.ts'
import { parsePayloadAttributes } from '../../protocol/engine-api-json.ts'
import type { ChainParameters } from '../../protocol/genesis-file.ts'
import { isActive } from '../../protocol/hardforks.ts'
import { headerHash } from '../../protocol/header.ts'
import { asObject, uintQuantity } from '../../protocol/json-fields.ts'
import { headerFromRpc } from '../../protocol/rpc-json.ts'
import { chainParameters } from './chain-parameters.ts'
import { expectEqual, type VectorRunner } from './vector.ts'
import { Witness, WitnessWorld } from './witness.ts'

/** Executes one block on the state of a stateless witness, with the code that the engine runs. */
const stateless: VectorRunner = {
  name: 'stateless execution',
  matches: (folder, json) => folder === 'execution' && hasFields(json),
  async run(json, report) {
    const vector = asObject(json, 'execution vector')
    await report.check(`block ${String(vector['blockNumber'])}`, () => execute(vector))
  },
}

export const runners: readonly VectorRunner[] = [stateless]

const fields = ['rollupConfig', 'parentHash', 'parentHeader', 'payloadAttributes', 'expectedBlockHash', 'preimages']

function hasFields(json: unknown): boolean {
  return typeof json === 'object' && json !== null && fields.every((field) => field in json)
}

/** Throws FormatError, with the MissingNodeError as cause, where the witness lacks what is read. */
export async function execute(vector: Readonly<Record<string, unknown>>): Promise<void> {
  const chain = chainParameters(vector['rollupConfig'])
  const header = headerFromRpc(vector['parentHeader'])
  const parent = { hash: fixedHex(vector['parentHash'], 32, 'parentHash'), header }
  const parentHash = headerHash(header)
  expectEqual(bytesToHex(parentHash), parent.hash, 'hash of the parent header')
  const witness = new Witness(vector['preimages'])
  const world = new WitnessWorld(witness, header.stateRoot, header.withdrawalsRoot)
  try {
    const open = await openBlock(
      { chain, executor: new Executor(chain, []), create2Deployer: undefined },
      parent,
      attributesOf(vector['payloadAttributes'], chain),
      new FlatState(world),
      (number) => {
        const hash = witness.ancestorHash({ hash: parentHash, number: header.number }, number)
        if (hash === undefined) throw new MissingNodeError(`header of ancestor ${number} is missing`)
        return hash
      },
    )
    const sealed = open.seal()
    if (vector['expectedHeader'] !== undefined) {
      const expected = headerFromRpc(vector['expectedHeader'])
      for (const [field, value] of Object.entries(sealed.header)) {
        expectEqual(value, expected[field as keyof typeof expected], `header field ${field}`)
      }
    }
    expectEqual(sealed.hash, vector['expectedBlockHash'], 'block hash')
  } catch (error) {
    // The witness holds what another client read; this one may legitimately read more. That says nothing of the rules.
    const gap = error instanceof MissingNodeError ? error : world.gaps[0]
    if (gap !== undefined) throw new FormatError(`fixture gap: ${gap.message}`, { cause: gap })
    throw error
  }
}

/** The vectors leave out `withdrawals` and `noTxPool`: the empty list, and nothing but the listed transactions. */
function attributesOf(json: unknown, chain: ChainParameters) {
  const object = asObject(json, 'payload attributes')
  const isCanyon = isActive(chain.forkTimes, 'canyon', uintQuantity(object['timestamp'], 'timestamp'))
  return parsePayloadAttributes({
    ...object,
    noTxPool: true,
    withdrawals: object['withdrawals'] ?? (isCanyon ? [] : undefined),
  })
}
