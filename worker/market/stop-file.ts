import { stopBytes } from '../../inference/answer/stops.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import { JobError } from '../jobs/job-error.ts'

/** What `stopHash` is the hash of: `05 ‖ n u8 ‖ (length u8 ‖ bytes) …`; nothing for no strings. */
export function stopFile(stops: readonly Uint8Array[]): Uint8Array {
  if (stops.length === 0) return new Uint8Array(0)
  return concatBytes(Uint8Array.of(5), stopBytes(stops))
}

/** The strings of a file whose hash was looked at. Throws {@link JobError} `stop-mismatch` where it is of another form. */
export function stopsOf(file: Uint8Array): Uint8Array[] {
  const stops: Uint8Array[] = []
  for (let at = 2; at < file.length; ) {
    const end = at + 1 + (file[at] ?? 0)
    stops.push(file.slice(at + 1, end))
    at = end
  }
  if (Buffer.compare(stopFile(stops), file) !== 0) throw new JobError('stop-mismatch', 'stopHash is of no stop strings')
  return stops
}
