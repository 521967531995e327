import { asHttpUrl } from '../../common/flag-parsers.ts'
import { spanFields, trailDigest, trailPaid, trailTree } from '../../protocol/agent-trail.ts'
import { bytesToHex, concatBytes, fixedHex, type Hex } from '../../protocol/bytes.ts'
import type { Signed, Voucher } from '../../protocol/voucher.ts'
import { asList } from '../worker/lists.ts'
import { type Action, action, optional, paper, type Query, query } from './action.ts'
import { agentArg, compact, legArg, trailFileArg, trailOf } from './agent-args.ts'
import { addressArg, fileArg, hashArg } from './arg-kinds.ts'
import { ContentPlaces, contentArgs } from './content-places.ts'
import { receiptPlace } from './graphql-claim.ts'
import { integer, readPaper, readSignature } from './papers.ts'
import { asHash, asUint64 } from './parsers.ts'
import { readRequestPaper } from './request-paper.ts'
import { readVoucherPaper } from './voucher-paper.ts'

/** wei that a challenger of a leg puts down: `LEG_BOND` of AgentTrails. */
const legBond = 10n ** 18n
const asBatches = (text: string): bigint[] => asList(text).map(asUint64)
const filesArg = (help: string) => ({ help, value: 'FILE,…', parse: asList, many: true as const })
const graphqlArg = { help: 'GraphQL of an indexer, which finds receipts', value: 'URL', parse: asHttpUrl }
const batchesArg = { help: 'batches that receipts are in', value: 'ID,…', parse: asBatches, many: true as const }
const batchArg = { help: 'the batch that settles the request', value: 'ID', parse: asUint64 }
const trailIdArg = hashArg('the trail')

