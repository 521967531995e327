import { RpcError, rpcCodes } from '../../../../../common/json-rpc.ts'
import { FormatError } from '../../../../../protocol/bytes.ts'
import { traceTimeoutMs } from '../limits.ts'
import { booleanParam, objectParam, optional } from '../params.ts'
import { callTracer } from './call-tracer.ts'
import type { ExecutionTracer } from './execution-tracer.ts'
import { prestateTracer } from './prestate-tracer.ts'
import { structLogger } from './struct-logger.ts'

export type TraceOptions = {
  /** A fresh tracer for each execution. */
  readonly create: () => ExecutionTracer
  readonly timeoutMs: number
}

/** Parses the options of the debug_trace methods. Throws {@link FormatError} or {@link RpcError}. */
export function traceOptionsParam(value: unknown): TraceOptions {
  const options = optional(value, (item) => objectParam(item, 'trace options')) ?? {}
  const config = optional(options['tracerConfig'], (item) => objectParam(item, 'tracerConfig')) ?? {}
  return { create: factory(options, config), timeoutMs: optional(options['timeout'], durationParam) ?? traceTimeoutMs }
}

function factory(options: Record<string, unknown>, config: Record<string, unknown>): () => ExecutionTracer {
  const flag = (record: Record<string, unknown>, key: string) => booleanParam(record[key], key)
  switch (options['tracer'] ?? '') {
    case '': {
      const limit = optional(options['limit'], limitParam) ?? 0
      const disableStack = flag(options, 'disableStack')
      return () => structLogger({ disableStack, limit })
    }
    case 'callTracer': {
      const calls = { onlyTopCall: flag(config, 'onlyTopCall'), withLog: flag(config, 'withLog') }
      return () => callTracer(calls)
    }
    case 'prestateTracer': {
      const diffMode = flag(config, 'diffMode')
      return () => prestateTracer({ diffMode })
    }
    case 'noopTracer':
      return () => ({ listener: {}, result: () => ({}) })
    default:
      throw new RpcError(
        rpcCodes.invalidParams,
        'unknown tracer: callTracer, prestateTracer, noopTracer and the default one exist',
      )
  }
}

function limitParam(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new FormatError('limit is a count')
  return value
}

/** A Go duration with one unit; clamped to the node's limit. */
function durationParam(value: unknown): number {
  const match = typeof value === 'string' ? /^(\d{1,9})(ms|s|m)$/.exec(value) : null
  if (match === null) throw new FormatError('timeout must look like 500ms, 5s or 1m')
  const unitMs = { ms: 1, s: 1_000, m: 60_000 }[match[2] ?? 's'] ?? 1_000
  return Math.min(Number(match[1]) * unitMs, traceTimeoutMs)
}
