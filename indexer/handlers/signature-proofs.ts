import { change, contractHandlers } from './event.ts'

/** wei of a demand: SignatureProofs' `DEMAND_PRICE`. */
export const demandPrice = 10n ** 18n / 20n

/** Index of SignatureProofs' events: what was proven of contributions, signatures that were demanded. */
export const signatureProofs = contractHandlers({
  'NearDuplicateProven(uint64,uint64,address,uint16,uint256)': (event, { block, tx, writer }) =>
    writer.set('signature_proof', event.topicNumber(1), {
      kind: 'near_duplicate',
      original: event.topicNumber(2),
      challenger: event.topicAddress(3),
      bps: event.number(0),
      slashed: event.decimal(1),
      block,
      tx_hash: tx.hash,
    }),
  'SignatureProvenFalse(uint64,address,uint256)': (event, { block, tx, writer }) =>
    writer.set('signature_proof', event.topicNumber(1), {
      kind: 'false_signature',
      original: null,
      challenger: event.topicAddress(2),
      bps: null,
      slashed: event.decimal(0),
      block,
      tx_hash: tx.hash,
    }),
  'SignatureDemanded(uint64,address,uint64)': (event, { block, tx, writer }) => {
    writer.set('signature_demand', event.topicNumber(1), {
      asker: event.topicAddress(2),
      until: event.number(0),
      ...{ status: 'open', shown_by: null, signature: null, block, tx_hash: tx.hash },
    })
    writer.owe('proofs', demandPrice)
  },
  'SignatureShown(uint64,address,bytes)': (event, { writer }) => {
    change(writer, 'signature_demand', event.topicNumber(1), {
      status: 'shown',
      shown_by: event.topicAddress(2),
      signature: event.bytes(0),
    })
    // The price goes on to the DatanetJudge, as a reward.
    writer.owe('proofs', -demandPrice)
  },
  'SignatureWithheld(uint64,address,uint256)': (event, { block, tx, writer }) => {
    const [contribution, challenger] = [event.topicNumber(1), event.topicAddress(2)]
    change(writer, 'signature_demand', contribution, { status: 'withheld' })
    writer.set('signature_proof', contribution, {
      kind: 'withheld_signature',
      original: null,
      challenger,
      bps: null,
      slashed: event.decimal(0),
      block,
      tx_hash: tx.hash,
    })
  },
  'OwedClaimed(address,address,uint256)': (event, { writer }) => writer.owe('proofs', -event.uint(1)),
})
