import { bigintToBytes, concatBytes, uintBytes } from '../../../protocol/bytes.ts'
import type { Random } from '../../fakes/random.ts'

/** Opcodes the programs use. Source: the Yellow Paper, appendix H, and the EIPs after it. */
const op = {
  stop: 0x00,
  sha3: 0x20,
  calldataload: 0x35,
  calldatasize: 0x36,
  calldatacopy: 0x37,
  codecopy: 0x39,
  returndatasize: 0x3d,
  returndatacopy: 0x3e,
  extcodecopy: 0x3c,
  pop: 0x50,
  mload: 0x51,
  mstore: 0x52,
  mstore8: 0x53,
  sload: 0x54,
  sstore: 0x55,
  jump: 0x56,
  jumpi: 0x57,
  gas: 0x5a,
  jumpdest: 0x5b,
  tload: 0x5c,
  tstore: 0x5d,
  mcopy: 0x5e,
  dup1: 0x80,
  swap1: 0x90,
  log0: 0xa0,
  create: 0xf0,
  call: 0xf1,
  callcode: 0xf2,
  return: 0xf3,
  delegatecall: 0xf4,
  create2: 0xf5,
  staticcall: 0xfa,
  revert: 0xfd,
  invalid: 0xfe,
  selfdestruct: 0xff,
  address: 0x30,
  sub: 0x03,
} as const

/** Opcodes by how many words they take; each leaves one. CLZ (0x1e) is none before Osaka. */
const nullary = [
  ...[0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4a, 0x58],
  ...[0x59, 0x5a, 0x5f],
]
const unary = [0x15, 0x19, 0x31, 0x35, 0x3b, 0x3f, 0x40, 0x49, 0x54, 0x54, 0x5c, 0x1e]
const binary = [
  ...[0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18],
  ...[0x1a, 0x1b, 0x1c, 0x1d],
]
const ternary = [0x08, 0x09]

const push = (value: bigint | number): Uint8Array => {
  const bytes = bigintToBytes(BigInt(value))
  return bytes.length === 0 ? Uint8Array.of(0x60, 0) : concatBytes(Uint8Array.of(0x5f + bytes.length), bytes)
}
const ops = (...codes: readonly number[]): Uint8Array => Uint8Array.from(codes)

/** Random programs that mostly do something: every statement leaves the stack as it was. */
export class ProgramMaker {
  readonly #random: Random
  /** Addresses a program may touch. */
  readonly #targets: readonly Uint8Array[]

  constructor(random: Random, targets: readonly Uint8Array[]) {
    this.#random = random
    this.#targets = targets
  }

  /** Runtime code; now and then bytes without sense. */
  program(): Uint8Array {
    const random = this.#random
    if (random.chance(0.03)) return random.bytes(random.int(60))
    return this.#body(2 + random.int(8), 0, 3)
  }

