import { existsSync } from 'node:fs'
import { UsageError } from '../../common/errors.ts'
import { asCount, asText } from '../../common/flag-parsers.ts'
import { type SpanKind, spanKinds, spansMax } from '../../protocol/agent-trail.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { defineCommand, exitCodes } from '../command.ts'
import { asHash, asHashOrName, asOpen, asUint64 } from '../money/parsers.ts'

const asKind = (text: string): SpanKind => {
  if (!(spanKinds as readonly string[]).includes(text)) throw new Error(`must be one of ${spanKinds.join(', ')}`)
  return text as SpanKind
}

/** `openledger agent record`: an action of an agent, written down as it happens. Asks no chain. */
export const record = defineCommand({
  summary: 'Adds an action to the trail of an agent, a file; the first one begins it. agent anchor commits to it.',
  flags: {
    trail: { help: 'the file', value: 'FILE', parse: asText },
    agent: { help: 'the agent, of a trail that begins', value: 'ID', parse: asUint64 },
    'chain-id': { help: 'the chain, of a trail that begins', value: 'ID', parse: asUint64 },
    'trail-id': {
      help: 'name of a trail that begins: a hash or a short text',
      value: 'HASH|TEXT',
      parse: asHashOrName,
    },
    kind: { help: 'what it was', value: spanKinds.join('|'), parse: asKind, default: 'tool' },
    name: { help: 'its name, as that of the tool or model', value: 'TEXT', parse: asText },
    parent: { help: 'number of the action that it was part of', value: 'N', parse: asCount, default: '0' },
    input: { help: 'hash of what went in', value: 'HASH', parse: asHash, default: zeroHash },
    output: { help: 'hash of what came out', value: 'HASH', parse: asHash, default: zeroHash },
    ref: {
      help: 'what paid it: the request of a model’s answer, or the reference of a payment',
      value: 'HASH|TEXT',
      parse: asHashOrName,
      default: zeroHash,
    },
    fee: { help: 'what it cost, in OPEN, or wei as 150wei', value: 'OPEN', parse: asOpen, default: '0' },
  },
  run: async ({ flags, print }) => {
    const { trail: path, agent: agentId, name } = flags
    const [chainId, trailId] = [flags['chain-id'], flags['trail-id']]
    if (path === undefined) throw new UsageError('--trail is required: the file')
    const { addSpan, beginTrail, readTrail } = await import('./trail-file.ts')
    const now = Math.floor(Date.now() / 1_000)
    if (!existsSync(path)) {
      if (agentId === undefined || chainId === undefined || trailId === undefined) {
        throw new UsageError(`${path} is not there: give --agent, --chain-id and --trail-id to begin it`)
      }
      beginTrail(path, { chainId, agentId, trailId }, now)
    }
    const { spans } = readTrail(path)
    if (name === undefined) {
      print(`${path} has ${spans.length} actions`)
      return exitCodes.ok
    }
    if (flags.parent >= spans.length)
      throw new UsageError(`--parent ${flags.parent}: there are 0 to ${spans.length - 1}`)
    if (spans.length >= spansMax) throw new UsageError(`${path} has ${spansMax} actions, which is all it may have`)
    const { kind, parent, input, output, ref, fee } = flags
    addSpan(path, { parent, kind, at: BigInt(now), name, input, output, ref, fee })
    print(`action ${spans.length}`)
    return exitCodes.ok
  },
})
