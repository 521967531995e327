import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'

/** A piece of a channel. Spec: protocol/derivation.md, "Frame Format". */
export type Frame = {
  /** 16 bytes. */
  readonly channelId: Hex
  readonly frameNumber: number
  readonly data: Uint8Array
  readonly isLast: boolean
}

/** First byte of batcher data that carries frames. */
export const derivationVersion0 = 0
/** Bytes of data a frame may have. */
export const frameBytesMax = 1_000_000
/** Bytes of a frame besides its data: id 16, number 2, length 4, is_last 1. */
export const frameOverheadBytes = 23
/** Frames a channel may have: the frame number is a u16. */
export const framesPerChannelMax = 65_535

/** All frames of one batcher datum. Throws {@link FormatError} at anything malformed: then none of them counts. */
export function parseFrames(data: Uint8Array): Frame[] {
  if (data.length === 0) throw new FormatError('batcher data is empty')
  if (data[0] !== derivationVersion0) throw new FormatError(`batcher data of version ${data[0]}`)
  const frames: Frame[] = []
  let offset = 1
  while (offset < data.length) {
    const { frame, end } = parseFrameAt(data, offset)
    frames.push(frame)
    offset = end
  }
  if (frames.length === 0) throw new FormatError('batcher data holds no frame')
  return frames
}

/** The frame that begins at `offset`. Throws {@link FormatError}. */
export function parseFrameAt(bytes: Uint8Array, offset: number): { readonly frame: Frame; readonly end: number } {
  const dataStart = offset + 22
  if (dataStart > bytes.length) throw new FormatError('frame header is cut short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = view.getUint32(offset + 18)
  if (length > frameBytesMax) throw new FormatError(`frame of ${length} bytes exceeds ${frameBytesMax}`)
  const last = bytes[dataStart + length]
  if (last === undefined) throw new FormatError('frame is cut short')
  if (last > 1) throw new FormatError(`frame is_last is ${last}`)
  return {
    frame: {
      channelId: bytesToHex(bytes.subarray(offset, offset + 16)),
      frameNumber: view.getUint16(offset + 16),
      data: bytes.subarray(dataStart, dataStart + length),
      isLast: last === 1,
    },
    end: dataStart + length + 1,
  }
}

export function encodeFrame(frame: Frame): Uint8Array {
  return concatBytes(
    hexToBytes(frame.channelId),
    uintBytes(frame.frameNumber, 2),
    uintBytes(frame.data.length, 4),
    frame.data,
    Uint8Array.of(frame.isLast ? 1 : 0),
  )
}

/** A batcher datum with these frames: version byte, then each frame. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  return concatBytes(Uint8Array.of(derivationVersion0), ...frames.map(encodeFrame))
}

/** Cuts a channel's bytes into frames of at most `bytesMax` bytes each, overhead included. Throws {@link FormatError} past 65,535 frames. */
export function frameChannel(channelId: Hex, data: Uint8Array, bytesMax: number): Frame[] {
  const dataBytes = Math.min(bytesMax - frameOverheadBytes, frameBytesMax)
  if (dataBytes <= 0) throw new FormatError(`frames of ${bytesMax} bytes hold no data`)
  const count = Math.max(1, Math.ceil(data.length / dataBytes))
  if (count > framesPerChannelMax) throw new FormatError(`channel of ${data.length} bytes needs ${count} frames`)
  return Array.from({ length: count }, (_, i) => ({
    channelId,
    frameNumber: i,
    data: data.subarray(i * dataBytes, (i + 1) * dataBytes),
    isLast: i === count - 1,
  }))
}
