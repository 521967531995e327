import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { createEVM } from '@ethereumjs/evm'
import { bytesToHex, hexToBytes } from '../../../protocol/bytes.ts'
import { upgradeSourceHash } from '../../../protocol/deposits.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { decodeTransaction, encodeTransaction } from '../../../protocol/transaction.ts'
import { loadUpgradeTransactions, type UpgradeFork, upgradeTransactions } from '../../../protocol/upgrade-txs.ts'
import {
  address,
  bytes,
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
import { expectEqual, type Report, type VectorRunner } from '../vector.ts'
import { forksUpTo } from './rollup-fixture.ts'

/** Network upgrade transactions: their encoding, their place in the activation block, the code they deploy. */
export const upgradeTxsRunner: VectorRunner = {
  name: 'upgrade transactions',
  matches: (folder, json) => folder === 'protocol' && hasAny(json, 'forks'),
  run: async (json, report) => {
    failUnknownSections(json, ['forks', 'order', 'deployedCodeHashes'], report)
    const forks = child(json, 'forks')
    for (const fork of Object.keys(forks)) {
      for (const [index, one] of list(forks, fork).entries()) {
        await report.check(`${fork}[${index}] ${String(one['intent'] ?? '')}`, () => checkTransaction(one))
      }
      await report.check(`${fork} in its activation block`, () => checkActivation(fork, list(forks, fork)))
    }
    if (hasAny(json, 'deployedCodeHashes')) await checkDeployedCode(forks, child(json, 'deployedCodeHashes'), report)
  },
}

function checkTransaction(one: Fields): void {
  requireKnown(one, ['raw', 'hash', 'intent', 'sourceHash', 'from', 'to', 'gas', 'dataLength', 'dataKeccak', 'data'])
  const raw = bytes(one['raw'])
  const tx = decodeTransaction(raw)
  if (tx.type !== 0x7e) throw new Error(`transaction type ${tx.type}`)
  expectEqual(bytesToHex(encodeTransaction(tx)), bytesToHex(raw), 'encoded again')
  expectEqual(keccakHex(raw), hash(one['hash']), 'hash')
  expectEqual([tx.mint, tx.value, tx.isSystemTx], [0n, 0n, false], 'mint, value and system flag')
  if (one['intent'] !== undefined) {
    expectEqual(
      bytesToHex(upgradeSourceHash(text(one['intent']))),
      bytesToHex(tx.sourceHash),
      'source hash of the intent',
    )
  }
  const expected: Readonly<Record<string, unknown>> = {
    sourceHash: bytesToHex(tx.sourceHash),
    from: bytesToHex(tx.from),
    to: tx.to === undefined ? null : bytesToHex(tx.to),
    gas: tx.gasLimit,
    dataLength: BigInt(tx.data.length),
    dataKeccak: keccakHex(tx.data),
    data: bytesToHex(tx.data),
  }
  for (const [key, actual] of Object.entries(expected)) {
    if (one[key] === undefined) continue
    const value = one[key]
    if (key === 'from' || (key === 'to' && value !== null)) expectEqual(actual, address(value), key)
    else expectEqual(actual, typeof actual === 'bigint' ? integer(value) : value, key)
  }
}

/** Only the sets that live networks ran are known by hash; the others are read as plain deposits. */
function checkActivation(fork: string, rows: readonly Fields[]): void {
  const name = fork.replace('jovian_kona_intents', 'jovian')
  if (!knownForks.has(name)) return
  const loaded = loadUpgradeTransactions({ forks: { [name]: rows } })
  const forkTimes = { ...forksUpTo(name as UpgradeFork), [name]: 100n }
  const before = Object.fromEntries(Object.entries(forkTimes).filter(([other]) => other === name))
  const transactions = upgradeTransactions(loaded, { forkTimes: before }, 100n, 98n)
  expectEqual(
    transactions.map(keccakHex),
    rows.map((one) => one['hash']),
    'transactions of the activation block',
  )
  expectEqual(upgradeTransactions(loaded, { forkTimes }, 102n, 100n), [], 'transactions of the block behind it')
}

const knownForks = new Set(['ecotone', 'fjord', 'isthmus', 'jovian'])

/** Runs the constructors; each named contract must be what one of the fork's deployments leaves. */
async function checkDeployedCode(forks: Fields, expected: Fields, report: Report): Promise<void> {
  for (const [fork, contracts] of Object.entries(expected)) {
    const variants = Object.keys(forks).filter((name) => name === fork || name.startsWith(`${fork}_`))
    for (const variant of variants) {
      const deployed = await deployedHashes(list(forks, variant))
      for (const [contract, codeHash] of Object.entries(contracts as Fields)) {
        await report.check(`${variant} code of ${contract}`, () => {
          if (!deployed.includes(hash(codeHash)))
            throw new Error(`deployed ${deployed.join(', ')}, expected ${String(codeHash)}`)
        })
      }
    }
    if (variants.length === 0) report.fail(fork, 'code hashes of a fork without transactions')
  }
}

async function deployedHashes(rows: readonly Fields[]): Promise<string[]> {
  const hashes: string[] = []
  for (const one of rows) {
    const tx = decodeTransaction(hexToBytes(text(one['raw'])))
    if (tx.to !== undefined) continue
    const evm = await createEVM({ common: new Common({ chain: Mainnet, hardfork: Hardfork.Prague }) })
    const { execResult } = await evm.runCall({ data: tx.data, gasLimit: tx.gasLimit, skipBalance: true })
    if (execResult.exceptionError === undefined) hashes.push(keccakHex(execResult.returnValue))
  }
  return hashes
}
