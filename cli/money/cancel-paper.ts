import { UsageError } from '../../common/errors.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { type Cancel, cancelStructHash, cancelTypes, type Signed } from '../../protocol/voucher.ts'
import { paper } from './action.ts'
import { fileArg } from './arg-kinds.ts'
import { readPaper, readSignature, readStruct, tokensArg } from './papers.ts'
import { readRequestPaper } from './request-paper.ts'

export const makeCancel = paper(
  'Signs the consent to settle a cut stream for the tokens that were delivered. Nothing is sent.',
  { request: fileArg('request made by infer request'), 'output-tokens': tokensArg('tokens that were delivered') },
  async ({ request: path, 'output-tokens': output }, chain) => {
    const { request, requestId } = readRequestPaper(path)
    if (chain.sender() !== request.payer) throw new UsageError(`only ${request.payer} can cancel its request`)
    const cancel: Cancel = { requestId, tout: output.length, outputRoot: bytesToHex(tokenListRoot(output)) }
    const signature = chain.sign(moneyDigest(request.chainId, cancelStructHash(cancel)))
    return { cancel, signature: bytesToHex(signature) }
  },
)

/** Throws {@link UsageError}. */
export function readCancelPaper(path: string): Signed<Cancel> {
  return readPaper(path, (json) => readCancel(json))
}

/** Throws FormatError. */
export function readCancel(json: Readonly<Record<string, unknown>>): Signed<Cancel> {
  const value = readStruct<Cancel>(cancelTypes, 'Cancel', json['cancel'])
  return { value, signature: readSignature(json['signature']) }
}
