import { readFileSync } from 'node:fs'

/** Name and version of this software, as `optimism_version` and logs show it. */
export const nodeVersion = `openledger/v${packageVersion()}`

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return String((JSON.parse(text) as { readonly version: unknown }).version)
}
