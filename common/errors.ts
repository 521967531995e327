/** An error whose `code` says what the caller should do; `message` says what was wrong and what to do. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** Bad input from the person at the command line: printed without a stack trace, exit code 2. */
export class UsageError extends CodedError<'usage'> {
  constructor(message: string, options?: ErrorOptions) {
    super('usage', message, options)
  }
}

/** What a thrown value says, causes included, on one line. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${errorMessage(error.cause)}`
  return `${error.message}${cause}`
}