/** AgentTrails: what an agent did, and what it can be held to. */
export const agentTrailTable: Readonly<Record<string, Action | Query>> = {
  anchor: action(
    'AgentTrails',
    'anchor',
    'Anchors the root of a trail, once: nothing can be added to it from now on.',
    { trail: trailFileArg },
    ({ trail: path }, chain) => {
      const { agentId, trailId, spans } = trailOf(path, chain)
      const tree = trailTree(spans)
      const roots = [bytesToHex(tree.root), bytesToHex(tree.topHash)]
      return { args: [agentId, trailId, ...roots, spans.length, trailPaid(spans)] }
    },
  ),
  'sign-trail': paper(
    'Signs that a file is all of a trail, as a key of the agent. Two such statements of one trail with different roots are a fault.',
    { trail: trailFileArg },
    async ({ trail: path }, chain) => {
      const { agentId, trailId, spans } = trailOf(path, chain)
      const statement = { agentId, trailId, root: bytesToHex(trailTree(spans).root), spans: spans.length }
      return { statement, signature: bytesToHex(chain.sign(trailDigest(chain.chainId, statement))) }
    },
  ),
  'verify-trail': query(
    'Holds a trail against the chain: its root against the anchored one, every paid leg against a receipt or payment. A forged leg is refused.',
    { trail: trailFileArg, graphql: optional(graphqlArg), batches: optional(batchesArg), ...contentArgs },
    async ({ trail: path, graphql, batches, ...content }, chain) => {
      const { batchAmong, batchByEvents, verifyTrail } = await import('../agent/verify-trail.ts')
      const { openLeg } = await import('../agent/opened-leg.ts')
      const places = new ContentPlaces(content)
      const open = (batch: bigint, requestId: Hex) => openLeg(chain, places, batch, requestId)
      const find = async (requestId: Hex) => {
        if (graphql !== undefined) return await receiptPlace(graphql, requestId)
        return (await batchAmong(batches ?? [], requestId, open)) ?? (await batchByEvents(chain, requestId))
      }
      return await verifyTrail(trailOf(path, chain), chain, find, open)
    },
  ),
  challenge: action(
    'AgentTrails',
    'challengeLeg',
    'Asks for the receipt of a paid leg of an anchored trail, with a bond of 1 OPEN: yours again where nobody shows it.',
    { trail: trailFileArg, leg: legArg },
    ({ trail, leg }, chain) => ({ args: openedLeg(trail, leg, chain), value: legBond }),
  ),
  prove: action(
    'AgentTrails',
    'proveLeg',
    'Shows the receipt of a challenged leg; whoever does has the challenger’s bond.',
    { trail: trailFileArg, leg: legArg, batch: batchArg, ...contentArgs },
    async ({ trail, leg, batch, ...content }, chain) => {
      const { openLeg } = await import('../agent/opened-leg.ts')
      const ref = trailOf(trail, chain).spans[leg]?.ref ?? (`0x${'00'.repeat(32)}` as const)
      const { receipt, request } = await openLeg(chain, new ContentPlaces(content), batch, ref)
      return { args: [...openedLeg(trail, leg, chain), receipt, request] }
    },
  ),
  'close-challenge': action(
    'AgentTrails',
    'closeChallenge',
    'Ends your challenge that nobody answered in time: the leg is forged.',
    { agent: agentArg, trail: trailIdArg, leg: legArg },
    ({ agent, trail, leg }) => ({ args: [agent, trail, leg] }),
  ),
  'forged-payment': action(
    'AgentTrails',
    'forgedPayment',
    'Shows that a paid leg names a payment that was not made.',
    { trail: trailFileArg, leg: legArg },
    ({ trail, leg }, chain) => ({ args: openedLeg(trail, leg, chain) }),
  ),
  'over-request': action(
    'AgentTrails',
    'overRequest',
    'Shows a voucher of an agent’s key above its limit of a request.',
    { voucher: fileArg('voucher') },
    ({ voucher }) => ({ args: signed(readVoucherPaper(voucher)) }),
  ),
  'over-day': action(
    'AgentTrails',
    'overDay',
    'Shows vouchers of an agent’s key that promise more than its limit of a UTC day, that of their deadlines.',
    { vouchers: filesArg('the vouchers') },
    ({ vouchers }) => {
      const read = vouchers.map(readVoucherPaper).sort((a, b) => (a.value.requestId < b.value.requestId ? -1 : 1))
      return { args: [read.map(({ value }) => value), read.map(({ signature }) => compact(signature))] }
    },
  ),
  'forbidden-model': action(
    'AgentTrails',
    'forbiddenModel',
    'Shows a voucher of an agent’s key for a model that it may not ask.',
    { voucher: fileArg('voucher'), request: fileArg('request that it pays') },
    async ({ voucher, request }) => {
      const { openedRequest } = await import('../../protocol/inference-request.ts')
      return { args: [...signed(readVoucherPaper(voucher)), openedRequest(readRequestPaper(request).request)] }
    },
  ),
  'two-trails': action(
    'AgentTrails',
    'twoTrails',
    'Shows two statements of one trail with different roots.',
    { one: fileArg('a signed statement'), other: fileArg('another one') },
    ({ one, other }) => ({ args: [...readStatement(one), ...readStatement(other)] }),
  ),
  'other-trail': action(
    'AgentTrails',
    'otherTrail',
    'Shows a statement of a trail with another root than the anchored one.',
    { statement: fileArg('the signed statement') },
    ({ statement }) => ({ args: readStatement(statement) }),
  ),
  'claim-owed': action(
    'AgentTrails',
    'claimOwed',
    'Pays you the bonds that are yours.',
    { to: addressArg('who is paid') },
    ({ to }) => ({ args: [to] }),
  ),
  'commit-evidence': action(
    'AgentTrails',
    'commitEvidence',
    'Commits to evidence that you will show within 50 blocks, so that nobody who copies it has the reward: keccak of your address, the subject and a salt.',
    { commitment: hashArg('the commitment') },
    ({ commitment }) => ({ args: [commitment] }),
  ),
  'take-over-reward': action(
    'AgentTrails',
    'takeOverReward',
    'Takes over a reward to whose subject you committed before its holder did.',
    { subject: hashArg('the subject'), salt: { help: 'the salt', value: 'HASH', parse: asHash } },
    ({ subject, salt }) => ({ args: [subject, salt] }),
  ),
  'pay-reward': action(
    'AgentTrails',
    'payReward',
    'Pays a reward that waited long enough.',
    { subject: hashArg('the subject'), to: addressArg('who is paid') },
    ({ subject, to }) => ({ args: [subject, to] }),
  ),
}

/** Agent, trail and opened action. Throws UsageError. */
function openedLeg(path: string, leg: number, chain: Parameters<typeof trailOf>[1]): readonly unknown[] {
  const { agentId, trailId, spans } = trailOf(path, chain)
  const span = spans[leg]
  if (span === undefined) throw new Error(`${path} has ${spans.length} actions, the first is 0`)
  const siblings = bytesToHex(concatBytes(...trailTree(spans).siblings(leg)))
  return [agentId, trailId, { span: spanFields(span, leg), siblings }]
}

const signed = ({ value, signature }: Signed<Voucher>): readonly unknown[] => [value, compact(signature)]

/** A statement and its signature. Throws UsageError. */
function readStatement(path: string): readonly unknown[] {
  return readPaper(path, (json) => {
    const { agentId, trailId, root, spans } = json['statement'] as Readonly<Record<string, unknown>>
    const statement = {
      agentId: integer(agentId, 256, 'agentId'),
      trailId: fixedHex(trailId, 32, 'trailId'),
      root: fixedHex(root, 32, 'root'),
      spans: Number(integer(spans, 32, 'spans')),
    }
    return [statement, compact(readSignature(json['signature']))]
  })
}
