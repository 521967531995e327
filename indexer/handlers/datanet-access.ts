import { change, contractHandlers } from './event.ts'

/** As DatanetAccess numbers them. */
const purposes = ['train', 'evaluate', 'read', 'retrieve'] as const
const purposeOf = (number: number) => purposes[number] ?? 'train'

/** Index of DatanetAccess' events: who asked for what, who has it until when, what it costs, and what is asked of contributors. */
export const datanetAccess = contractHandlers({
  'OfferSet(uint64,uint8,uint128,uint32,bool)': (event, { block, writer }) => {
    const [datanet, purpose] = [event.topicNumber(1), purposeOf(event.topicNumber(2))]
    writer.set('access_offer', `${datanet}-${purpose}`, {
      datanet,
      purpose,
      price: event.decimal(0),
      duration: event.number(1),
      stands: event.number(2),
      block,
    })
  },
  'AccessRequested(uint64,uint64,address,(address,uint64,uint8,uint8,uint32,uint32,uint32,uint48,uint128),bytes,bytes32)':
    (event, { block, tx, writer }) => {
      writer.owe('access', event.uint(8))
      writer.set('access_request', event.topicNumber(1), {
        datanet: event.topicNumber(2),
        requester: event.topicAddress(3),
        purpose: purposeOf(event.number(2)),
        status: 'pending',
        from_version: event.number(4),
        to_version: event.number(5),
        duration: event.number(6),
        requested_at: event.number(7),
        price: event.decimal(8),
        public_key: event.bytes(9),
        statement: event.word(10),
        block,
        tx_hash: tx.hash,
      })
    },
  'AccessDenied(uint64,bytes32)': (event, { writer }) =>
    change(writer, 'access_request', event.topicNumber(1), { status: 'denied' }),
  'AccessWithdrawn(uint64)': (event, { writer }) =>
    change(writer, 'access_request', event.topicNumber(1), { status: 'withdrawn' }),
  'AccessGranted(uint64,uint64,address,uint64,(address,uint64,uint8,bool,bool,uint32,uint32,uint48),uint128,bytes)': (
    event,
    { block, tx, writer },
  ) => {
    const request = event.number(0)
    if (request > 0) {
      change(writer, 'access_request', request, { status: 'granted' })
      // It goes to the unit holders' pool; what was bought at once never stood here.
      writer.owe('access', -event.uint(9))
    }
    writer.set('access_grant', event.topicNumber(1), {
      datanet: event.topicNumber(2),
      grantee: event.topicAddress(3),
      request: request === 0 ? null : request,
      purpose: purposeOf(event.number(3)),
      from_version: event.number(6),
      to_version: event.number(7),
      expiry: event.number(8),
      price: event.decimal(9),
      public_key: event.bytes(10),
      revoked: 0,
      block,
      tx_hash: tx.hash,
    })
  },
  'AccessRevoked(uint64,uint64,address,bytes32)': (event, { writer }) =>
    change(writer, 'access_grant', event.topicNumber(1), { revoked: 1 }),
  'KeyDelivered(uint64,uint32,bytes)': (event, { block, tx, writer }) =>
    writer.insert('key_delivery', {
      block,
      idx: event.index,
      access_grant: event.topicNumber(1),
      version: event.topicNumber(2),
      wrapped: event.bytes(0),
      tx_hash: tx.hash,
    }),
  'GateSet(uint64,bytes32,address,uint32)': (event, { block, writer }) =>
    writer.set('datanet_gate', event.topicNumber(1), {
      schema: event.word(0),
      attester: event.address(1),
      least_reputation: event.number(2),
      block,
    }),
  'CredentialShown(uint64,address,bytes32)': (event, { block, tx, writer }) => {
    const [datanet, who] = [event.topicNumber(1), event.topicAddress(2)]
    writer.set('shown_credential', `${datanet}-${who}`, { datanet, who, uid: event.word(0), block, tx_hash: tx.hash })
  },
  'ReputationMoved(uint64,address,uint32)': (event, { block, writer }) => {
    const [datanet, who] = [event.topicNumber(1), event.topicAddress(2)]
    writer.set('counted_reputation', `${datanet}-${who}`, { datanet, who, reputation: event.number(0), block })
  },
  'AccessRefunded(address,address,uint256)': (event, { writer }) => writer.owe('access', -event.uint(0)),
})
