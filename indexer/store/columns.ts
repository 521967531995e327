/** Columns of a state table by their type. */
export const columns = <const Texts extends readonly string[], const Integers extends readonly string[]>(
  texts: Texts,
  integers: Integers,
) =>
  ({
    ...Object.fromEntries(texts.map((name) => [name, 'text'])),
    ...Object.fromEntries(integers.map((name) => [name, 'integer'])),
  }) as Record<Texts[number], 'text'> & Record<Integers[number], 'integer'>

export const table = <Name extends string, Columns extends Record<string, 'integer' | 'text'>>(
  name: Name,
  keyType: 'integer' | 'text',
  shape: Columns,
) => ({ name, keyType, columns: shape })
