import { bytesToHex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import {
  afterForceIncludeSourceHash,
  depositFromLog,
  l1InfoSourceHash,
  opaqueDataBytesMin,
  transactionDepositedTopic,
  upgradeSourceHash,
  userDeposits,
  userSourceHash,
} from '../../../protocol/deposits.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import type { Log, Receipt } from '../../../protocol/receipt.ts'
import { decodeTransaction, encodeTransaction } from '../../../protocol/transaction.ts'
import {
  bytes,
  casesHaveAny,
  child,
  type Fields,
  failUnknownSections,
  hasAny,
  hash,
  integer,
  list,
  requireKnown,
  text,
} from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** TransactionDeposited events, good and malformed. */
export const userDepositsRunner: VectorRunner = {
  name: 'user deposits',
  matches: (folder, json) => folder === 'protocol' && casesHaveAny(json, 'log'),
  run: async (json, report) => {
    failUnknownSections(json, ['cases'], report)
    if (hasAny(json, 'opaqueDataMinLength')) {
      await report.check('opaqueDataMinLength', () =>
        expectEqual(integer(json['opaqueDataMinLength']), BigInt(opaqueDataBytesMin), 'least opaque data'),
      )
    }
    for (const one of list(json, 'cases')) await report.check(text(one['name'], 'name'), () => checkDeposit(one))
  },
}

/** Source hashes of every domain. */
export const sourceHashesRunner: VectorRunner = {
  name: 'source hashes',
  matches: (folder, json) =>
    folder === 'protocol' && hasAny(json, 'upgrade', 'l1Info', 'user', 'interopDomain3', 'jovianSpecTextIntents'),
  run: async (json, report) => {
    failUnknownSections(json, Object.keys(sourceHashSections), report)
    for (const [section, { domain, compute }] of Object.entries(sourceHashSections)) {
      for (const [index, one] of list(json, section).entries()) {
        await report.check(`${section}[${index}] ${String(one['intent'] ?? '')}`.trim(), () => {
          requireKnown(one, ['domain', 'intent', 'statedInSpec', 'l1BlockHash', 'seqNumber', 'logIndex', 'sourceHash'])
          if (one['domain'] !== undefined) expectEqual(integer(one['domain']), domain, 'domain')
          expectEqual(bytesToHex(compute(one)), hash(one['sourceHash']), 'source hash')
        })
      }
    }
  },
}

const sourceHashSections: Readonly<Record<string, { domain: bigint; compute: (one: Fields) => Uint8Array }>> = {
  upgrade: { domain: 2n, compute: (one) => upgradeSourceHash(text(one['intent'])) },
  jovianSpecTextIntents: { domain: 2n, compute: (one) => upgradeSourceHash(text(one['intent'])) },
  l1Info: { domain: 1n, compute: (one) => l1InfoSourceHash(bytes(one['l1BlockHash']), integer(one['seqNumber'])) },
  user: { domain: 0n, compute: (one) => userSourceHash(bytes(one['l1BlockHash']), integer(one['logIndex'])) },
  interopDomain3: {
    domain: 3n,
    compute: (one) => afterForceIncludeSourceHash(bytes(one['l1BlockHash']), integer(one['seqNumber'])),
  },
}

const portal = hexToBytes('0x00000000000000000000000000000000000000aa')

function checkDeposit(one: Fields): void {
  requireKnown(one, ['log', 'result', 'blockHash', 'logIndex', 'tx', 'txHash'])
  const fields = child(one, 'log')
  requireKnown(fields, ['address', 'topics', 'data'])
  const log: Log = {
    address: portal,
    topics: (fields['topics'] as unknown[]).map((topic) => bytes(topic)),
    data: bytes(fields['data']),
  }
  const blockHash = one['blockHash'] === undefined ? zeroHash : hash(one['blockHash'])
  const logIndex = one['logIndex'] === undefined ? 0n : integer(one['logIndex'])
  const decode = () => depositFromLog(log, hexToBytes(blockHash), logIndex)
  const ofBlock = () => userDeposits([receiptWith(log, Number(logIndex))], bytesToHex(portal), blockHash)
  const result = text(one['result'], 'result')
  if (result.startsWith('not a deposit')) {
    expectThrows(decode, 'decoding')
    expectEqual(ofBlock(), [], 'deposits of the block')
  } else if (result.startsWith('error')) {
    expectThrows(decode, 'decoding')
    // Without the topic it is another event of the portal, which stops nothing.
    const isDeposit = log.topics[0] !== undefined && bytesToHex(log.topics[0]) === transactionDepositedTopic
    if (isDeposit) expectThrows(ofBlock, 'deposits of the block')
    else expectEqual(ofBlock(), [], 'deposits of the block')
  } else if (result === 'ok') {
    const tx = decode()
    const raw = encodeTransaction(tx)
    expectEqual(bytesToHex(raw), one['tx'], 'transaction')
    if (one['txHash'] !== undefined) expectEqual(keccakHex(raw), one['txHash'], 'transaction hash')
    expectEqual(decodeTransaction(raw), tx, 'decoded transaction')
    expectEqual(ofBlock(), [tx], 'deposits of the block')
  } else {
    throw new Error(`a result this runner does not know: ${result}`)
  }
}

/** A receipt in which the log stands at `index` of the block. */
function receiptWith(log: Log, index: number): Receipt {
  const other: Log = { address: new Uint8Array(20), topics: log.topics, data: log.data }
  return {
    type: 2,
    status: 1,
    cumulativeGasUsed: 0n,
    bloom: new Uint8Array(256),
    logs: [...Array.from({ length: index }, () => other), log],
  }
}
