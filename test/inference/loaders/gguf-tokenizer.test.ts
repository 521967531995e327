import { expect, test } from 'vitest'
import { Fields } from '../../../inference/loaders/fields.ts'
import { ggufTokenizer } from '../../../inference/loaders/gguf-tokenizer.ts'
import { LoadError } from '../../../inference/loaders/load-error.ts'

test('a token of a megabyte is refused at once, before its ways to be merged are tried', () => {
  const metadata = Fields.of('x.gguf', {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': ['a', 'a'.repeat(2 ** 20)],
    'tokenizer.ggml.token_type': [1, 1],
    'tokenizer.ggml.scores': [0, -1],
  })
  expect(() => ggufTokenizer(metadata, 2)).toThrow(LoadError)
  expect(() => ggufTokenizer(metadata, 2)).toThrow('token 1 has 1048576 characters, at most 1024')
})
