import { randomBytes } from 'node:crypto'
import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import type { RpcMethods } from '../../../../common/json-rpc-server.ts'
import { bytesToHex, type Hex } from '../../../../protocol/bytes.ts'
import type { HeadEvent } from '../chain-view.ts'
import { headLogs } from './head-logs.ts'
import { filterChangesMax, filterIdleMs, filtersMax } from './limits.ts'
import { blockLogs, findLogs, type LogCriteria, type LogRange, logFilterParam } from './log-filter.ts'
import type { RpcParts } from './rpc-parts.ts'

type Filter = {
  readonly kind: 'logs' | 'blocks' | 'transactions'
  readonly logs?: { readonly criteria: LogCriteria; readonly range: LogRange }
  changes: unknown[]
  askedAtMs: number
}

/** eth_getLogs and the polled filters. */
export function ethFilterMethods(parts: RpcParts): RpcMethods {
  const { chain } = parts
  const filters = new Filters(parts)
  const logsOf = (id: unknown) => {
    const logs = filters.use(id).logs
    if (logs === undefined) throw filterNotFound()
    return logs
  }
  return {
    eth_getLogs: async ([filter]) => {
      const { criteria, range } = logFilterParam(filter)
      return await findLogs(chain, criteria, range)
    },
    eth_newFilter: ([filter]) => filters.add({ kind: 'logs', logs: logFilterParam(filter) }),
    eth_newBlockFilter: () => filters.add({ kind: 'blocks' }),
    eth_newPendingTransactionFilter: () => filters.add({ kind: 'transactions' }),
    eth_uninstallFilter: ([id]) => filters.remove(id),
    eth_getFilterLogs: async ([id]) => {
      const { criteria, range } = logsOf(id)
      return await findLogs(chain, criteria, range)
    },
    eth_getFilterChanges: ([id]) => {
      const filter = filters.use(id)
      const { changes } = filter
      filter.changes = []
      return changes
    },
  }
}

/** Listens to chain and pool only while there are filters; drops those that nobody polls. */
class Filters {
  readonly #parts: RpcParts
  readonly #byId = new Map<unknown, Filter>()
  #stop: (() => void) | undefined

  constructor(parts: RpcParts) {
    this.#parts = parts
  }

  add(filter: Pick<Filter, 'kind' | 'logs'>): Hex {
    this.#expire()
    if (this.#byId.size >= filtersMax) {
      throw new RpcError(rpcCodes.limitExceeded, `there are already ${filtersMax} filters`)
    }
    this.#stop ??= this.#listen()
    // Unguessable, as a filter's changes go to whoever asks first.
    const id = bytesToHex(randomBytes(16))
    this.#byId.set(id, { ...filter, changes: [], askedAtMs: this.#parts.clock.nowMs() })
    return id
  }

  use(id: unknown): Filter {
    this.#expire()
    const filter = this.#byId.get(id)
    if (filter === undefined) throw filterNotFound()
    filter.askedAtMs = this.#parts.clock.nowMs()
    return filter
  }

  remove(id: unknown): boolean {
    const existed = this.#byId.delete(id)
    this.#expire()
    return existed
  }

  #listen(): () => void {
    const { chain, pool } = this.#parts
    const stopHead = chain.onHead((event) => this.#collectHead(event))
    const stopPool = pool.onPending(({ hash }) => this.#collect('transactions', () => [hash]))
    return () => {
      stopHead()
      stopPool()
    }
  }

  #collectHead(event: HeadEvent): void {
    this.#collect('blocks', () => event.added.map(({ hash }) => hash))
    this.#collect('logs', ({ logs }) =>
      logs === undefined
        ? []
        : headLogs(event, (block) =>
            isInside(logs.range, block.header.number) ? blockLogs(this.#parts.chain, block, logs.criteria) : [],
          ),
    )
    this.#expire()
  }

  #collect(kind: Filter['kind'], changes: (filter: Filter) => readonly unknown[]): void {
    for (const [id, filter] of this.#byId) {
      if (filter.kind !== kind) continue
      for (const change of changes(filter)) filter.changes.push(change)
      if (filter.changes.length > filterChangesMax) this.#byId.delete(id)
    }
  }

  #expire(): void {
    const now = this.#parts.clock.nowMs()
    for (const [id, { askedAtMs }] of this.#byId) if (now - askedAtMs > filterIdleMs) this.#byId.delete(id)
    if (this.#byId.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }
}

/** Numbers bound what a filter reports; tags mean "from now on". */
function isInside(range: LogRange, number: bigint): boolean {
  if ('blockHash' in range) return false
  const { from, to } = range
  return (!('number' in from) || number >= from.number) && (!('number' in to) || number <= to.number)
}

function filterNotFound(): RpcError {
  return new RpcError(rpcCodes.server, 'filter not found')
}
