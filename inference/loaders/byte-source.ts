/** A file that is read in parts. Its owner opens and closes it. */
export type ByteSource = {
  /** For messages. */
  readonly name: string
  readonly size: number
  /** `length` bytes from `offset` on, both within `size`. Throws where the file is shorter than it was. */
  read(offset: number, length: number): Uint8Array
}
