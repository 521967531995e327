import { createHash } from 'node:crypto'
import { concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'

/** Of so many layers of class SAMPLED one is drawn; `SAMPLED_FACTOR` of InferenceMarket. */
const layersPerDrawn = 8

/**
 * The layers of an answer that the beacon of its batch draws: of all layers those ⌈n / 8⌉ of the least
 * `SHA-256(0x06 ‖ beacon ‖ requestId ‖ layer u32)`, ascending. docs/canonical-inference.md §12.5.
 */
export function drawnLayers(layers: number, beacon: Hex, requestId: Hex): number[] {
  const rank = (layer: number) =>
    createHash('sha256')
      .update(concatBytes(Uint8Array.of(6), hexToBytes(beacon), hexToBytes(requestId), uintBytes(layer, 4)))
      .digest('hex')
  const ranked = Array.from({ length: layers }, (_, layer) => ({ layer, rank: rank(layer) }))
  const drawn = ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, Math.ceil(layers / layersPerDrawn))
  return drawn.map(({ layer }) => layer).sort((a, b) => a - b)
}
