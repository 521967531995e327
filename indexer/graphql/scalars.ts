import { GraphQLScalarType, type ValueNode } from 'graphql'
import { queryError } from './query-error.ts'

/** Scalars by name; each is written out and read by one rule. */
export const scalars = {
  BigInt: scalar('BigInt', (value) => {
    const text = String(value)
    if (!/^-?\d{1,78}$/.test(text))
      throw queryError('BAD_INPUT', `BigInt must be a decimal integer, got ${text.slice(0, 80)}`)
    return String(BigInt(text))
  }),
  Address: scalar('Address', (value) => hex(value, 'Address', 20)),
  Bytes: scalar('Bytes', (value) => {
    if (value instanceof Uint8Array)
      return `0x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`
    return hex(value, 'Bytes')
  }),
  Timestamp: scalar('Timestamp', (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw queryError('BAD_INPUT', 'Timestamp must be whole seconds')
    return value
  }),
}

function scalar(name: string, convert: (value: unknown) => string | number): GraphQLScalarType {
  return new GraphQLScalarType({
    name,
    serialize: convert,
    parseValue: convert,
    parseLiteral: (node: ValueNode) => {
      if (node.kind === 'IntValue') return convert(name === 'Timestamp' ? Number(node.value) : node.value)
      if (node.kind === 'StringValue') return convert(node.value)
      throw queryError('BAD_INPUT', `${name} must be a string`)
    },
  })
}

function hex(value: unknown, name: string, length?: number): string {
  const digits = length === undefined ? '(?:[0-9a-fA-F]{2})*' : `[0-9a-fA-F]{${2 * length}}`
  if (typeof value !== 'string' || !new RegExp(`^0x${digits}$`).test(value)) {
    throw queryError(
      'BAD_INPUT',
      `${name} must be 0x and ${length === undefined ? 'an even number of' : 2 * length} hex digits`,
    )
  }
  return value.toLowerCase()
}
