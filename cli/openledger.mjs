#!/usr/bin/env node
// The entry point runs the TypeScript sources as they are; tsx translates them as they load.
import { setFlagsFromString } from 'node:v8'
import { register } from 'tsx/esm/api'

// Libraries check themselves more, and show their errors to strangers, where this is not set.
process.env['NODE_ENV'] ??= 'production'
// On a machine with much memory V8 lets garbage grow to four times what is alive before it looks; this is half again.
setFlagsFromString('--heap-growing-percent=50')
// A reader that has seen enough, `head` for example, is no failure.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})
register()
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
