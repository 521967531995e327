import { UsageError } from '../../common/errors.ts'
import { asAddress, asText } from '../../common/flag-parsers.ts'
import type { FlagTable } from '../../common/flags.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { type CommandContext, defineCommand, exitCodes } from '../command.ts'
import { asJson, contentSource, rpcTimeoutMs } from '../index/sources.ts'
import { datanetFlags, versionRefs } from './datanet-flags.ts'

const flags = {
  ...datanetFlags,
  datanet: {
    ...datanetFlags.datanet,
    help: 'Datanet and version, as 3.2; not needed to verify a folder without a chain',
  },
  out: { help: 'folder that description, statement and files are written to', value: 'DIR', parse: asText },
  verify: {
    help: 'folder with them, checked without a chain; with --datanet also against it',
    value: 'DIR',
    parse: asText,
  },
  owner: { help: 'who must have signed the statement', value: 'ADDRESS', parse: asAddress },
} as const satisfies FlagTable

type Values = CommandContext<typeof flags>['flags']

export const statement = defineCommand({
  summary:
    "Writes a Datanet version's description, the owner's signed statement and the files to a folder, or verifies such a folder. Exits with 1, naming the reason, where anything in it was changed. docs/LICENCES.md",
  positionals: '',
  positionalsMax: 0,
  flags,
  run: async ({ flags: values, signal, print }) => {
    const found =
      values.verify === undefined ? await written(values, signal) : await verified(values.verify, values, signal)
    if (values.json) print(asJson(found))
    else for (const [name, value] of Object.entries(found)) print(`${name}: ${value}`)
    return found.refused === undefined ? exitCodes.ok : exitCodes.failed
  },
})

export const croissant = defineCommand({
  summary:
    "Shows a Datanet version's description, Croissant 1.1 JSON-LD, checked against its hash on chain; with --verify DIR checks a folder's files against the description in it. docs/LICENCES.md",
  positionals: '',
  positionalsMax: 0,
  flags,
  run: async ({ flags: values, signal, print }) => {
    const { checkFiles, StatementError } = await import('../../attribution/datanets/statement.ts')
    const { contentHash } = await import('../../protocol/content-hash.ts')
    const { croissantFile, readVersionFile, versionHashes } = await import('./version-folder.ts')
    if (values.verify === undefined) {
      if (values.out !== undefined)
        throw new UsageError('--out is of datanet statement; the description goes to standard output')
      const { contentOf } = await import('../../chain/indexes/version-content.ts')
      const { croissantHash } = await versionHashes(rpcOf(values, signal), oneVersion(values))
      const bytes = await contentOf(croissantHash, await contentSource(values, signal))
      if (bytes === undefined) throw new UsageError(`nobody here has the description ${croissantHash}`)
      print(new TextDecoder().decode(bytes))
      return exitCodes.ok
    }
    const folder = values.verify
    const bytes = readVersionFile(folder, croissantFile)
    if (bytes === undefined) throw new UsageError(`there is no ${croissantFile} in ${folder}`)
    try {
      const files = checkFiles(bytes, (name) => readVersionFile(folder, name))
      const hash = contentHash(bytes)
      if (values.datanet !== undefined) {
        const { croissantHash } = await versionHashes(rpcOf(values, signal), oneVersion(values))
        if (croissantHash !== hash)
          throw new StatementError('hash', `the description has hash ${hash}, not ${croissantHash}`)
      }
      print(values.json ? asJson({ files, croissantHash: hash }) : `${files} files are as described, ${hash}`)
      return exitCodes.ok
    } catch (error) {
      if (!(error instanceof StatementError)) throw error
      print(
        values.json ? asJson({ refused: error.code, why: error.message }) : `refused, ${error.code}: ${error.message}`,
      )
      return exitCodes.failed
    }
  },
})

type Found = Readonly<Record<string, unknown>> & { readonly refused?: string }

async function written(values: Values, signal: AbortSignal): Promise<Found> {
  if (values.out === undefined) throw new UsageError('give --out DIR to write a version, or --verify DIR to check one')
  const { versionHashes, writeVersionFolder } = await import('./version-folder.ts')
  const hashes = await versionHashes(rpcOf(values, signal), oneVersion(values))
  const files = await writeVersionFolder(values.out, hashes, await contentSource(values, signal))
  return { written: files.length, croissantHash: hashes.croissantHash, statementHash: hashes.statementHash }
}

async function verified(folder: string, values: Values, signal: AbortSignal): Promise<Found> {
  const { StatementError, verifyStatement } = await import('../../attribution/datanets/statement.ts')
  const { DsseError } = await import('../../attribution/datanets/dsse.ts')
  const { croissantFile, readVersionFile, statementFile, versionHashes } = await import('./version-folder.ts')
  const [envelope, described] = [readVersionFile(folder, statementFile), readVersionFile(folder, croissantFile)]
  if (envelope === undefined) throw new UsageError(`there is no ${statementFile} in ${folder}`)
  if (described === undefined) throw new UsageError(`there is no ${croissantFile} in ${folder}`)
  const onChain = values.datanet === undefined ? {} : await versionHashes(rpcOf(values, signal), oneVersion(values))
  try {
    const { signer, version, itemsRoot, files } = verifyStatement(envelope, {
      ...onChain,
      signer: values.owner,
      croissant: described,
      file: (name) => readVersionFile(folder, name),
    })
    return { version, signer, itemsRoot, files }
  } catch (error) {
    if (error instanceof StatementError || error instanceof DsseError)
      return { refused: error.code, why: error.message }
    throw error
  }
}

function rpcOf({ rpc }: Values, signal: AbortSignal): HttpRpcClient {
  return new HttpRpcClient({ url: rpc, timeoutMs: rpcTimeoutMs, signal })
}

/** Throws UsageError. */
function oneVersion(values: Values) {
  const [ref, ...others] = versionRefs(values.datanet)
  if (ref === undefined || others.length > 0) throw new UsageError('--datanet names one version')
  return ref
}
