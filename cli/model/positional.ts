import { UsageError } from '../../common/errors.ts'

/** The command's one argument. Throws {@link UsageError} where it is missing. */
export function positional([value]: readonly string[], what: string): string {
  if (value === undefined) throw new UsageError(`give ${what}`)
  return value
}
