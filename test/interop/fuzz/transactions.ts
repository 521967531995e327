import { concatBytes, uintBytes } from '../../../protocol/bytes.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { rlpEncode, rlpUint } from '../../../protocol/rlp.ts'
import { privateKeyAddress, signDigest } from '../../../protocol/secp256k1.ts'
import {
  type AccessListEntry,
  type Authorization,
  encodeTransaction,
  type FeeMarketTx,
  type SignedTx,
  signTransaction,
} from '../../../protocol/transaction.ts'
import type { Random } from '../../fakes/random.ts'
import type { ProgramMaker } from './bytecode.ts'
import { hexAddress, precompileCall } from './precompile-inputs.ts'

/** Senders whose code never changes, and accounts that delegate to code and so may change their own nonce. */
export const senderKeys = keys(1, 8)
export const authorityKeys = keys(40, 6)
/** Deposits only, and no funds but what they mint. */
const depositorKey = uintBytes(98, 32)
/** Has nothing to pay with. */
const poorKey = uintBytes(99, 32)
/** Addresses of the contracts of a fixed kind. */
export const forwarderAddress = hexAddress(0xf0f0)
export const recursionAddress = hexAddress(0xf0f1)
export const largeReturnAddress = hexAddress(0xf0f2)

/** What the maker must know of the chain's head. */
export type Head = {
  readonly chainId: bigint
  readonly baseFee: bigint
  readonly nonce: (address: Uint8Array) => bigint
  readonly hasSetCode: boolean
}

type Call = { readonly to?: Uint8Array; readonly data: Uint8Array; readonly gasLimit: bigint; readonly value: bigint }

/** Makes the transactions of one block from a seed. */
export class TransactionMaker {
  readonly #random: Random
  readonly #programs: ProgramMaker
  readonly #targets: readonly Uint8Array[]
  readonly #head: Head
  readonly #nonces = new Map<Uint8Array, bigint>()

  constructor(random: Random, parts: { programs: ProgramMaker; targets: readonly Uint8Array[]; head: Head }) {
    this.#random = random
    this.#programs = parts.programs
    this.#targets = parts.targets
    this.#head = parts.head
  }

