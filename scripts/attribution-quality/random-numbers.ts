/** Numbers of [0, 1) that depend on the seed only. Park and Miller's generator. */
export function randomNumbers(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
