import { createHash } from 'node:crypto'
import { concatBytes, hexToBytes, uintBytes } from '../../../protocol/bytes.ts'
import { signDigest } from '../../../protocol/secp256k1.ts'
import type { Random } from '../../fakes/random.ts'

/** An input, and zeros to follow it. */
export type PrecompileCall = { readonly address: number; readonly input: Uint8Array; readonly zeros: number }

/** Input for any precompile: as it should be, nearly so, or about as long as its greatest length at some fork. */
export function precompileCall(random: Random): PrecompileCall {
  const address = random.pick(Object.keys(makers)).slice(2)
  const made = makers[`0x${address}`]?.(random) ?? new Uint8Array(0)
  const capped = caps[`0x${address}`]
  const call = { address: Number(`0x${address}`), input: made, zeros: 0 }
  // Points at infinity: many of them cost nothing but gas.
  if (capped !== undefined && random.chance(0.15)) {
    const zeros = random.pick(capped.bytes) + random.pick([0, 0, capped.unit, 1, -capped.unit])
    return { ...call, input: new Uint8Array(0), zeros }
  }
  if (random.chance(0.7)) return call
  return { ...call, input: damaged(made, random), zeros: random.chance(0.2) ? random.int(100) : 0 }
}

/** Greatest input lengths. Specs: protocol/granite, isthmus, jovian exec-engine.md. */
const caps: Readonly<Record<string, { readonly unit: number; readonly bytes: readonly number[] }>> = {
  '0x8': { unit: 192, bytes: [112_687, 112_512, 81_984] },
  '0xc': { unit: 160, bytes: [513_760, 288_960] },
  '0xe': { unit: 288, bytes: [488_448, 278_784] },
  '0xf': { unit: 384, bytes: [235_008, 156_672] },
}

const makers: Readonly<Record<string, (random: Random) => Uint8Array>> = {
  '0x1': (random) => {
    const digest = random.bytes(32)
    const { rs, yParity } = signDigest(digest, concatBytes(Uint8Array.of(1), random.bytes(31)))
    return concatBytes(digest, uintBytes(27 + yParity, 32), rs)
  },
  '0x2': (random) => random.bytes(random.int(200)),
  '0x3': (random) => random.bytes(random.int(200)),
  '0x4': (random) => random.bytes(random.int(200)),
  '0x5': (random) => {
    const lengths = random.list(3, () => random.pick([0, 1, 8, 32, 33, 64, 200]))
    const bodies = lengths.map((length) => random.bytes(length))
    const huge = random.chance(0.1) ? [uintBytes(random.big(256), 32)] : []
    return concatBytes(...lengths.map((length) => uintBytes(length, 32)).slice(huge.length), ...huge, ...bodies)
  },
  '0x6': (random) => concatBytes(bnPoint(random), bnPoint(random)),
  '0x7': (random) => concatBytes(bnPoint(random), uintBytes(random.big(256), 32)),
  '0x8': (random) =>
    concatBytes(
      ...random.pick([
        [],
        [bnPoint(random), bnG2],
        [bnG1, bnG2, negated(bnG1, bnModulus, 32), bnG2],
        [bnG1, new Uint8Array(128)],
      ]),
    ),
  '0x9': (random) =>
    concatBytes(uintBytes(random.int(random.pick([20, 5_000])), 4), random.bytes(208), Uint8Array.of(random.int(2))),
  '0xa': (random) => {
    // The zero polynomial: commitment and proof are the point at infinity, its value is 0 everywhere.
    const infinity = concatBytes(Uint8Array.of(0xc0), new Uint8Array(47))
    const hash = createHash('sha256').update(infinity).digest()
    hash[0] = 1
    return concatBytes(
      hash,
      uintBytes(random.big(254), 32),
      uintBytes(random.int(8) === 0 ? 1 : 0, 32),
      infinity,
      infinity,
    )
  },
  '0xb': (random) => concatBytes(blsG1Point(random), blsG1Point(random)),
  '0xc': (random) =>
    concatBytes(...random.list(1 + random.int(3), () => concatBytes(blsG1Point(random), random.bytes(32)))),
  '0xd': (random) => concatBytes(blsG2Point(random), blsG2Point(random)),
  '0xe': (random) =>
    concatBytes(...random.list(1 + random.int(3), () => concatBytes(blsG2Point(random), random.bytes(32)))),
  '0xf': (random) =>
    concatBytes(
      ...random.pick([
        [blsG1Point(random), blsG2Point(random)],
        [blsG1, blsG2, negated(blsG1, blsModulus, 64), blsG2],
        [blsG1, blsG2, blsG1, blsG2],
      ]),
    ),
  '0x10': (random) => uintBytes(random.big(380), 64),
  '0x11': (random) => concatBytes(uintBytes(random.big(380), 64), uintBytes(random.big(380), 64)),
  '0x100': () => p256Valid,
}

