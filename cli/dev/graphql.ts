/** A dead part must not hold up who asks for long. */
const askMsMax = 5_000

/** What GraphQL answers. Throws for errors, and what `fetch` throws. */
export async function queryGraphql<T>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(askMsMax),
  })
  const { data, errors } = (await response.json()) as { data?: T; errors?: readonly { readonly message: string }[] }
  if (data === undefined || data === null || errors !== undefined)
    throw new Error(errors?.[0]?.message ?? `no answer from ${url}`)
  return data
}