  deposit(): Uint8Array {
    const random = this.#random
    const from = random.chance(0.5)
      ? privateKeyAddress(random.pick([...authorityKeys, depositorKey]))
      : random.pick(this.#targets)
    const call = this.#call()
    const value = random.pick([0n, 0n, call.value, random.big(100)])
    return encodeTransaction({
      type: 0x7e,
      sourceHash: random.bytes(32),
      from,
      ...(call.to === undefined ? {} : { to: call.to }),
      mint: random.pick([0n, value, random.big(60)]),
      value,
      gasLimit: random.pick([call.gasLimit, call.gasLimit, 21_000n, BigInt(random.int(30_000))]),
      isSystemTx: false,
      data: call.data,
    })
  }

  /** A signed transaction that a block may hold, if nothing before it in the block spoils its nonce. */
  signed(): Uint8Array {
    const random = this.#random
    // Later in the block its nonce may have been moved by a delegation to it.
    const isAuthority = this.#nonces.size === 0 && random.chance(0.3)
    const key = random.pick(isAuthority ? authorityKeys : senderKeys)
    const call = this.#call()
    if (this.#head.hasSetCode && random.chance(0.15)) return this.#setCode(key, call)
    return this.#sign(key, call)
  }

  /** A transaction that no block may hold, and why. */
  refused(): { readonly raw: Uint8Array; readonly why: string } {
    const random = this.#random
    const key = random.pick(senderKeys)
    const nonce = this.#head.nonce(privateKeyAddress(key))
    const plain = { to: random.pick(this.#targets), data: random.bytes(4), gasLimit: 100_000n, value: 1n }
    const make = (change: Partial<FeeMarketTx>, signer = key) =>
      encodeTransaction(signTransaction({ ...this.#feeMarket(plain, nonce), ...change }, signer))
    const cases: Record<string, () => Uint8Array> = {
      'nonce above': () => make({ nonce: nonce + 1n }),
      'nonce below': () => (nonce === 0n ? make({ nonce: 5n }) : make({ nonce: nonce - 1n })),
      'intrinsic gas': () => make({ gasLimit: 21_000n }),
      'floor of the data': () => make({ gasLimit: 62_000n, data: new Uint8Array(5_000).fill(1) }),
      'no funds': () => make({ nonce: this.#head.nonce(privateKeyAddress(poorKey)), value: 10n ** 30n }, poorKey),
      'value above the balance': () => make({ value: 10n ** 30n }),
      'chain id': () => make({ chainId: this.#head.chainId + 1n }),
      'fee below the base fee': () => make({ maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }),
      'tip above the fee': () => make({ maxPriorityFeePerGas: 10n ** 18n }),
      'initcode of 49,153 bytes': () => make({ to: undefined, data: new Uint8Array(49_153), gasLimit: 3_000_000n }),
      'more gas than the block': () => make({ gasLimit: 400_000_000n }),
      'blob transaction': () =>
        encodeTransaction(
          signTransaction(
            {
              ...this.#feeMarket(plain, nonce),
              type: 3,
              maxFeePerBlobGas: 1n,
              blobVersionedHashes: [concatBytes(Uint8Array.of(1), random.bytes(31))],
            },
            key,
          ),
        ),
      'no authorizations': () =>
        encodeTransaction(signTransaction({ ...this.#feeMarket(plain, nonce), type: 4, authorizationList: [] }, key)),
      'signature out of range': () => {
        const tx = signTransaction(this.#feeMarket(plain, nonce), key)
        return encodeTransaction({ ...tx, s: secp256k1Order - tx.s, yParity: tx.yParity === 0 ? 1 : 0 })
      },
      'not a transaction': () => concatBytes(Uint8Array.of(random.pick([1, 2, 4, 5])), random.bytes(30)),
    }
    const why = random.pick(Object.keys(cases))
    return { why, raw: cases[why]?.() ?? new Uint8Array(0) }
  }

  /** What a transaction does, whoever sends it. */
  #call(): Call {
    const random = this.#random
    const gasLimit = BigInt(random.pick([60_000, 200_000, 400_000, 1_000_000]) + random.int(50_000))
    const value = random.chance(0.7) ? 0n : BigInt(random.int(10_000))
    const data = random.chance(0.3) ? this.#programs.initcode() : random.bytes(random.int(100))
    const kind = random.int(20)
    if (kind < 9)
      return { to: random.pick(this.#targets), data: limited(data), gasLimit: gasLimit + dataGas(data), value }
    if (kind < 12) {
      const code = this.#programs.initcode()
      return { data: code, gasLimit: gasLimit + dataGas(code), value }
    }
    if (kind < 16) {
      const { address, input, zeros } = precompileCall(random)
      const words = [uintBytes(address, 32), uintBytes(zeros, 32), uintBytes(random.chance(0.8) ? 0 : 1, 32)]
      const forwarded = concatBytes(...words, input)
      const gas = zeros > 1_000 ? 16_000_000n : BigInt(random.pick([300_000, 1_000_000]))
      return { to: forwarderAddress, data: forwarded, gasLimit: gas + dataGas(forwarded), value }
    }
    if (kind === 16) {
      const { address, input } = precompileCall(random)
      return { to: hexAddress(address), data: input, gasLimit: gasLimit + dataGas(input), value }
    }
    if (kind === 17) {
      return {
        to: recursionAddress,
        data: new Uint8Array(0),
        gasLimit: BigInt(random.pick([100_000, 5_000_000])),
        value,
      }
    }
    if (kind === 18) {
      const size = random.pick([0, 24_576, 500_000, 3_000_000])
      return { to: largeReturnAddress, data: uintBytes(size, 32), gasLimit: 2_000_000n, value }
    }
    return { to: random.bytes(20), data: new Uint8Array(0), gasLimit: 60_000n, value }
  }

  #sign(key: Uint8Array, call: Call): Uint8Array {
    const random = this.#random
    const tx = this.#feeMarket(call, this.#takeNonce(key))
    const { maxFeePerGas, maxPriorityFeePerGas, accessList, chainId, ...rest } = tx
    const gasPrice = maxFeePerGas
    const kinds: readonly (() => SignedTx)[] = [
      () => ({ ...rest, type: 0, gasPrice, chainId }),
      () => ({ ...rest, type: 0, gasPrice }),
      () => ({ ...rest, type: 1, gasPrice, accessList, chainId }),
      () => tx,
      () => tx,
    ]
    return encodeTransaction(signTransaction(random.pick(kinds)(), key))
  }

  #setCode(key: Uint8Array, call: Call): Uint8Array {
    const random = this.#random
    const nonce = this.#takeNonce(key)
    const authorizationList = random.list(1 + random.int(3), () => this.#authorization(key, nonce))
    const to = call.to ?? privateKeyAddress(random.pick(authorityKeys))
    // 25,000 gas for each authorization. Source: EIP-7702.
    const gasLimit = call.gasLimit + 75_000n + dataGas(call.data)
    const tx = { ...this.#feeMarket({ ...call, to, gasLimit }, nonce), type: 4 as const, authorizationList }
    return encodeTransaction(signTransaction(tx, key))
  }

  /** Right, or wrong in one way; now and then of the sender itself, whose nonce is one higher by then. */
  #authorization(sender: Uint8Array, senderNonce: bigint): Authorization {
    const random = this.#random
    const isSelf = random.chance(0.1) && authorityKeys.includes(sender)
    const key = isSelf ? sender : random.pick(authorityKeys)
    const right = isSelf ? senderNonce + 1n : this.#head.nonce(privateKeyAddress(key))
    const nonce = random.chance(0.85) ? right : random.pick([right + 1n, 2n ** 64n - 1n, 0n])
    const { chainId } = this.#head
    const authorized = random.pick([chainId, chainId, 0n, chainId + 1n])
    const address = random.pick([
      ...this.#targets,
      new Uint8Array(20),
      privateKeyAddress(random.pick(authorityKeys)),
      hexAddress(4),
      forwarderAddress,
    ])
    const message = concatBytes(Uint8Array.of(5), rlpEncode([rlpUint(authorized), address, rlpUint(nonce)]))
    const { rs, yParity } = signDigest(keccak256(message), key)
    const [r, s] = [rs.subarray(0, 32), rs.subarray(32)].map((part) => BigInt(`0x${Buffer.from(part).toString('hex')}`))
    const signature = { r: r ?? 0n, s: s ?? 0n, yParity: BigInt(yParity) }
    const wrong = random.int(25)
    if (wrong === 0) return { chainId: authorized, address, nonce, ...signature, s: secp256k1Order - signature.s }
    if (wrong === 1) return { chainId: authorized, address, nonce, ...signature, yParity: 5n }
    if (wrong === 2) return { chainId: authorized, address, nonce, ...signature, r: 0n }
    return { chainId: authorized, address, nonce, ...signature }
  }

  #feeMarket(call: Call, nonce: bigint): FeeMarketTx {
    const random = this.#random
    const tip = random.pick([0n, 1n, 1_000_000_000n])
    const accessList = random.chance(0.3) ? this.#accessList() : []
    return {
      type: 2,
      chainId: this.#head.chainId,
      nonce,
      maxPriorityFeePerGas: tip,
      maxFeePerGas: this.#head.baseFee + tip + random.pick([0n, 1n, 5_000_000_000n]),
      gasLimit: call.gasLimit + 10_000n * BigInt(accessList.length),
      ...(call.to === undefined ? {} : { to: call.to }),
      value: call.value,
      data: call.data,
      accessList,
      yParity: 0,
      r: 0n,
      s: 0n,
    }
  }

  #accessList(): AccessListEntry[] {
    const random = this.#random
    return random.list(1 + random.int(3), () => ({
      address: random.chance(0.8) ? random.pick(this.#targets) : hexAddress(random.int(0x12)),
      storageKeys: random.list(random.int(4), () => uintBytes(random.int(12), 32)),
    }))
  }

  #takeNonce(key: Uint8Array): bigint {
    const nonce = this.#nonces.get(key) ?? this.#head.nonce(privateKeyAddress(key))
    this.#nonces.set(key, nonce + 1n)
    return nonce
  }
}

const secp256k1Order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** Enough gas for the calldata, whatever its bytes are, and for the words of an initcode. */
function dataGas(data: Uint8Array): bigint {
  return BigInt(data.length) * 45n + 32_000n
}

/** Calldata for a call; an initcode of the greatest size is for creations. */
function limited(data: Uint8Array): Uint8Array {
  return data.subarray(0, 3_000)
}

function keys(first: number, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, i) => uintBytes(first + i, 32))
}
