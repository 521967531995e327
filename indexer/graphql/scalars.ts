import { GraphQLScalarType, type ValueNode } from 'graphql'
import { queryError } from './query-error.ts'

const addressForm = /^0x[0-9a-f]{40}$/i
const bytesForm = /^0x(?:[0-9a-f]{2})*$/i

/** Scalars by name; each is written out and read by one rule. */
export const scalars = {
  BigInt: scalar('BigInt', (value) => {
    const text = String(value)
    if (!/^-?\d{1,78}$/.test(text))
      throw queryError('BAD_INPUT', `BigInt must be a decimal integer, got ${text.slice(0, 80)}`)
    return String(BigInt(text))
  }),
  Address: scalar('Address', (value) => hex(value, 'Address', addressForm, '40')),
  Bytes: scalar('Bytes', (value) => {
    if (value instanceof Uint8Array)
      return `0x${Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex')}`
    return hex(value, 'Bytes', bytesForm, 'an even number of')
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

function hex(value: unknown, name: string, form: RegExp, digits: string): string {
  if (typeof value !== 'string' || !form.test(value))
    throw queryError('BAD_INPUT', `${name} must be 0x and ${digits} hex digits`)
  return value.toLowerCase()
}
