/** An idle machine takes milliseconds for what is waited for with it; a busy one must not fail. Below the limit of a unit test. */
export const patienceMs = 50_000

/** Waits until it is so. Throws after `msMax`, with what was waited for. */
export async function until(isSo: () => boolean | Promise<boolean>, msMax = patienceMs): Promise<void> {
  const endMs = performance.now() + msMax
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`not within ${msMax} ms: ${isSo}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
