#!/usr/bin/env node
// The entry point runs the TypeScript sources as they are; tsx translates them as they load.
import { register } from 'tsx/esm/api'

register()
const { main } = await import('./main.ts')
process.exitCode = await main(process.argv.slice(2))
