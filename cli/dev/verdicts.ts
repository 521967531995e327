import type { Clock } from '../../common/clock.ts'
import type { HttpRpcClient } from '../../common/json-rpc.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** What one node found out about an answer. */
export type NodeVerdict = {
  readonly node: string
  /** Whether the node has files with weights. */
  readonly hasWeights: boolean
  /** `sound`, what is wrong, or undefined while it did not say. */
  readonly result: string | undefined
}

export type CheckingNode = { readonly name: string; readonly rollup: HttpRpcClient }

const pollMs = 500

/** Asks the nodes until each said something about the answer, or the time is over. Throws what the RPC throws at the end. */
export async function verdictsOf(
  nodes: readonly CheckingNode[],
  requestId: Hex,
  { clock, signal, msMax }: { readonly clock: Clock; readonly signal: AbortSignal; readonly msMax: number },
): Promise<NodeVerdict[]> {
  const deadline = clock.nowMs() + msMax
  for (;;) {
    const isLast = signal.aborted || clock.nowMs() > deadline
    try {
      const verdicts = await Promise.all(nodes.map((node) => verdictOf(node, requestId)))
      if (isLast || verdicts.every(({ result }) => result !== undefined)) return verdicts
    } catch (error) {
      if (isLast) throw error
    }
    await clock.sleep(pollMs, signal)
  }
}

async function verdictOf({ name, rollup }: CheckingNode, requestId: Hex): Promise<NodeVerdict> {
  const answers = (await rollup.request('openledger_checkedAnswers', [requestId])) as { readonly result: string }[]
  const { modelFiles } = await checkerStatus(rollup)
  return { node: name, hasWeights: modelFiles > 0, result: answers[0]?.result }
}

export async function checkerStatus(
  rollup: HttpRpcClient,
): Promise<{ readonly checked: number; readonly modelFiles: number }> {
  return (await rollup.request('openledger_checkerStatus')) as { checked: number; modelFiles: number }
}
