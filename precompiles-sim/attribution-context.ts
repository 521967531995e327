import { bytesToBigint, emptyBytes, uintBytes } from '../protocol/bytes.ts'
import { abiPrecompile, customError, encodeResults } from './abi.ts'
import type { PrecompileCall } from './precompile.ts'

/** The `ol` payload under which a call runs. Twin of contracts/src/precompiles/AttributionContext.sol. */
export const attributionContext = abiPrecompile('AttributionContext', '0x4f4c000000000000000000000000000000000010', [
  {
    signature: 'current()',
    words: 0,
    run(_args, { state }, gas) {
      const depth = state.transientLoad(depthSlot, gas)
      if (depth === 0n) return encodeResults(emptyBytes)
      const base = depth << 16n
      const payload = new Uint8Array(Number(state.transientLoad(base, gas)))
      for (let at = 0; at < payload.length; at += 32) {
        const word = uintBytes(state.transientLoad(base + 1n + BigInt(at / 32), gas), 32)
        payload.set(word.subarray(0, payload.length - at), at)
      }
      return encodeResults(payload)
    },
  },
  {
    signature: 'push(bytes)',
    words: 1,
    run(args, call, gas) {
      const payload = args.bytes(0)
      requireLedger(call)
      if (payload.length > payloadBytesMax) throw customError('PayloadTooLong(uint256)', BigInt(payload.length))
      const { state } = call
      const depth = state.transientLoad(depthSlot, gas) + 1n
      if (depth > depthMax) throw customError('TooDeep()')
      state.transientStore(depthSlot, depth, gas)
      const base = depth << 16n
      state.transientStore(base, BigInt(payload.length), gas)
      for (let at = 0; at < payload.length; at += 32) {
        const word = new Uint8Array(32)
        word.set(payload.subarray(at, at + 32))
        state.transientStore(base + 1n + BigInt(at / 32), bytesToBigint(word), gas)
      }
      return emptyBytes
    },
  },
  {
    signature: 'pop()',
    words: 0,
    run(_args, call, gas) {
      requireLedger(call)
      const depth = call.state.transientLoad(depthSlot, gas)
      if (depth === 0n) throw customError('NoContext()')
      call.state.transientStore(depthSlot, depth - 1n, gas)
      return emptyBytes
    },
  },
])

const ledger = '0x4f4c000000000000000000000000000000000005'
const depthSlot = 0n
const depthMax = 16n
/** A payload of version 1 with every field and 16 weights has 264 bytes. */
const payloadBytesMax = 512

function requireLedger({ caller }: PrecompileCall): void {
  if (caller !== ledger) throw customError('NotLedger(address)', BigInt(caller))
}
