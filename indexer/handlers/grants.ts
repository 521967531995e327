import type { BlockWriter } from '../store/block-writer.ts'
import { amountIn, change, contractHandlers, noChange } from './event.ts'

/** Words of a milestone's terms in the event: amount, deadline, schema, attester. */
const termWords = 4

/** Index of Grants' events, by the grant's id; its milestones by `grant-number`. */
export const grants = contractHandlers({
  'GrantCreated(uint256,address,address,(uint128,uint64,bytes32,address)[],string,bytes32)': (
    event,
    { block, tx, writer },
  ) => {
    const grant = event.topicNumber(1)
    const terms = event.structs(0, termWords)
    let open = 0n
    for (const [idx, [amount = '0x0', deadline = '0x0', schema = '', attester = '']] of terms.entries()) {
      open += BigInt(amount)
      writer.set('milestone', `${grant}-${idx}`, {
        grant_id: grant,
        idx,
        amount: String(BigInt(amount)),
        deadline: Number(BigInt(deadline)),
        eas_schema: schema,
        attester: `0x${attester.slice(26)}`,
        status: 'open',
        attestation: null,
        closed_by: null,
        block,
        tx_hash: tx.hash,
      })
    }
    writer.set('grant', grant, {
      funder: event.topicAddress(2),
      grantee: event.topicAddress(3),
      uri: event.text(1),
      uri_hash: event.word(2),
      milestones: terms.length,
      open: String(open),
      held: '0',
      paid: '0',
      returned: '0',
      block,
      tx_hash: tx.hash,
    })
  },
  'GrantFunded(uint256,uint256,uint256)': (event, { writer }) =>
    change(writer, 'grant', event.topicNumber(1), { held: event.decimal(1) }),
  'MilestonePaid(uint256,uint256,address,uint256,bytes32)': (event, { writer }) => {
    const [grant, amount] = [event.topicNumber(1), event.uint(0)]
    const key = `${grant}-${event.topicNumber(2)}`
    change(writer, 'milestone', key, { status: 'paid', attestation: event.word(1) })
    move(writer, grant, { open: -amount, held: -amount, paid: amount })
    owe(writer, event.topicAddress(3), amount)
  },
  'MilestoneClosed(uint256,uint256,address)': (event, { writer }) => {
    const grant = event.topicNumber(1)
    const key = `${grant}-${event.topicNumber(2)}`
    change(writer, 'milestone', key, { status: 'closed', closed_by: event.address(0) })
    move(writer, grant, { open: -amountIn(writer.state('milestone', key), 'amount') })
  },
  'GrantReturned(uint256,address,uint256)': (event, { writer }) => {
    const amount = event.uint(0)
    move(writer, event.topicNumber(1), { held: -amount, returned: amount })
    owe(writer, event.topicAddress(2), amount)
  },
  'OwedClaimed(address,address,uint256)': (event, { writer }) => owe(writer, event.topicAddress(1), -event.uint(0)),
  'Initialized(uint64)': noChange,
})

function move(writer: BlockWriter, grant: number, by: Readonly<Record<string, bigint>>): void {
  const row = writer.state('grant', grant)
  const columns = Object.entries(by).map(([name, wei]) => [name, String(amountIn(row, name) + wei)])
  change(writer, 'grant', grant, Object.fromEntries(columns))
}

function owe(writer: BlockWriter, account: string, wei: bigint): void {
  writer.set('grant_owed', account, { owed: String(amountIn(writer.state('grant_owed', account), 'owed') + wei) })
}
