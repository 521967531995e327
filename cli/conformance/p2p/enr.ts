import { bytesToHex } from '../../../protocol/bytes.ts'
import { parseEnode } from '../../../protocol/enode.ts'
import {
  decodeEnr,
  decodeOpStack,
  encodeEnr,
  encodeOpStack,
  enrAddress,
  enrNodeId,
  enrOpStack,
  opStackKey,
  verifyEnr,
} from '../../../protocol/enr.ts'
import { asArray } from '../../../protocol/json-fields.ts'
import { asBytes, rlpEncode } from '../../../protocol/rlp.ts'
import { bytes, child, type Fields, hasAny, hash, integer, list, requireKnown, text } from '../fields.ts'
import { expectEqual, expectThrows, type VectorRunner } from '../vector.ts'

/** The `opstack` entry, and public bootnodes. */
export const enrRunners: readonly VectorRunner[] = [
  {
    name: 'opstack entries',
    matches: (folder, json) => folder === 'p2p' && hasAny(json, 'enr'),
    run: async (json, report) => {
      const section = child(json, 'enr')
      requireKnown(section, ['key', 'entries'])
      if (section['key'] !== undefined) {
        await report.check('enr.key', () => expectEqual(section['key'], opStackKey, 'key'))
      }
      for (const [index, one] of list(section, 'entries').entries()) {
        await report.check(`enr.entries[${index}] chain ${String(one['chainId'])}`, () => checkEntry(one))
      }
    },
  },
  {
    name: 'bootnodes',
    matches: (folder, json) => folder === 'p2p' && hasAny(json, 'enrReal'),
    run: async (json, report) => {
      const section = child(json, 'enrReal')
      requireKnown(section, ['records', 'enodes'])
      for (const [index, one] of list(section, 'records').entries()) {
        await report.check(`enrReal.records[${index}]`, () => checkRecord(one))
      }
      for (const [index, url] of asArray(section['enodes'] ?? [], 'enodes').entries()) {
        await report.check(`enrReal.enodes[${index}]`, () => checkEnode(text(url)))
      }
    },
  },
]

function checkEntry(one: Fields): void {
  requireKnown(one, ['chainId', 'version', 'value', 'rlp'])
  const entry = { chainId: integer(one['chainId']), version: integer(one['version']) }
  expectEqual(bytesToHex(encodeOpStack(entry)), one['value'], 'value')
  expectEqual(decodeOpStack(bytes(one['value'])), entry, 'decoded')
  if (one['rlp'] !== undefined) expectEqual(bytesToHex(rlpEncode(encodeOpStack(entry))), one['rlp'], 'RLP')
}

function checkRecord(one: Fields): void {
  requireKnown(one, [
    'enr',
    'seq',
    'signatureValid',
    'nodeId',
    'keys',
    'ip',
    'tcp',
    'udp',
    'opstack',
    'chainId',
    'version',
  ])
  const record = decodeEnr(text(one['enr']))
  expectEqual(encodeEnr(record), one['enr'], 'encoded again')
  const isSet = (key: string) => one[key] !== undefined && one[key] !== null
  if (isSet('seq')) expectEqual(record.seq, integer(one['seq']), 'sequence')
  expectEqual(verifyEnr(record), one['signatureValid'] ?? true, 'signature valid')
  if (isSet('nodeId')) expectEqual(enrNodeId(record), hash(one['nodeId']), 'node id')
  if (isSet('keys')) expectEqual([...record.pairs.keys()], one['keys'], 'keys')
  const place = enrAddress(record)
  if (isSet('ip')) expectEqual(place.ip, one['ip'], 'ip')
  for (const key of ['tcp', 'udp'] as const) if (isSet(key)) expectEqual(place[key], Number(integer(one[key])), key)
  if (isSet('opstack'))
    expectEqual(bytesToHex(asBytes(record.pairs.get('opstack'), 'opstack')), one['opstack'], 'opstack')
  if (isSet('chainId')) expectEqual(enrOpStack(record)?.chainId, integer(one['chainId']), 'chain id')
  if (isSet('version')) expectEqual(enrOpStack(record)?.version, integer(one['version']), 'version')
  const forged = { ...record, seq: record.seq + 1n }
  expectEqual(verifyEnr(forged), false, 'signature of a changed record')
}

function checkEnode(url: string): void {
  const node = parseEnode(url)
  const discovery = node.udp === node.tcp ? '' : `?discport=${node.udp}`
  const host = node.host.includes(':') ? `[${node.host}]` : node.host
  expectEqual(`enode://${node.publicKey.slice(2)}@${host}:${node.tcp}${discovery}`, url.toLowerCase(), 'written again')
  expectThrows(() => parseEnode(url.replace('enode://', 'enode://f')), 'parsing a key of wrong length')
}
