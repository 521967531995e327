#!/usr/bin/env node
// The entry point runs the TypeScript sources as they are; tsx translates them as they load.
import { register } from 'tsx/esm/api'

// Libraries check themselves more, and show their errors to strangers, where this is not set.
process.env['NODE_ENV'] ??= 'production'
register()
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
