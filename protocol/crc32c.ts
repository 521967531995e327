/** CRC-32C (Castagnoli), as snappy's framing format uses it. Source: RFC 3720, appendix B.4. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffff_ffff
  for (let i = 0; i < data.length; i++) crc = (crc >>> 8) ^ (table[(crc ^ (data[i] as number)) & 0xff] as number)
  return (crc ^ 0xffff_ffff) >>> 0
}

/** The polynomial 0x1edc6f41, bits reversed. */
const polynomial = 0x82f6_3b78

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1
  return remainder >>> 0
})
