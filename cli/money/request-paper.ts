import { randomBytes } from 'node:crypto'
import { UsageError } from '../../common/errors.ts'
import { bytesToBigint, bytesToHex, FormatError, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { feeOf, type Shares } from '../../protocol/fee.ts'
import { type InferenceRequest, modelVersionHash, requestIdOf, requestTypes } from '../../protocol/inference-request.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { optional, paper } from './action.ts'
import { classArg, hashArg, modelArg, openArg, textArg, whenArg } from './arg-kinds.ts'
import { lastPrice, priceOf } from './model-queries.ts'
import { objectOf, readPaper, readStruct, readTokens, tokensArg, tokensJson } from './papers.ts'
import { asUint32, asUint64 } from './parsers.ts'
import { RefusedError } from './refused.ts'
import { Amount, Time } from './values.ts'
import { atTime } from './when.ts'

/** A request with its id; the prompt's tokens where the payer gives them away with it. */
export type RequestPaper = {
  readonly request: InferenceRequest
  readonly requestId: Hex
  readonly prompt: Uint32Array | undefined
}

const number = (help: string, fallback: string) => ({ help, value: 'N', parse: asUint32, default: fallback })

export const makeRequest = paper(
  'Makes a request of who signs or of --from, with the price that is in force, and prints its id. Nothing is sent.',
  {
    model: modelArg,
    class: classArg,
    'prompt-tokens': optional(tokensArg('tokens of the prompt')),
    'prompt-root': optional(hashArg('root of the tokens of the prompt, where the worker has them already')),
    'max-tokens': number('most tokens of the answer', '256'),
    price: optional({ help: 'number of the price; absent: the last one', value: 'N', parse: asUint32 }),
    'max-fee': optional(openArg('greatest fee; absent: what --max-tokens cost')),
    deadline: { ...whenArg('until when it may be answered'), default: '1h' },
    nonce: optional({ help: 'number that makes it unlike others; absent: a random one', value: 'N', parse: asUint64 }),
    'app-code': optional(textArg('app code that the builder share goes to')),
    template: optional(hashArg('hash of the chat template')),
    'temp-q16': number('temperature times 65536; 0: the likeliest token', '0'),
    'top-k': number('tokens to choose from; 0: all', '0'),
    'top-p-q16': number('probability to choose from, times 65536', '65536'),
    stop: optional(hashArg('hash of the stop strings')),
    adapter: optional({
      help: 'adapter and its weight; in the order given',
      value: 'ROOT:WEIGHT',
      parse: asAdapters,
      many: true,
    }),
  },
  async (values, chain) => {
    const { model, class: proofClass, 'prompt-tokens': prompt, 'prompt-root': root } = values
    if ((prompt === undefined) === (root === undefined))
      throw new UsageError('give either --prompt-tokens or --prompt-root')
    const priceVersion =
      values.price ?? (await lastPrice(chain, model.id, model.version, proofClass))?.priceVersion ?? 0
    const modelVersion = modelVersionHash(model.id, model.version)
    const price = await priceOf(chain, modelVersion, proofClass, priceVersion)
    const deadline = await atTime(values.deadline, chain)
    if (price.setAt === 0n) {
      throw new RefusedError(`model ${model.id}.${model.version} has no price ${priceVersion} in class ${proofClass}`)
    }
    if (price.validUntil < deadline) {
      throw new RefusedError(
        `price ${priceVersion} ends at ${new Time(price.validUntil)}, before the deadline ${new Time(deadline)}: wait for a new price or take an earlier --deadline`,
      )
    }
    const shares = (await chain.read('RevenueSplitter', 'sharesOf', [price.sharesVersion])) as Shares
    const maxTokens = values['max-tokens']
    const maxFee = values['max-fee'] ?? (prompt && feeOf(prompt.length, maxTokens, price, shares))
    if (maxFee === undefined)
      throw new UsageError('--max-fee is required with --prompt-root: its tokens are not counted here')
    const code = values['app-code']
    const request: InferenceRequest = {
      chainId: chain.chainId,
      payer: chain.sender(),
      nonce: values.nonce ?? bytesToBigint(randomBytes(8)),
      modelVersion,
      adapters: values.adapter ?? [],
      templateHash: values.template ?? zeroHash,
      promptRoot: root ?? bytesToHex(tokenListRoot(prompt ?? [])),
      sampling: {
        tempQ16: values['temp-q16'],
        topK: values['top-k'],
        topPQ16: values['top-p-q16'],
        maxTokens,
        stopHash: values.stop ?? zeroHash,
      },
      class: proofClass,
      priceVersion,
      maxFee,
      appCode: code === undefined ? zeroHash : bytesToHex(keccak256(new TextEncoder().encode(code))),
      deadline,
    }
    const requestId = requestIdOf(request)
    chain.note(`request ${requestId}: at most ${new Amount(maxFee)}, until ${new Time(deadline)}`)
    return { requestId, request, ...(prompt === undefined ? {} : { prompt: tokensJson(prompt) }) }
  },
)

/** Throws {@link UsageError}. */
export function readRequestPaper(path: string): RequestPaper {
  return readPaper(path, (json) => {
    const request = readStruct<InferenceRequest>(requestTypes, 'Request', objectOf(json['request'], 'request'))
    const prompt = json['prompt'] === undefined ? undefined : readTokens(json['prompt'], 'prompt')
    if (prompt !== undefined && bytesToHex(tokenListRoot(prompt)) !== request.promptRoot) {
      throw new FormatError('the prompt is not the one that the request names')
    }
    return { request, requestId: requestIdOf(request), prompt }
  })
}

function asAdapters(text: string) {
  return text.split(',').map((each) => {
    const [root = '', weight = '', ...rest] = each.trim().split(':')
    if (rest.length > 0 || !/^0x[0-9a-fA-F]{64}$/.test(root) || !/^\d{1,5}$/.test(weight) || Number(weight) > 0xffff) {
      throw new Error('must be ROOT:WEIGHT, a hash and a number below 65536')
    }
    return { root: root.toLowerCase() as Hex, weight: Number(weight) }
  })
}
