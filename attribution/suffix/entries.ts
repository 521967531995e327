/** u32 by place, in memory or on disk. */
export type Entries = {
  readonly length: number
  at(place: number): number
}

/** Entries in memory. */
export class HeldEntries implements Entries {
  readonly values: Uint32Array

  constructor(values: Uint32Array) {
    this.values = values
  }

  get length(): number {
    return this.values.length
  }

  at(place: number): number {
    return this.values[place] as number
  }
}