function damaged(input: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(input)
  if (random.chance(0.4)) return bytes.subarray(0, random.int(bytes.length + 1))
  if (random.chance(0.3)) return concatBytes(bytes, random.bytes(random.int(40)))
  if (bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256)
  return bytes
}

const bnPoint = (random: Random) =>
  random.pick([bnG1, negated(bnG1, bnModulus, 32), new Uint8Array(64), random.bytes(64)])
const blsG1Point = (random: Random) => random.pick([blsG1, negated(blsG1, blsModulus, 64), new Uint8Array(128)])
const blsG2Point = (random: Random) => random.pick([blsG2, new Uint8Array(256)])

/** A G1 point with its y turned around; coordinates of `width` bytes. */
function negated(point: Uint8Array, modulus: bigint, width: number): Uint8Array {
  const y = BigInt(`0x${Buffer.from(point.subarray(width)).toString('hex')}`)
  return concatBytes(point.subarray(0, width), uintBytes(modulus - y, width))
}

const words = (width: number, ...hex: readonly string[]) =>
  concatBytes(...hex.map((word) => uintBytes(BigInt(`0x${word}`), width)))

/** Generators and moduli of alt_bn128 (EIP-197) and BLS12-381 (EIP-2537), encoded as the precompiles take them. */
const bnModulus = 21888242871839275222246405745257275088696311157297823662689037894645226208583n
const bnG1 = words(32, '1', '2')
const bnG2 = words(
  32,
  '198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2',
  '1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed',
  '090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b',
  '12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa',
)
const blsModulus = 0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn
const blsG1 = words(
  64,
  '17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb',
  '08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1',
)
const blsG2 = words(
  64,
  '024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8',
  '13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e',
  '0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801',
  '0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be',
)

/** Digest, r, s, x, y of a valid signature. Source: RIP-7212, test vectors. */
const p256Valid = words(
  32,
  '4cee90eb86eaa050036147a12d49004b6b9c72bd725d39d4785011fe190f0b4d',
  'a73bd4903f0ce3b639bbbf6e8e80d16931ff4bcf5993d58468e8fb19086e8cac',
  '36dbcd03009df8c59286b162af3bd7fcc0450c9aa81be5d10d312af6c66b1d60',
  '4aebd3099c618202fcfe16ae7770b0c49ab5eadf74b754204a3bb6060e44eff3',
  '7618b065f9832de4ca6ca971a7a1adc826d0f7c00181a5fb2ddf79ae00b4e10e',
)

/** Inputs that must succeed, for a test that these constants are right. */
export const validInputs: Readonly<Record<string, Uint8Array>> = {
  '0x8': concatBytes(bnG1, bnG2, negated(bnG1, bnModulus, 32), bnG2),
  '0xf': concatBytes(blsG1, blsG2, negated(blsG1, blsModulus, 64), blsG2),
  '0x100': p256Valid,
}

export const hexAddress = (n: number): Uint8Array => hexToBytes(`0x${n.toString(16).padStart(40, '0')}`)
