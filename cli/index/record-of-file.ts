import { basename } from 'node:path'
import { readIndexRecord } from '../../attribution/suffix/index-file.ts'
import { type IndexRecord, indexId } from '../../attribution/suffix/index-record.ts'
import { SuffixError } from '../../attribution/suffix/suffix-error.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'

/** Throws UsageError for a file that cannot be read, is no index, or another than its name says. */
export function recordOfFile(path: string): IndexRecord {
  const record = readRecord(path)
  const id = indexId(record)
  if (basename(path) !== `${id}.oli`)
    throw new UsageError(`${path} is the index ${id}, which is not its name: build it again`)
  return record
}

function readRecord(path: string): IndexRecord {
  try {
    return readIndexRecord(path)
  } catch (error) {
    if (error instanceof SuffixError) throw new UsageError(`${path}: ${error.message}`)
    throw new UsageError(`${path} cannot be read: ${errorMessage(error)}`)
  }
}
