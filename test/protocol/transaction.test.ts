import fc from 'fast-check'
import { parseTransaction, recoverTransactionAddress, type serializeTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect, test } from 'vitest'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { rlpDecode, rlpEncode } from '../../protocol/rlp.ts'
import { privateKeyAddress } from '../../protocol/secp256k1.ts'
import {
  decodeTransaction,
  encodeTransaction,
  type LegacyTx,
  signTransaction,
  transactionHash,
  transactionSender,
} from '../../protocol/transaction.ts'
import { bytesOf, depositTx, signedTx } from '../fakes/arbitraries.ts'

const key = hexToBytes('0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba')

test('every signed transaction survives encoding and decoding', () => {
  fc.assert(
    fc.property(signedTx, (tx) => {
      const raw = encodeTransaction(tx)
      const decoded = decodeTransaction(raw)
      expect(bytesToHex(encodeTransaction(decoded))).toBe(bytesToHex(raw))
      expect({ to: undefined, ...decoded }).toEqual({ to: undefined, ...tx })
    }),
  )
})

test('every deposit survives encoding and decoding', () => {
  fc.assert(
    fc.property(depositTx, (tx) => {
      expect({ to: undefined, ...decodeTransaction(encodeTransaction(tx)) }).toEqual({ to: undefined, ...tx })
    }),
  )
})

test('the sender of a signed transaction is the signer, for every type and key', () => {
  fc.assert(
    fc.property(signedTx, bytesOf(32), (tx, privateKey) => {
      fc.pre(privateKey.some((byte) => byte !== 0) && privateKey[0] !== 0xff)
      const signed = decodeTransaction(encodeTransaction(signTransaction(tx, privateKey)))
      expect(bytesToHex(transactionSender(signed))).toBe(bytesToHex(privateKeyAddress(privateKey)))
    }),
    { numRuns: 50 },
  )
})

test('viem reads what we sign, and we read what viem signs', async () => {
  const account = privateKeyToAccount(bytesToHex(key))
  for (const type of ['legacy', 'eip2930', 'eip1559'] as const) {
    const request = { chainId: 901, nonce: 7, gas: 21_000n, to: account.address, value: 5n, data: '0x0102' as Hex }
    const fees = type === 'eip1559' ? { maxFeePerGas: 9n, maxPriorityFeePerGas: 2n } : { gasPrice: 9n }
    const raw = await account.signTransaction({ ...request, ...fees, type } as Parameters<
      typeof serializeTransaction
    >[0])
    const tx = decodeTransaction(hexToBytes(raw))
    expect(bytesToHex(encodeTransaction(tx))).toBe(raw)
    expect(bytesToHex(transactionSender(tx))).toBe(account.address.toLowerCase())
    if (tx.type === 0x7e) throw new Error('a signed transaction is no deposit')
    const ours = bytesToHex(encodeTransaction(signTransaction(tx, key)))
    expect(parseTransaction(ours).nonce).toBe(7)
    const serialized = ours as Parameters<typeof recoverTransactionAddress>[0]['serializedTransaction']
    expect(await recoverTransactionAddress({ serializedTransaction: serialized })).toBe(account.address)
  }
})

/** Source: EIP-155's worked example. */
test('EIP-155 example recovers its sender', () => {
  const raw = hexToBytes(
    '0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83',
  )
  const tx = decodeTransaction(raw)
  expect(tx.type === 0 && tx.chainId).toBe(1n)
  expect(bytesToHex(transactionSender(tx))).toBe('0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f')
  expect(bytesToHex(transactionHash(raw))).toBe('0x33469b22e9f636356c4160a87eb19df52b7412e8eac32a4a55ffe88ea8350788')
})

test('a high s is refused, since the same transaction would have two hashes', () => {
  const tx = signTransaction<LegacyTx>(
    {
      type: 0,
      nonce: 0n,
      gasPrice: 1n,
      gasLimit: 21_000n,
      value: 0n,
      data: new Uint8Array(0),
      yParity: 0,
      r: 1n,
      s: 1n,
    },
    key,
  )
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const flipped = { ...tx, s: order - tx.s, yParity: tx.yParity === 1 ? (0 as const) : (1 as const) }
  expect(() => transactionSender(flipped)).toThrow(FormatError)
  expect(() => transactionSender({ ...tx, r: 0n })).toThrow(FormatError)
  expect(() => transactionSender({ ...tx, s: order })).toThrow(FormatError)
})

test('malformed transactions are refused', () => {
  const tx = signTransaction(
    {
      type: 2,
      chainId: 1n,
      nonce: 0n,
      maxFeePerGas: 1n,
      maxPriorityFeePerGas: 1n,
      gasLimit: 21_000n,
      value: 0n,
      data: new Uint8Array(0),
      accessList: [],
      yParity: 0,
      r: 1n,
      s: 1n,
    },
    key,
  )
  const raw = encodeTransaction(tx)
  const fields = rlpDecode(raw.subarray(1)) as Uint8Array[]
  const withField = (index: number, value: Uint8Array) =>
    concatBytes(Uint8Array.of(2), rlpEncode(fields.with(index, value)))
  expect(() => decodeTransaction(new Uint8Array(0))).toThrow(FormatError)
  expect(() => decodeTransaction(Uint8Array.of(5, ...raw.subarray(1)))).toThrow(/type/)
  expect(() => decodeTransaction(concatBytes(raw, Uint8Array.of(0)))).toThrow(FormatError)
  expect(() => decodeTransaction(withField(5, new Uint8Array(19)))).toThrow(/to/)
  expect(() => decodeTransaction(withField(1, Uint8Array.of(0, 1)))).toThrow(/leading zero/)
  expect(() => decodeTransaction(withField(9, Uint8Array.of(2)))).toThrow(/parity/)
  expect(() => decodeTransaction(concatBytes(Uint8Array.of(2), rlpEncode(fields.slice(1))))).toThrow(/fields/)
})