  /** Code of a creation: runs some statements, then returns code of some kind, or fails. */
  initcode(): Uint8Array {
    const random = this.#random
    const statements = this.#statements(random.int(4), 0, 2)
    const runtime = random.pick([
      () => this.program(),
      () => new Uint8Array(0),
      // EIP-3541 and EIP-170.
      () => concatBytes(Uint8Array.of(0xef), random.bytes(3)),
      () => new Uint8Array(random.pick([24_576, 24_577])),
      () => this.program(),
      () => this.program(),
    ])()
    if (random.chance(0.1)) return concatBytes(statements, this.#ending())
    const head = (offset: number) =>
      concatBytes(
        statements,
        ...[push(runtime.length), concatBytes(ops(0x61), uintBytes(offset, 2)), push(0), ops(op.codecopy)],
        ...[push(runtime.length), push(0), ops(op.return)],
      )
    return concatBytes(head(head(0).length), runtime)
  }

  #body(count: number, at: number, depth: number): Uint8Array {
    const statements = this.#statements(count, at, depth)
    return concatBytes(statements, this.#ending())
  }

  /** `at`: where the first stands in its code, for jumps. */
  #statements(count: number, at: number, depth: number): Uint8Array {
    let code: Uint8Array = new Uint8Array(0)
    for (let i = 0; i < count; i++) code = concatBytes(code, this.#statement(at + code.length, depth))
    return code
  }

  #statement(at: number, depth: number): Uint8Array {
    const random = this.#random
    const kind = random.int(depth > 0 ? 17 : 14)
    switch (kind) {
      case 0:
      case 1:
      case 2:
        return concatBytes(this.#expression(2), push(random.int(6)), ops(op.sstore))
      case 3:
        return concatBytes(this.#expression(2), push(random.int(4)), ops(op.tstore))
      case 4: {
        const topics = random.int(5)
        const words = random.list(topics, () => this.#expression(1))
        return concatBytes(...words, push(random.int(100)), push(random.int(100)), ops(op.log0 + topics))
      }
      case 5:
        return concatBytes(this.#expression(2), push(random.int(300)), ops(random.chance(0.7) ? op.mstore : op.mstore8))
      case 6: {
        const copy = random.pick([op.calldatacopy, op.codecopy, op.mcopy, op.returndatacopy])
        const from = random.chance(0.05) ? push(random.big(256)) : push(random.int(60))
        return concatBytes(push(random.int(80)), from, push(random.int(200)), ops(copy))
      }
      case 7:
        return concatBytes(push(random.int(80)), push(random.int(60)), push(0), this.#target(), ops(op.extcodecopy))
      case 8:
      case 9:
      case 10:
        return this.#call()
      case 11:
        return this.#creation()
      case 12:
        return concatBytes(push(random.int(64)), push(random.int(64)), ops(op.sha3), push(7), ops(op.sstore))
      case 13:
        if (random.chance(0.3)) return concatBytes(this.#target(), ops(op.selfdestruct))
        return random.chance(0.1) ? random.bytes(3) : concatBytes(this.#expression(3), push(8), ops(op.sstore))
      case 14:
      case 15:
        return this.#condition(at, depth)
      default:
        return this.#loop(at, depth)
    }
  }

  /** `if (x) { … }`: jumps over the statements where x is not 0. */
  #condition(at: number, depth: number): Uint8Array {
    const test = this.#expression(2)
    const bodyAt = at + test.length + 4
    const body = this.#statements(1 + this.#random.int(3), bodyAt, depth - 1)
    const jump = concatBytes(ops(0x61), uintBytes(bodyAt + body.length, 2), ops(op.jumpi))
    return concatBytes(test, jump, body, ops(op.jumpdest))
  }

  /** Statements a few times, or until the gas is gone. */
  #loop(at: number, depth: number): Uint8Array {
    const endless = this.#random.chance(0.05)
    const start = push(1 + this.#random.int(6))
    const bodyAt = at + start.length + 1
    const body = this.#statements(1 + this.#random.int(2), bodyAt, depth - 1)
    const again = concatBytes(ops(op.dup1, 0x61), uintBytes(bodyAt - 1, 2), ops(op.jumpi, op.pop))
    const step = endless ? new Uint8Array(0) : concatBytes(push(1), ops(op.swap1, op.sub))
    return concatBytes(start, ops(op.jumpdest), body, step, again)
  }

  /** Any kind of call; keeps its result and what it returned. */
  #call(): Uint8Array {
    const random = this.#random
    const kind = random.pick([op.call, op.call, op.delegatecall, op.staticcall, op.callcode])
    const hasValue = kind === op.call || kind === op.callcode
    const value = hasValue ? [push(random.chance(0.6) ? 0 : random.int(1_000))] : []
    const gas = random.chance(0.7) ? ops(op.gas) : push(random.int(60_000))
    const memory = [push(random.int(64)), push(random.int(64)), push(random.int(200)), push(random.int(64))]
    const result = concatBytes(push(9), ops(op.sstore, op.returndatasize), push(10), ops(op.sstore))
    return concatBytes(...memory, ...value, this.#target(), gas, ops(kind), result)
  }

  /** Creates a contract from calldata or from memory, and calls it now and then. */
  #creation(): Uint8Array {
    const random = this.#random
    const load = random.chance(0.7)
      ? concatBytes(ops(op.calldatasize), push(0), push(0), ops(op.calldatacopy), ops(op.calldatasize), push(0))
      : concatBytes(push(random.int(40)), push(random.int(40)))
    const withSalt = random.chance(0.5)
    const salt = withSalt ? push(random.int(2)) : new Uint8Array(0)
    const create = concatBytes(
      ...(withSalt ? [salt, load] : [load]),
      push(random.chance(0.8) ? 0 : random.int(50)),
      ops(withSalt ? op.create2 : op.create),
    )
    if (random.chance(0.5)) return concatBytes(create, push(11), ops(op.sstore))
    const call = concatBytes(...[0, 0, 0, 0, 0].map(push), ops(0x85, op.gas, op.call, op.pop, op.pop))
    return concatBytes(create, call)
  }

  #expression(depth: number): Uint8Array {
    const random = this.#random
    if (depth === 0 || random.chance(0.3)) return random.chance(0.5) ? this.#literal() : ops(random.pick(nullary))
    switch (random.int(8)) {
      case 0:
        return concatBytes(push(random.int(200)), ops(op.mload))
      case 1:
        return concatBytes(push(random.int(6)), ops(random.chance(0.7) ? op.sload : op.tload))
      case 2:
        return concatBytes(...random.list(3, () => this.#expression(depth - 1)), ops(random.pick(ternary)))
      case 3:
      case 4:
        return concatBytes(this.#expression(depth - 1), ops(random.pick(unary)))
      default:
        return concatBytes(this.#expression(depth - 1), this.#expression(depth - 1), ops(random.pick(binary)))
    }
  }

  #literal(): Uint8Array {
    const random = this.#random
    if (random.chance(0.2)) return this.#target()
    return push(random.big(random.pick([2, 8, 8, 16, 64, 160, 256])))
  }

  #target(): Uint8Array {
    if (this.#random.chance(0.1)) return ops(op.address)
    return concatBytes(ops(0x73), this.#random.pick(this.#targets))
  }

  #ending(): Uint8Array {
    const random = this.#random
    const range = concatBytes(push(random.int(random.chance(0.02) ? 100_000 : 100)), push(random.int(64)))
    return random.pick([
      ops(op.stop),
      ops(op.stop),
      concatBytes(range, ops(op.return)),
      concatBytes(range, ops(op.return)),
      concatBytes(range, ops(op.revert)),
      ops(op.invalid),
      concatBytes(this.#target(), ops(op.selfdestruct)),
    ])
  }
}

/**
 * Calls the address of its first calldata word with the third as value; the input is the rest, and as many zeros as the
 * second word says. Logs what came back, with success as topic.
 */
export const forwarder: Uint8Array = concatBytes(
  // Input to memory 0; its length to the stack.
  concatBytes(push(96), ops(op.calldatasize, op.sub, op.dup1), push(96), push(0), ops(op.calldatacopy)),
  concatBytes(push(32), ops(op.calldataload, 0x01)),
  // call(gas, to, value, 0, length, 0, 0)
  concatBytes(push(0), push(0), ops(0x82), push(0), push(64), ops(op.calldataload)),
  concatBytes(push(0), ops(op.calldataload, op.gas, op.call)),
  concatBytes(ops(op.returndatasize), push(0), push(0), ops(op.returndatacopy)),
  concatBytes(ops(op.returndatasize), push(0), ops(op.log0 + 1, op.stop)),
)

/** Calls itself with all its gas until nothing is left or the depth ends, then keeps how often it came back. */
export const recursion: Uint8Array = concatBytes(
  ...[0, 0, 0, 0, 0].map(push),
  ops(op.address, op.gas, op.call, op.pop),
  concatBytes(push(0), ops(op.sload), push(1), ops(0x01), push(0), ops(op.sstore)),
)

/** Returns as many zeros as its first calldata word says. */
export const largeReturn: Uint8Array = concatBytes(push(0), ops(op.calldataload), push(0), ops(op.return))
