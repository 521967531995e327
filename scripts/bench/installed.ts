import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorMessage } from '../../common/errors.ts'

const cacheFolder = resolve(import.meta.dirname, '../../node_modules/.cache/openledger-bench')
const installMsMax = 300_000
/** Of what a failed installation says. */
const whyCharsMax = 300

/**
 * A folder with npm packages that benches compare with and that are no dependency of the repository, installed there
 * once. `packages`: exact versions, `name@1.2.3`. `flags` of npm's.
 */
export function installed(
  name: string,
  packages: readonly string[],
  flags: readonly string[] = [],
): { readonly prefix: string } | { readonly why: string } {
  const prefix = join(cacheFolder, name)
  const done = join(prefix, `installed-${packages.join('+').replaceAll(/[^a-z0-9.+-]/gi, '_')}`)
  if (existsSync(done)) return { prefix }
  mkdirSync(prefix, { recursive: true })
  writeFileSync(join(prefix, 'package.json'), '{"private":true}\n')
  try {
    execFileSync(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix, ...flags, ...packages],
      {
        cwd: prefix,
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
        timeout: installMsMax,
      },
    )
    writeFileSync(done, '')
    return { prefix }
  } catch (error) {
    return { why: `npm install ${packages.join(' ')} failed: ${errorMessage(error).slice(0, whyCharsMax)}` }
  }
}
