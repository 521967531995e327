/** The part of the package we use; it ships no types. */
declare module 'snappyjs' {
  /** Raw snappy ("block" format). */
  export function compress(data: Uint8Array): Uint8Array
}
