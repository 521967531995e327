/** Gas of any transaction. Source: yellow paper, appendix G. */
export const txGas = 21_000n
/** EIP-4844: GAS_PER_BLOB. */
export const gasPerBlob = 131_072n
/** EIP-7623: what a non-zero byte of calldata costs at least, in a transaction that does little else. */
export const floorGasPerByte = 40n

/** Gas of a transaction that carries `data` to an account without code (EIP-2028, EIP-7623). */
export function calldataGas(data: Uint8Array): bigint {
  let zeros = 0
  for (const byte of data) if (byte === 0) zeros++
  const nonZeros = data.length - zeros
  return txGas + BigInt(Math.max(4 * zeros + 16 * nonZeros, 10 * zeros + Number(floorGasPerByte) * nonZeros))
}
