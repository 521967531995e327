/**
 * Installs node-llama-cpp for float workers and benches into a folder of its own: it is large, and its platform packages are not in every
 * registry. Run: npx tsx scripts/get-llama.ts FOLDER
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { llamaPackage } from '../worker/backends/llama-engine.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('usage: npx tsx scripts/get-llama.ts FOLDER\n')
  process.exit(2)
}
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
// The package comes with what it runs; its install script would build more.
execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', llamaPackage], {
  cwd: folder,
  stdio: 'inherit',
})
