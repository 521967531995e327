import type { RpcMethods } from '../../common/json-rpc-server.ts'
import { nativeKernels } from '../../inference/check/native-kernels.ts'
import { ops } from '../../inference/trace.ts'
import { fixedHex, quantity } from '../../protocol/bytes.ts'
import type { Checked } from '../checker/checker.ts'
import { resultOf } from '../checker/verdict-place.ts'
import type { CheckerPart } from '../checker-part.ts'

/** Checked answers that are told at once. */
const toldMax = 256

/** What the role checker tells: what it is connected to and can check, and what it found out. */
export function checkerMethods({ checker, network, models, account }: CheckerPart): RpcMethods {
  return {
    openledger_checkerStatus: async () => ({
      account,
      addresses: network.addresses(),
      peers: network.peers().map(({ peerId, role, account: bound }) => ({ peerId, role, account: bound })),
      waiting: checker.waiting,
      checked: checker.list().length,
      modelFiles: await models.weights(),
      models: models.ready(),
      kernels: nativeKernels() === undefined ? 'wasm' : 'native',
    }),
    openledger_checkedAnswers: ([requestId]) => {
      const wanted = requestId === undefined ? undefined : fixedHex(requestId, 32, 'request id')
      const found = checker.list().filter(({ answer }) => wanted === undefined || answer.receipt.requestId === wanted)
      return found.slice(0, toldMax).map(checkedJson)
    },
  }
}

function checkedJson({ answer, verdict, atMs }: Checked): Record<string, unknown> {
  const { requestId, worker, proofHash, class: proofClass } = answer.receipt
  return {
    ...{ requestId, worker, batch: quantity(answer.batchId), receipt: answer.index, class: proofClass, proofHash },
    ...{ result: resultOf(verdict), ...placeJson(verdict), atMs },
  }
}

function placeJson(verdict: Checked['verdict']): Record<string, unknown> {
  if (verdict === 'withheld' || verdict.ok) return {}
  const { kind, reason } = verdict
  if (kind === 'root') return { reason }
  if (kind === 'answer') return { reason, place: { position: verdict.position } }
  const { slab, op, position, part, row = null } = verdict
  return { reason, place: { slab, op: ops[op].id, position, part, row } }
}
