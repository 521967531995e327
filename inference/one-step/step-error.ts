/** Why a step shows nothing, by the name of the error that the contracts revert with. */
export class StepError extends Error {
  override name = 'StepError'
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
