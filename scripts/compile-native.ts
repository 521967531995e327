import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { nativeFile, nativeSources } from '../inference/check/native-kernels.ts'

/** A compiler that takes longer hangs, in ms. */
const compileMsMax = 300_000

type Flags = { readonly all: readonly string[]; readonly kernels: readonly string[] }

const run = promisify(execFile)

/**
 * Compiles the addon of inference/check/native with the C++ compiler of this machine. Returns why not where it cannot: nothing depends
 * on it, WebAssembly gives the same bits.
 */
export async function compileNative(): Promise<{ readonly file: string } | { readonly reason: string }> {
  if (process.arch !== 'x64' || process.platform === 'win32') {
    return { reason: `there are none for ${process.platform} on ${process.arch}` }
  }
  const file = nativeFile()
  try {
    await build(file)
    return { file }
  } catch (error) {
    const lines = (error as Error).message.split('\n')
    return { reason: (lines.find((line) => line.includes('error')) ?? lines[0] ?? '').trim() }
  }
}

async function build(file: string): Promise<void> {
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true })
  const work = mkdtempSync(join(folder, 'work-'))
  try {
    const linked = join(work, 'linked.node')
    await compile(work, linked)
    renameSync(linked, file)
    for (const name of readdirSync(folder)) {
      if (name.endsWith('.node') && name !== basename(file)) rmSync(join(folder, name), { force: true })
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** What calls the kernels asks the processor first, and is compiled for any. No warnings: headers of these instructions cause some. */
async function compile(work: string, linked: string): Promise<void> {
  const sources = nativeSources()
  const flags = JSON.parse(readFileSync(sources.find((name) => name.endsWith('.json')) ?? '', 'utf8')) as Flags
  const headers = createRequire(import.meta.url)('node-api-headers') as { readonly include_dir: string }
  const compiler = process.env['CXX'] ?? 'c++'
  const objects = await Promise.all(
    sources
      .filter((name) => name.endsWith('.cpp'))
      .map(async (source) => {
        const object = join(work, `${basename(source)}.o`)
        const own = basename(source) === 'addon.cpp' ? ['-I', headers.include_dir] : flags.kernels
        await run(compiler, [...flags.all, ...own, '-c', source, '-o', object], { timeout: compileMsMax })
        return object
      }),
  )
  const loose = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []
  await run(compiler, ['-shared', ...loose, '-o', linked, ...objects], { timeout: compileMsMax })
}
