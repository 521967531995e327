import { UsageError } from '../../common/errors.ts'
import { asAddress, asBig, asSwitch, asUrl } from '../../common/flag-parsers.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { DetachedState, type ReadSlot } from '../../precompiles-sim/detached-state.ts'
import { type Precompile, runPrecompile } from '../../precompiles-sim/precompile.ts'
import { precompiles } from '../../precompiles-sim/table.ts'
import { bytesToHex, hexToBytes, parseQuantity, quantity, uintBytes, zeroAddress } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'

const rpcTimeoutMs = 10_000

export const command = defineCommand({
  summary:
    'Runs a custom precompile as the native twin of its bytecode and prints how the call ends, as JSON. Exit code 1 where it reverts. Names: ' +
    `${precompiles.map(({ name }) => name).join(', ')}.`,
  positionals: 'NAME',
  positionalsMax: 1,
  flags: {
    input: { help: 'calldata: selector and ABI-encoded arguments', value: 'HEX', parse: hexToBytes, default: '0x' },
    from: { help: 'the caller', value: 'ADDRESS', parse: asAddress, default: zeroAddress },
    value: { help: 'wei sent along', value: 'WEI', parse: asBig, default: '0' },
    static: { help: 'as in a static call', parse: asSwitch, default: 'false' },
    'gas-limit': { help: 'gas of the call', value: 'GAS', parse: asBig, default: '30000000' },
    rpc: {
      help: "JSON-RPC of the L2 whose storage is read; absent: the account's storage is empty",
      value: 'URL',
      parse: asUrl,
    },
  },
  run: async ({ flags, positionals, print }) => {
    const precompile = named(positionals[0])
    const read = flags.rpc === undefined ? async () => 0n : storageAt(flags.rpc, precompile)
    const state = new DetachedState(read, flags.static)
    const call = { input: flags.input, caller: flags.from, value: flags.value, isStatic: flags.static, state }
    const result = await runPrecompile(precompile, call, flags['gas-limit'])
    const output = 'output' in result ? { output: bytesToHex(result.output) } : {}
    const written = Object.fromEntries([...state.written].map(([slot, value]) => [word(slot), word(value)]))
    print(JSON.stringify({ result: result.kind, ...output, gasUsed: Number(result.gasUsed), written }, null, 2))
    return result.kind === 'return' ? exitCodes.ok : exitCodes.failed
  },
})

function named(name: string | undefined): Precompile {
  const found = precompiles.find((precompile) => precompile.name.toLowerCase() === name?.toLowerCase())
  if (found === undefined) {
    const names = precompiles.map((precompile) => precompile.name).join(', ')
    throw new UsageError(`${name === undefined ? 'simulate needs a NAME' : `there is no precompile ${name}`}: ${names}`)
  }
  return found
}

function storageAt(url: string, { address }: Precompile): ReadSlot {
  const client = new HttpRpcClient({ url, timeoutMs: rpcTimeoutMs })
  return async (slot) => parseQuantity(await client.request('eth_getStorageAt', [address, quantity(slot), 'latest']))
}

function word(value: bigint): string {
  return bytesToHex(uintBytes(value, 32))
}
