import { change, contractHandlers } from './event.ts'

/** Index of the CodeRegistry's events, by the code's keccak256. */
export const codeRegistry = contractHandlers({
  'CodeRegistered(bytes32,address,string,address,string)': (event, { block, writer }) => {
    writer.set('code', event.topic(1), {
      code: event.text(0),
      owner: event.topicAddress(2),
      payout: event.address(1),
      uri: event.text(2),
      block,
    })
  },
  'CodePayoutSet(bytes32,address)': (event, { writer }) =>
    change(writer, 'code', event.topic(1), { payout: event.address(0) }),
  'CodeURISet(bytes32,string)': (event, { writer }) => change(writer, 'code', event.topic(1), { uri: event.text(0) }),
  'CodeTransferred(bytes32,address,address)': (event, { writer }) =>
    change(writer, 'code', event.topic(1), { owner: event.topicAddress(3) }),
})
