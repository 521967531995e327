/**
 * Installs WebGPU for inference/webgpu, apart from the other packages: it is 132 MB. `--software` adds SwiftShader, a Vulkan driver
 * without a GPU, with which test/process/webgpu.test.ts runs. Run: npx tsx scripts/get-webgpu.ts [--software]
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { webgpuFolder, webgpuPackage } from '../inference/webgpu/open-gpu.ts'

const softwarePackage = '@sparticuz/chromium@153.0.0'
const isSoftware = process.argv.includes('--software')

mkdirSync(webgpuFolder, { recursive: true })
writeFileSync(join(webgpuFolder, 'package.json'), '{"private":true}\n')
const packages = [webgpuPackage, ...(isSoftware ? [softwarePackage] : [])]
// Both packages come ready to run; their install scripts would fetch more.
execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], {
  cwd: webgpuFolder,
  stdio: 'inherit',
})
if (isSoftware) {
  const archive = join(webgpuFolder, 'node_modules/@sparticuz/chromium/bin/swiftshader.tar.br')
  const driver = join(webgpuFolder, 'swiftshader')
  mkdirSync(driver, { recursive: true })
  execFileSync('tar', ['-x', '-C', driver], { input: brotliDecompressSync(readFileSync(archive)) })
}
