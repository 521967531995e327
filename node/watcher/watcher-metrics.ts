import type { Counter, Gauge, Registry } from 'prom-client'
import { counter, gauge } from '../../common/metrics.ts'

/** What a watcher counts. */
export type WatcherMetrics = {
  readonly batches: Counter<'verdict'>
  readonly epochs: Counter<'verdict'>
  readonly sent: Counter<'kind' | 'outcome'>
  readonly community: Counter<'what' | 'outcome'>
  readonly unchecked: Gauge
}

export function watcherMetrics(registry: Registry): WatcherMetrics {
  return {
    batches: counter(registry, 'watcher_batches_checked_total', 'checks of batches by verdict', ['verdict']),
    epochs: counter(registry, 'watcher_epochs_checked_total', 'checks of epochs by verdict', ['verdict']),
    sent: counter(registry, 'watcher_transactions_total', 'transactions by what they do and how they ended', [
      'kind',
      'outcome',
    ]),
    community: counter(
      registry,
      'watcher_community_checks_total',
      'checks of batches, items and versions of Datanets',
      ['what', 'outcome'],
    ),
    unchecked: gauge(registry, 'watcher_batches_unchecked', 'immature batches that could not be checked yet'),
  }
}
