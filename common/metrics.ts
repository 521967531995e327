import { Counter, Gauge, type Registry } from 'prom-client'

/** The counter of that name in `registry`, made on first use; two components of one kind share it and differ by label. */
export function counter<L extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Counter<L> {
  const known = registry.getSingleMetric(name)
  if (known instanceof Counter) return known as Counter<L>
  return new Counter({ name, help, labelNames: [...labelNames], registers: [registry] })
}

/** The gauge of that name in `registry`, made on first use. */
export function gauge<L extends string = never>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: readonly L[] = [],
): Gauge<L> {
  const known = registry.getSingleMetric(name)
  if (known instanceof Gauge) return known as Gauge<L>
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
}
