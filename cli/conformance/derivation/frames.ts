import { silentLog } from '../../../common/log.ts'
import { Channel } from '../../../node/derive/channel.ts'
import { ChannelAssembler } from '../../../node/derive/channel-assembler.ts'
import { ChannelBank } from '../../../node/derive/channel-bank.ts'
import { noCounters } from '../../../node/derive/counters.ts'
import { pruneFrames } from '../../../node/derive/frame-queue.ts'
import { end, item, type Pull } from '../../../node/derive/pull.ts'
import type { L1BlockRef } from '../../../protocol/block-ref.ts'
import { bytesToHex, FormatError, type Hex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { channelCompression } from '../../../protocol/channel-compression.ts'
import { type Frame, parseFrameAt, parseFrames } from '../../../protocol/frame.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import { bytes, child, type Fields, failUnknownSections, hasAny, integer, list } from '../fields.ts'
import { expectEqual, expectThrows, type Report, type VectorRunner } from '../vector.ts'

const sections = [
  'frameNotation',
  'frameDecoding',
  'parseFrames',
  'holoceneFrameQueuePrune',
  'holoceneChannelAssembler',
  'holoceneAssemblerTimeout',
  'channelBank',
  'channelAddFrame',
  'channelCompression',
]

/** Frames and channels; `<channel>:<number>:<data>[!]` writes a frame, `!` the last one. */
export const framesAndChannelsRunner: VectorRunner = {
  name: 'frames and channels',
  matches: (_folder, json) => hasAny(json, ...sections.slice(1)) && !hasAny(json, 'expected'),
  run: async (json, report) => {
    failUnknownSections(json as Fields, sections, report)
    for (const one of list(json, 'frameDecoding'))
      await report.check(`frameDecoding ${one['name']}`, () => checkFrame(one))
    for (const one of list(json, 'parseFrames')) await report.check(`parseFrames ${one['name']}`, () => checkParse(one))
    for (const one of list(json, 'holoceneFrameQueuePrune')) {
      await report.check(`prune ${one['name']}`, () => {
        expectEqual(pruneFrames(framesOf(one['frames'])).map(frameText), one['expected'], 'frames')
      })
    }
    for (const one of list(json, 'holoceneChannelAssembler'))
      await report.check(`assembler ${one['name']}`, () => checkAssembler(one))
    if (hasAny(json, 'holoceneAssemblerTimeout')) {
      await report.check('assembler timeout', () => checkTimeout(child(json, 'holoceneAssemblerTimeout')))
    }
    for (const one of list(json, 'channelBank')) await report.check(`bank ${one['name']}`, () => checkBank(one))
    for (const one of list(json, 'channelAddFrame'))
      await report.check(`addFrame ${one['name']}`, () => checkAddFrame(one))
    if (hasAny(json, 'channelCompression')) await checkCompression(child(json, 'channelCompression'), report)
  },
}

/** A letter names a channel: its character, 16 times. */
function channelId(name: string): Hex {
  return bytesToHex(new Uint8Array(16).fill(name.charCodeAt(0)))
}

function frameOf(text: unknown): Frame {
  const match = /^(.):(\d+):(.*?)(!?)$/s.exec(String(text))
  if (match === null) throw new Error(`frame notation ${String(text)}`)
  const [, name = '', number, data, last] = match
  return {
    channelId: channelId(name),
    frameNumber: Number(number),
    data: new TextEncoder().encode(data),
    isLast: last === '!',
  }
}

function framesOf(texts: unknown): Frame[] {
  return (texts as unknown[]).map(frameOf)
}

function frameText(frame: Frame): string {
  const name = String.fromCharCode(hexToBytes(frame.channelId)[0] ?? 0)
  return `${name}:${frame.frameNumber}:${new TextDecoder().decode(frame.data)}${frame.isLast ? '!' : ''}`
}

function checkFrame(one: Fields): void {
  const input = bytes(one['bytes'])
  const wanted = one['result']
  if (typeof wanted === 'string') {
    expectThrows(() => parseFrameAt(input, 0), wanted)
    return
  }
  const { frame } = parseFrameAt(input, 0)
  const fields = wanted as Fields
  expectEqual(frame.channelId, fields['id'], 'id')
  expectEqual(BigInt(frame.frameNumber), integer(fields['number']), 'number')
  expectEqual(bytesToHex(frame.data), fields['data'], 'data')
  expectEqual(frame.isLast, fields['isLast'], 'is last')
}

function checkParse(one: Fields): void {
  const input = bytes(one['bytes'])
  const wanted = String(one['result'])
  const count = /^(\d+) frames?$/.exec(wanted)?.[1]
  if (count === undefined) expectThrows(() => parseFrames(input), wanted)
  else expectEqual(parseFrames(input).length, Number(count), 'frames')
}

/** A source of frames at an L1 block that the test moves. */
class FrameFeed {
  origin: L1BlockRef = { hash: zeroHash, number: 0n, parentHash: zeroHash, timestamp: 100n }
  readonly frames: Frame[] = []

  at(number: bigint): void {
    this.origin = { ...this.origin, number }
  }

  nextFrame = async (): Promise<Pull<Frame>> => {
    const frame = this.frames.shift()
    return frame === undefined ? end : item(frame)
  }
}

const parts = { log: silentLog, counters: noCounters }

// The stages read the timeout and the fork times of a config and nothing else.
function stageConfig(channelTimeout: bigint, forkTimes: RollupConfig['forkTimes']): RollupConfig {
  return { channelTimeout, forkTimes } as RollupConfig
}

async function checkAssembler(one: Fields): Promise<void> {
  const feed = new FrameFeed()
  const bytesMax = one['maxRlpBytesPerChannel']
  const limit = bytesMax === null || bytesMax === undefined ? {} : { channelBytesMax: Number(integer(bytesMax)) }
  const assembler = new ChannelAssembler(stageConfig(300n, {}), feed, { ...parts, ...limit })
  for (const [i, batch] of (one['frameBatches'] as unknown[][]).entries()) {
    feed.frames.push(...framesOf(batch))
    const next = await nextChannel(assembler)
    const error = (one['expectError'] as unknown[])[i]
    expectEqual(next === undefined ? 'EOF' : null, error ?? null, `batch ${i} error`)
    expectEqual(
      next === undefined ? '' : new TextDecoder().decode(next),
      (one['expectData'] as unknown[])[i],
      `batch ${i} data`,
    )
    const staging = (one['stagingChannelAfter'] as unknown[])[i]
    expectEqual(
      assembler.staging?.id ?? '',
      staging === '' || staging === null ? '' : channelId(String(staging)),
      `batch ${i} staging channel`,
    )
  }
}

async function nextChannel(stage: { nextChannel(): Promise<Pull<Uint8Array>> }): Promise<Uint8Array | undefined> {
  for (;;) {
    const next = await stage.nextChannel()
    if (next.kind === 'item') return next.item
    if (next.kind === 'end') return undefined
  }
}

async function checkTimeout(one: Fields): Promise<void> {
  const feed = new FrameFeed()
  const assembler = new ChannelAssembler(stageConfig(300n, { granite: 0n }), feed, parts)
  for (const [i, step] of list(one, 'steps').entries()) {
    feed.at(integer(step['origin']))
    feed.frames.push(frameOf(step['add']))
    const next = await nextChannel(assembler)
    expectEqual(next, undefined, `step ${i} emits`)
    const wanted = step['channel']
    expectEqual(assembler.staging?.id ?? null, wanted === null ? null : channelId(String(wanted)), `step ${i} channel`)
  }
}

/** Outputs in order: null for "call again", data for a channel, EOF for the end. */
async function checkBank(one: Fields): Promise<void> {
  const feed = new FrameFeed()
  feed.frames.push(...framesOf(one['frames']))
  const forkTimes = one['canyon'] === true ? { regolith: 0n, canyon: 0n } : {}
  const bank = new ChannelBank(stageConfig(integer(one['channelTimeout']), forkTimes), feed, parts)
  for (const [i, wanted] of (one['outputs'] as unknown[]).entries()) {
    const next = await bank.nextChannel()
    const got = next.kind === 'item' ? new TextDecoder().decode(next.item) : next.kind === 'end' ? 'EOF' : null
    expectEqual(got, wanted, `output ${i}`)
  }
}

function checkAddFrame(one: Fields): void {
  const isHolocene = one['holocene'] === true
  const channel = new Channel(
    channelId('A'),
    { hash: zeroHash, number: 0n, parentHash: zeroHash, timestamp: 0n },
    isHolocene,
  )
  for (const [i, frame] of framesOf(one['frames']).entries()) {
    let failed = 0n
    try {
      channel.addFrame(frame)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      failed = 1n
    }
    expectEqual(failed, integer((one['errors'] as unknown[])[i]), `frame ${i} refused`)
    expectEqual(BigInt(channel.size), integer((one['sizes'] as unknown[])[i]), `size after frame ${i}`)
  }
}

async function checkCompression(section: Fields, report: Report): Promise<void> {
  for (const one of list(section, 'cases')) {
    const first = String(one['first'])
    const starts = first.startsWith('zlib') ? [0x78, 0x7f] : [Number.parseInt(first, 16)]
    const forks = one['fjord'] === 'any' ? [true, false] : [one['fjord'] === true]
    await report.check(`compression ${first}, Fjord ${String(one['fjord'])}`, () => {
      for (const start of starts) {
        for (const isFjord of forks) {
          const read = () => channelCompression(Uint8Array.of(start, 0), isFjord)
          if (one['ok'] === true) read()
          else expectThrows(read, first)
        }
      }
    })
  }
}
