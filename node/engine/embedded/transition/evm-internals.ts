import type { Common } from '@ethereumjs/common'
import type { EVM } from '@ethereumjs/evm'

/** Types of @ethereumjs/evm 10.1.3 that it does not export, as far as our opcodes and main loop use them. */
export type RunState = {
  programCounter: number
  opCode: number
  readonly memory: { readonly _store: Uint8Array; write(offset: number, size: number, value: Uint8Array): void }
  memoryWordCount: bigint
  highestMemCost: bigint
  readonly stack: {
    readonly length: number
    push(value: bigint): void
    pop(): bigint
    popN(count: number): bigint[]
    peek(count?: number): bigint[]
    /** A copy, the top last. */
    getStack(): bigint[]
  }
  code: Uint8Array
  shouldDoJumpAnalysis: boolean
  validJumps: Uint8Array
  cachedPushes: Readonly<Record<number, bigint>>
  gasLeft: bigint
  readonly gasRefund: bigint
  readonly stateGasSpilled: bigint
  readonly env: {
    readonly isStatic: boolean
    readonly depth: number
    readonly address: { readonly bytes: Uint8Array }
    readonly contract: { readonly balance: bigint }
  }
  readonly interpreter: {
    readonly _evm: EVM
    refundGas(amount: bigint): void
    subRefund(amount: bigint): void
    getReturnDataSize(): bigint
  }
}

/** A row of an EVM's opcode table. */
export type OpcodeEntry = {
  readonly opcodeInfo: {
    readonly code: number
    /** With its number: PUSH1, not PUSH. */
    readonly fullName: string
    readonly feeBigInt: bigint
    readonly dynamicGas: boolean
    readonly isInvalid: boolean
  }
  opHandler: (state: RunState, common: Common) => Promise<void> | void
  gasHandler: (state: RunState, gas: bigint, common: Common) => Promise<bigint> | bigint
}
