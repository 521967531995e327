import { hexToBytes } from '../../protocol/bytes.ts'
import { amountIn, change, contractHandlers } from './event.ts'
import { owe } from './market-channels.ts'

/** Words of a Request in an event, from its own beginning; docs/MONEY.md §2, `sampling` in place. */
const words = {
  nonce: 2,
  modelVersion: 3,
  promptRoot: 6,
  maxTokens: 10,
  class: 12,
  priceVersion: 13,
  appCode: 15,
  deadline: 16,
}

/** Requests opened on the InferenceMarket. */
export const marketRequests = contractHandlers({
  'RequestOpened(bytes32,address,uint64,uint128,(uint256,address,uint64,bytes32,(bytes32,uint16)[],bytes32,bytes32,(uint32,uint16,uint32,uint32,bytes32),uint8,uint32,uint128,bytes32,uint64))':
    (event, { block, tx, writer }) => {
      const start = event.number(1) / 32
      const at = (name: keyof typeof words) => start + words[name]
      const version = hexToBytes(event.word(at('modelVersion')))
      writer.set('request', event.topic(1), {
        payer: event.topicAddress(2),
        model: event.topicNumber(3),
        model_version: new DataView(version.buffer, version.byteOffset).getUint32(28),
        max_fee: event.decimal(0),
        nonce: event.decimal(at('nonce')),
        prompt_root: event.word(at('promptRoot')),
        max_tokens: event.number(at('maxTokens')),
        class: event.number(at('class')),
        price_version: event.number(at('priceVersion')),
        app_code: event.word(at('appCode')),
        deadline: event.number(at('deadline')),
        status: 'open',
        batch: null,
        fee: null,
        refunded: '0',
        block,
        tx_hash: tx.hash,
      })
    },
  'RequestSettled(bytes32,address,uint64,uint128)': (event, { writer }) =>
    change(writer, 'request', event.topic(1), {
      status: 'settled',
      batch: event.topicNumber(3),
      fee: event.decimal(0),
    }),
  // What settled it is void: its fee waits for `refund`, among the fees of batches until then.
  'RequestReleased(bytes32,uint128)': (event, { writer }) =>
    change(writer, 'request', event.topic(1), { status: 'refundable' }),
  'RequestRefunded(bytes32,address,uint256)': (event, { writer }) => {
    const [request, amount] = [event.topic(1), event.uint(0)]
    const before = writer.state('request', request)
    const refunded = amountIn(before, 'refunded') + amount
    // A settled one gets back what its fee left of the escrow.
    const status = before?.['status'] === 'settled' ? 'settled' : 'refunded'
    if (before?.['status'] === 'refundable') writer.owe('market', -amount)
    change(writer, 'request', request, { status, refunded: String(refunded) })
    owe(writer, event.topicAddress(2), amount)
  },
})
