import { algoHashV1, algoHashV2 } from '../../protocol/attribution-rule.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BatchFacts } from './batch-facts.ts'
import { ReceiptError } from './receipt-error.ts'

/** The rule of attribution in force at a time. Throws {@link ReceiptError} `rule` for one that this code does not know. */
export async function ruleAt(facts: Pick<BatchFacts, 'algoInForce'>, time: bigint): Promise<Hex> {
  for (const algoHash of [algoHashV1, algoHashV2]) if (await facts.algoInForce(algoHash, time)) return algoHash
  throw new ReceiptError('rule', 'the rule of attribution in force is not known here')
}
