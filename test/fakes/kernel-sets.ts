import { type CheckKernels, loadCheckKernels, loadWasmKernels } from '../../inference/check/check-kernels.ts'
import { nativeKernels } from '../../inference/check/native-kernels.ts'

type Load = (memory: WebAssembly.Memory) => CheckKernels

/** WebAssembly alone, and with the addon before it where this machine has one. */
export const kernelSets: readonly (readonly [string, Load])[] = [
  ['WebAssembly', loadWasmKernels],
  ...(nativeKernels() === undefined ? [] : [['the addon', loadCheckKernels] as const]),
]
