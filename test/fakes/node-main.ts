import '../../common/polyfill.ts'
import { readFileSync } from 'node:fs'
import { systemClock } from '../../common/clock.ts'
import { createLog } from '../../common/log.ts'
import { startNode } from '../../node/node.ts'
import type { NodeOptions } from '../../node/node-options.ts'
import { parseRollupConfig } from '../../protocol/rollup-config-json.ts'

/** Runs one node from a JSON file of its options, for tests that kill it. Prints its ports as one line when it serves. */
const file = process.argv[2] ?? ''
const json = JSON.parse(readFileSync(file, 'utf8')) as NodeOptions
const options: NodeOptions = { ...json, rollupConfig: parseRollupConfig(json.rollupConfig) }
const log = createLog({ level: 'debug', format: 'text', write: (line) => process.stderr.write(line) })
const node = await startNode(options, { log, clock: systemClock })
process.stdout.write(`${JSON.stringify(node.ports)}\n`)
await node.finished
