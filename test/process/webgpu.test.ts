import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { webgpuFolder } from '../../inference/webgpu/open-gpu.ts'

const program = join(import.meta.dirname, '../fakes/webgpu-compare.mjs')
const software = join(webgpuFolder, 'swiftshader')
const driver = join(software, 'vk_swiftshader_icd.json')

async function compare(driverFile: string): Promise<string> {
  // The loader of drivers is found by the path that the process starts with.
  const env = { ...process.env, LD_LIBRARY_PATH: software, VK_DRIVER_FILES: driverFile }
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  await once(child, 'close')
  return output
}

/** `npx tsx scripts/get-webgpu.ts --software` installs what this needs. */
test.skipIf(!existsSync(driver))(
  'on a GPU made of software every unit, adapters too, has the bits of the oracle',
  async () => {
    expect(await compare(driver)).toBe('4551 units, 0 differ\n')
  },
  300_000,
)

test.skipIf(!existsSync(driver))(
  'where no driver is, the engine says so',
  async () => {
    expect(await compare('/nowhere/icd.json')).toContain('no GPU with a Vulkan, Metal or D3D12 driver')
  },
  60_000,
)
