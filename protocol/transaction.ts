import { concatBytes, emptyBytes, FormatError, padLeft, trimLeft, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { asBytes, asList, asUint, type RlpItem, rlpDecode, rlpEncode, rlpUint } from './rlp.ts'
import { recoverAddress, signDigest } from './secp256k1.ts'

/** EIP-2718 transaction types this chain or its L1 carries. */
export const txType = { legacy: 0, accessList: 1, feeMarket: 2, blob: 3, setCode: 4, deposit: 0x7e } as const

/** EIP-2930 entry: address (20 bytes) and storage keys (32 bytes each). */
export type AccessListEntry = { readonly address: Uint8Array; readonly storageKeys: readonly Uint8Array[] }

/** EIP-7702 authorization tuple. */
export type Authorization = {
  readonly chainId: bigint
  readonly address: Uint8Array
  readonly nonce: bigint
  readonly yParity: bigint
  readonly r: bigint
  readonly s: bigint
}

type Common = {
  readonly nonce: bigint
  readonly gasLimit: bigint
  /** 20 bytes; absent for a contract creation. */
  readonly to?: Uint8Array | undefined
  readonly value: bigint
  readonly data: Uint8Array
}

type Signed = { readonly yParity: 0 | 1; readonly r: bigint; readonly s: bigint }

export type LegacyTx = Common &
  Signed & { readonly type: 0; readonly chainId?: bigint | undefined; readonly gasPrice: bigint }
export type AccessListTx = Common &
  Signed & {
    readonly type: 1
    readonly chainId: bigint
    readonly gasPrice: bigint
    readonly accessList: readonly AccessListEntry[]
  }
export type FeeMarketTx = Common &
  Signed & {
    readonly type: 2
    readonly chainId: bigint
    readonly maxPriorityFeePerGas: bigint
    readonly maxFeePerGas: bigint
    readonly accessList: readonly AccessListEntry[]
  }
export type BlobTx = Omit<FeeMarketTx, 'type'> & {
  readonly type: 3
  readonly maxFeePerBlobGas: bigint
  readonly blobVersionedHashes: readonly Uint8Array[]
}
export type SetCodeTx = Omit<FeeMarketTx, 'type'> & {
  readonly type: 4
  readonly authorizationList: readonly Authorization[]
}
/** OP Stack deposit. Spec: protocol/deposits.md, "The Deposited Transaction Type". */
export type DepositTx = {
  readonly type: 0x7e
  /** 32 bytes. */
  readonly sourceHash: Uint8Array
  /** 20 bytes. */
  readonly from: Uint8Array
  readonly to?: Uint8Array | undefined
  readonly mint: bigint
  readonly value: bigint
  readonly gasLimit: bigint
  readonly isSystemTx: boolean
  readonly data: Uint8Array
}

/** A signed (not deposited) transaction. */
export type SignedTx = LegacyTx | AccessListTx | FeeMarketTx | BlobTx | SetCodeTx
export type Transaction = SignedTx | DepositTx

/** Decodes an EIP-2718 envelope; strict. A type that is none of {@link txType} throws {@link FormatError}. */
export function decodeTransaction(raw: Uint8Array): Transaction {
  const first = raw[0]
  if (first === undefined) throw new FormatError('transaction is empty')
  if (first >= 0xc0) return decodeLegacy(asList(rlpDecode(raw), 'legacy transaction', 9))
  const body = rlpDecode(raw.subarray(1))
  switch (first) {
    case txType.accessList:
      return decodeAccessListTx(asList(body, 'access-list transaction', 11))
    case txType.feeMarket:
      return { ...decodeFeeMarketFields(asList(body, 'fee-market transaction', 12), 9), type: 2 }
    case txType.blob:
      return decodeBlobTx(asList(body, 'blob transaction', 14))
    case txType.setCode:
      return decodeSetCodeTx(asList(body, 'set-code transaction', 13))
    case txType.deposit:
      return decodeDeposit(asList(body, 'deposit transaction', 8))
    default:
      throw new FormatError(`unknown transaction type 0x${first.toString(16)}`)
  }
}

/** The EIP-2718 envelope's bytes (consensus form; a blob transaction without its sidecar). */
export function encodeTransaction(tx: Transaction): Uint8Array {
  if (tx.type === txType.deposit) return concatBytes(Uint8Array.of(txType.deposit), rlpEncode(depositFields(tx)))
  const signature = [rlpUint(tx.yParity), rlpUint(tx.r), rlpUint(tx.s)]
  if (tx.type === txType.legacy) {
    const v = tx.chainId === undefined ? 27n + BigInt(tx.yParity) : 35n + 2n * tx.chainId + BigInt(tx.yParity)
    return rlpEncode([...legacyFields(tx), rlpUint(v), rlpUint(tx.r), rlpUint(tx.s)])
  }
  return concatBytes(Uint8Array.of(tx.type), rlpEncode([...unsignedFields(tx), ...signature]))
}

/** keccak256 of the envelope. */
export function transactionHash(raw: Uint8Array): Uint8Array {
  return keccak256(raw)
}

/** What the sender signed. */
export function signingHash(tx: SignedTx): Uint8Array {
  if (tx.type === txType.legacy) {
    const replay = tx.chainId === undefined ? [] : [rlpUint(tx.chainId), emptyBytes, emptyBytes]
    return keccak256(rlpEncode([...legacyFields(tx), ...replay]))
  }
  return keccak256(concatBytes(Uint8Array.of(tx.type), rlpEncode(unsignedFields(tx))))
}

/** The sender, 20 bytes: recovered for signed transactions, `from` for deposits. Throws {@link FormatError}. */
export function transactionSender(tx: Transaction): Uint8Array {
  if (tx.type === txType.deposit) return tx.from
  return recoverAddress(signingHash(tx), concatBytes(uintBytes(tx.r, 32), uintBytes(tx.s, 32)), tx.yParity)
}

/** Signs a transaction: the same fields with `yParity`, `r` and `s` replaced. */
export function signTransaction<T extends SignedTx>(tx: T, privateKey: Uint8Array): T {
  const { rs, yParity } = signDigest(signingHash(tx), privateKey)
  return { ...tx, yParity, r: toUint(rs.subarray(0, 32)), s: toUint(rs.subarray(32)) }
}

/** Fields of an access list as RLP items. */
export function accessListItems(list: readonly AccessListEntry[]): RlpItem[] {
  return list.map((entry) => [entry.address, [...entry.storageKeys]])
}

/** Parses an RLP access list. Throws {@link FormatError}. */
export function decodeAccessList(item: RlpItem | undefined): AccessListEntry[] {
  return asList(item, 'access list').map((entry) => {
    const [address, keys] = asList(entry, 'access list entry', 2)
    return {
      address: asBytes(address, 'access list address', 20),
      storageKeys: asList(keys, 'access list keys').map((key) => asBytes(key, 'access list key', 32)),
    }
  })
}

/** Fields of an authorization list as RLP items. */
export function authorizationItems(list: readonly Authorization[]): RlpItem[] {
  return list.map((a) => [
    rlpUint(a.chainId),
    a.address,
    rlpUint(a.nonce),
    rlpUint(a.yParity),
    rlpUint(a.r),
    rlpUint(a.s),
  ])
}

/** Parses an RLP authorization list (EIP-7702 bounds). Throws {@link FormatError}. */
export function decodeAuthorizationList(item: RlpItem | undefined): Authorization[] {
  return asList(item, 'authorization list').map((entry) => {
    const fields = asList(entry, 'authorization', 6)
    return {
      chainId: asUint(fields[0], 'authorization chain id'),
      address: asBytes(fields[1], 'authorization address', 20),
      nonce: asUint(fields[2], 'authorization nonce', 8),
      yParity: asUint(fields[3], 'authorization parity', 1),
      r: asUint(fields[4], 'authorization r'),
      s: asUint(fields[5], 'authorization s'),
    }
  })
}

function toUint(bytes: Uint8Array): bigint {
  return asUint(trimLeft(bytes), 'integer')
}

function legacyFields(tx: LegacyTx): RlpItem[] {
  return [
    rlpUint(tx.nonce),
    rlpUint(tx.gasPrice),
    rlpUint(tx.gasLimit),
    tx.to ?? emptyBytes,
    rlpUint(tx.value),
    tx.data,
  ]
}

function unsignedFields(tx: AccessListTx | FeeMarketTx | BlobTx | SetCodeTx): RlpItem[] {
  const head: RlpItem[] = [rlpUint(tx.chainId), rlpUint(tx.nonce)]
  const fees =
    tx.type === txType.accessList
      ? [rlpUint(tx.gasPrice)]
      : [rlpUint(tx.maxPriorityFeePerGas), rlpUint(tx.maxFeePerGas)]
  const call: RlpItem[] = [rlpUint(tx.gasLimit), tx.to ?? emptyBytes, rlpUint(tx.value), tx.data]
  const fields = [...head, ...fees, ...call, accessListItems(tx.accessList)]
  if (tx.type === txType.blob) fields.push(rlpUint(tx.maxFeePerBlobGas), [...tx.blobVersionedHashes])
  if (tx.type === txType.setCode) fields.push(authorizationItems(tx.authorizationList))
  return fields
}

function depositFields(tx: DepositTx): RlpItem[] {
  return [
    tx.sourceHash,
    tx.from,
    tx.to ?? emptyBytes,
    rlpUint(tx.mint),
    rlpUint(tx.value),
    rlpUint(tx.gasLimit),
    rlpUint(tx.isSystemTx ? 1n : 0n),
    tx.data,
  ]
}

function decodeLegacy(fields: readonly RlpItem[]): LegacyTx {
  const v = asUint(fields[6], 'v', 9)
  const signature = { r: asUint(fields[7], 'r'), s: asUint(fields[8], 's') }
  const base = {
    type: 0 as const,
    nonce: asUint(fields[0], 'nonce', 8),
    gasPrice: asUint(fields[1], 'gas price'),
    gasLimit: asUint(fields[2], 'gas limit', 8),
    to: optionalAddress(fields[3]),
    value: asUint(fields[4], 'value'),
    data: asBytes(fields[5], 'data'),
    ...signature,
  }
  if (v === 27n || v === 28n) return { ...base, yParity: v === 28n ? 1 : 0 }
  if (v < 35n) throw new FormatError(`legacy signature v ${v}`)
  return { ...base, chainId: (v - 35n) >> 1n, yParity: (v - 35n) % 2n === 1n ? 1 : 0 }
}

function decodeAccessListTx(fields: readonly RlpItem[]): AccessListTx {
  return {
    type: 1,
    chainId: asUint(fields[0], 'chain id', 8),
    nonce: asUint(fields[1], 'nonce', 8),
    gasPrice: asUint(fields[2], 'gas price'),
    gasLimit: asUint(fields[3], 'gas limit', 8),
    to: optionalAddress(fields[4]),
    value: asUint(fields[5], 'value'),
    data: asBytes(fields[6], 'data'),
    accessList: decodeAccessList(fields[7]),
    ...signatureAt(fields, 8),
  }
}

function decodeFeeMarketFields(fields: readonly RlpItem[], signatureOffset: number): Omit<FeeMarketTx, 'type'> {
  return {
    chainId: asUint(fields[0], 'chain id', 8),
    nonce: asUint(fields[1], 'nonce', 8),
    maxPriorityFeePerGas: asUint(fields[2], 'max priority fee'),
    maxFeePerGas: asUint(fields[3], 'max fee'),
    gasLimit: asUint(fields[4], 'gas limit', 8),
    to: optionalAddress(fields[5]),
    value: asUint(fields[6], 'value'),
    data: asBytes(fields[7], 'data'),
    accessList: decodeAccessList(fields[8]),
    ...signatureAt(fields, signatureOffset),
  }
}

function decodeBlobTx(fields: readonly RlpItem[]): BlobTx {
  const base = decodeFeeMarketFields(fields, 11)
  if (base.to === undefined) throw new FormatError('a blob transaction cannot create a contract')
  return {
    ...base,
    type: 3,
    maxFeePerBlobGas: asUint(fields[9], 'max blob fee'),
    blobVersionedHashes: asList(fields[10], 'versioned hashes').map((hash) => asBytes(hash, 'versioned hash', 32)),
  }
}

function decodeSetCodeTx(fields: readonly RlpItem[]): SetCodeTx {
  const base = decodeFeeMarketFields(fields, 10)
  if (base.to === undefined) throw new FormatError('a set-code transaction cannot create a contract')
  return { ...base, type: 4, authorizationList: decodeAuthorizationList(fields[9]) }
}

function decodeDeposit(fields: readonly RlpItem[]): DepositTx {
  const isSystem = asUint(fields[6], 'isSystemTx', 1)
  if (isSystem > 1n) throw new FormatError(`isSystemTx ${isSystem}`)
  return {
    type: 0x7e,
    sourceHash: asBytes(fields[0], 'source hash', 32),
    from: asBytes(fields[1], 'from', 20),
    to: optionalAddress(fields[2]),
    mint: asUint(fields[3], 'mint'),
    value: asUint(fields[4], 'value'),
    gasLimit: asUint(fields[5], 'gas', 8),
    isSystemTx: isSystem === 1n,
    data: asBytes(fields[7], 'data'),
  }
}

function signatureAt(fields: readonly RlpItem[], offset: number): Signed {
  const parity = asUint(fields[offset], 'y parity', 1)
  if (parity > 1n) throw new FormatError(`y parity ${parity}`)
  return {
    yParity: parity === 1n ? 1 : 0,
    r: asUint(fields[offset + 1], 'r'),
    s: asUint(fields[offset + 2], 's'),
  }
}

function optionalAddress(item: RlpItem | undefined): Uint8Array | undefined {
  const bytes = asBytes(item, 'to')
  if (bytes.length === 0) return undefined
  if (bytes.length !== 20) throw new FormatError(`to must be 20 bytes, is ${bytes.length}`)
  return padLeft(bytes, 20)
}
