import { bytesToHex, concatBytes, FormatError, type Hex } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpEncode, rlpUint } from './rlp.ts'
import { expandPublicKey, publicKeyOf, signDigest, verifyDigest } from './secp256k1.ts'
import { encodeUvarint, readUvarint } from './uvarint.ts'

/** An Ethereum Node Record. Source: EIP-778. */
export type Enr = {
  /** 64 bytes r ‖ s. */
  readonly signature: Uint8Array
  readonly seq: bigint
  /** Raw values by key, keys sorted. */
  readonly pairs: ReadonlyMap<string, RlpItem>
}

/** The `opstack` entry: which chain a node serves. Spec: protocol/rollup-node-p2p.md, "Structure". */
export type OpStackEntry = { readonly chainId: bigint; readonly version: bigint }

/** Key of the {@link OpStackEntry} in a record. */
export const opStackKey = 'opstack'

/** EIP-778's limit on a record's RLP. */
export const enrBytesMax = 300

/** Reads `enr:…`; the signature is not checked, see {@link verifyEnr}. Throws {@link FormatError}. */
export function decodeEnr(text: string): Enr {
  if (!/^enr:[A-Za-z0-9_-]+$/.test(text)) throw new FormatError('a node record is enr: and base64url')
  const raw = new Uint8Array(Buffer.from(text.slice(4), 'base64url'))
  if (raw.length > enrBytesMax) throw new FormatError(`node record of ${raw.length} bytes`)
  const items = asList(rlpDecode(raw), 'node record')
  if (items.length < 4 || items.length % 2 !== 0) throw new FormatError(`node record of ${items.length} items`)
  const pairs = new Map<string, RlpItem>()
  let previous = ''
  for (let i = 2; i < items.length; i += 2) {
    const key = Buffer.from(asBytes(items[i], 'node record key')).toString('latin1')
    if (i > 2 && key <= previous) throw new FormatError('node record keys out of order')
    pairs.set(key, items[i + 1] ?? new Uint8Array(0))
    previous = key
  }
  return { signature: asBytes(items[0], 'node record signature', 64), seq: asUint(items[1], 'sequence', 8), pairs }
}

/** The text form. */
export function encodeEnr(enr: Enr): string {
  const raw = rlpEncode([enr.signature, ...content(enr)])
  if (raw.length > enrBytesMax) throw new FormatError(`node record of ${raw.length} bytes`)
  return `enr:${Buffer.from(raw).toString('base64url')}`
}

/** A signed record of identity scheme v4; `id` and `secp256k1` are added. */
export function signEnr(seq: bigint, pairs: ReadonlyMap<string, RlpItem>, privateKey: Uint8Array): Enr {
  const all = new Map(pairs)
  all.set('id', new TextEncoder().encode('v4'))
  all.set('secp256k1', publicKeyOf(privateKey))
  const sorted = new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)))
  const unsigned = { signature: new Uint8Array(64), seq, pairs: sorted }
  return { ...unsigned, signature: signDigest(signedHash(unsigned), privateKey).rs }
}

/** True where the record is of scheme v4 and its signature is by its own key. */
export function verifyEnr(enr: Enr): boolean {
  const key = enr.pairs.get('secp256k1')
  if (textOf(enr, 'id') !== 'v4' || !(key instanceof Uint8Array)) return false
  return verifyDigest(signedHash(enr), enr.signature, key)
}

/** keccak256 of the public key: the identity in discovery. Throws {@link FormatError}. */
export function enrNodeId(enr: Enr): Hex {
  return bytesToHex(keccak256(expandPublicKey(asBytes(enr.pairs.get('secp256k1'), 'secp256k1', 33))))
}

/** Address of the node, as far as the record tells it. Throws {@link FormatError} for values of wrong length. */
export function enrAddress(enr: Enr): { ip?: string; tcp?: number; udp?: number } {
  const ip = enr.pairs.get('ip')
  const port = (key: string) => {
    const value = enr.pairs.get(key)
    return value === undefined ? undefined : Number(asUint(value, key, 2))
  }
  const [tcp, udp] = [port('tcp'), port('udp')]
  return {
    ...(ip === undefined ? {} : { ip: asBytes(ip, 'ip', 4).join('.') }),
    ...(tcp === undefined ? {} : { tcp }),
    ...(udp === undefined ? {} : { udp }),
  }
}

/** The chain a record's node serves; undefined where it does not say. Throws {@link FormatError}. */
export function enrOpStack(enr: Enr): OpStackEntry | undefined {
  const value = enr.pairs.get(opStackKey)
  return value === undefined ? undefined : decodeOpStack(asBytes(value, 'opstack'))
}

/** Value of `opstack`: uvarint chain id ‖ uvarint version; RLP wraps it as any value of a record. */
export function encodeOpStack(entry: OpStackEntry): Uint8Array {
  return concatBytes(encodeUvarint(entry.chainId), encodeUvarint(entry.version))
}

/** Reads the value of `opstack`. Throws {@link FormatError}. */
export function decodeOpStack(bytes: Uint8Array): OpStackEntry {
  const chainId = readUvarint(bytes, 0)
  const version = readUvarint(bytes, chainId.end)
  if (version.end !== bytes.length) throw new FormatError('opstack entry with trailing bytes')
  return { chainId: chainId.value, version: version.value }
}

function textOf(enr: Enr, key: string): string | undefined {
  const value = enr.pairs.get(key)
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

function content(enr: Pick<Enr, 'seq' | 'pairs'>): RlpItem[] {
  const items: RlpItem[] = [rlpUint(enr.seq)]
  for (const [key, value] of enr.pairs) items.push(Buffer.from(key, 'latin1'), value)
  return items
}

function signedHash(enr: Pick<Enr, 'seq' | 'pairs'>): Uint8Array {
  return keccak256(rlpEncode(content(enr)))
}
