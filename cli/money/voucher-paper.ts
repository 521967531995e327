import { UsageError } from '../../common/errors.ts'
import { bytesToHex, FormatError } from '../../protocol/bytes.ts'
import { recoverCompact } from '../../protocol/compact-signature.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { channelOf, type Signed, type Voucher, voucherStructHash, voucherTypes } from '../../protocol/voucher.ts'
import { optional, paper } from './action.ts'
import { addressArg, fileArg, openArg } from './arg-kinds.ts'
import { readChannel } from './infer-queries.ts'
import { readPaper, readSignature, readStruct } from './papers.ts'
import { readRequestPaper } from './request-paper.ts'
import { Amount } from './values.ts'

export const makeVoucher = paper(
  'Signs a voucher: your word that the worker may take the fee of a request, up to its greatest, out of your channel. Nothing is sent.',
  {
    request: fileArg('request made by infer request'),
    worker: addressArg('the worker'),
    previous: optional(fileArg('your last voucher for this worker, where it was not settled yet')),
    cap: optional(
      openArg(
        'all that vouchers may ever take of the channel; absent: what was taken, or the last voucher allows, and the greatest fee',
      ),
    ),
  },
  async ({ request: path, worker, previous: previousPath, cap }, chain) => {
    const { request, requestId } = readRequestPaper(path)
    const payer = chain.sender()
    if (payer !== request.payer)
      throw new UsageError(`the request is one of ${request.payer}; ${payer} cannot pay for it`)
    if (request.chainId !== chain.chainId) throw new UsageError(`the request is for chain ${request.chainId}`)
    const channel = channelOf(payer, worker)
    const { balance, spent } = await readChannel(chain, channel)
    const previous = previousPath === undefined ? undefined : readVoucherPaper(previousPath).value
    if (previous !== undefined && previous.channel !== channel) throw new UsageError('--previous is for another worker')
    const promised = previous === undefined || previous.cumulativeCap < spent ? spent : previous.cumulativeCap
    const cumulativeCap = cap ?? promised + request.maxFee
    if (cumulativeCap > spent + balance) {
      chain.note(
        `the channel lacks ${new Amount(cumulativeCap - spent - balance)}: deposit it before the worker settles`,
      )
    }
    const { maxFee, deadline } = request
    const voucher: Voucher = { channel, requestId, worker, maxFee, cumulativeCap, deadline }
    const signature = chain.sign(moneyDigest(chain.chainId, voucherStructHash(voucher)))
    return { voucher, signature: bytesToHex(signature) }
  },
)

/** Throws {@link UsageError}. */
export function readVoucherPaper(path: string): Signed<Voucher> {
  return readPaper(path, (json) => readVoucher(json))
}

/** Throws FormatError. */
export function readVoucher(json: Readonly<Record<string, unknown>>): Signed<Voucher> {
  const value = readStruct<Voucher>(voucherTypes, 'Voucher', json['voucher'])
  return { value, signature: readSignature(json['signature']) }
}

/** Throws FormatError where another than the payer signed. */
export function requireSigner(payer: string, digest: Uint8Array, signature: Uint8Array, what: string): void {
  const signer = bytesToHex(recoverCompact(digest, signature))
  if (signer !== payer) throw new FormatError(`the ${what} is signed by ${signer}, not by the payer ${payer}`)
}
