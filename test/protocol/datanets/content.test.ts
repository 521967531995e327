import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes } from '../../../protocol/bytes.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { canonicalText } from '../../../protocol/datanets/canonical-text.ts'
import {
  allowsTraining,
  decodeConsent,
  encodeConsent,
  permissions,
  purposes,
} from '../../../protocol/datanets/consent.ts'
import { contributionOfFile, extensions, type MediaType, mediaTypes } from '../../../protocol/datanets/media-types.ts'
import { metadataBytes, readMetadata } from '../../../protocol/datanets/metadata.ts'
import { rowsOf } from '../../../protocol/datanets/rows.ts'

const text = (value: string) => new TextEncoder().encode(value)
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const refusal = (run: () => unknown) => {
  try {
    run()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

describe('the canonical form of a text', () => {
  const unit = fc.constantFrom(
    'a',
    ' ',
    '\t',
    '\n',
    '\r',
    'é',
    'e\u0301',
    '\ufeff',
    '한',
    '\u1112\u1161\u11ab',
    '\u2028',
  )
  const texts = fc.array(unit, { maxLength: 40 }).map((units) => units.join(''))

  test('twins by line ends, composition, byte order mark or trailing spaces have one content hash', () => {
    const hash = (value: string) => contentHash(canonicalText(text(value)))
    const one = hash('Zoë\nwas here')
    for (const twin of ['Zoë\r\nwas here', 'Zoe\u0308\nwas here\n', '\ufeffZoë  \nwas here\t\n\n', 'Zoë\rwas here']) {
      expect(hash(twin)).toBe(one)
    }
    for (const other of ['Zoë\n\nwas here', ' Zoë\nwas here', 'zoë\nwas here']) expect(hash(other)).not.toBe(one)
  })

  test('the form of a form is itself, and so is that of its twins', () => {
    fc.assert(
      fc.property(texts, (value) => {
        const form = decode(canonicalText(text(value)))
        expect(decode(canonicalText(text(form)))).toBe(form)
        expect(decode(canonicalText(text(form.replaceAll('\n', '\r\n'))))).toBe(form)
        expect(decode(canonicalText(text(form.normalize('NFD'))))).toBe(form)
      }),
    )
  })

  test('what is no UTF-8, or has a zero byte, is refused by name', () => {
    for (const bytes of [Uint8Array.of(0xff), Uint8Array.of(0xc3), Uint8Array.of(0x61, 0)]) {
      expect(refusal(() => canonicalText(bytes))).toBe('NOT_UTF8')
    }
  })
})

describe('media types', () => {
  const files: readonly (readonly [MediaType, string, Uint8Array])[] = [
    ['text', 'a.md', text('# words')],
    ['text', 'a.pdf', text('%PDF-1.7')],
    ['text', 'a.docx', concatBytes(text('PK'), Uint8Array.of(3, 4))],
    ['image', 'a.png', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)],
    ['image', 'a.JPG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0)],
    ['image', 'a.webp', text('RIFF....WEBP')],
    ['audio', 'a.mp3', Uint8Array.of(0xff, 0xfb, 0x90, 0x64)],
    ['audio', 'b.mp3', text('ID3')],
    ['audio', 'a.wav', text('RIFF....WAVE')],
    ['structured', 'a.jsonl', text('{"a":1}')],
    ['structured', 'a.parquet', text('PAR1')],
  ]

  test('a file of a Datanet’s type is taken, and refused by every other', () => {
    for (const [type, name, bytes] of files) {
      for (const asked of mediaTypes) {
        const code = refusal(() => contributionOfFile(asked, name, bytes))
        expect(code, `${name} in ${asked}`).toBe(asked === type ? undefined : 'TYPE_MISMATCH')
      }
    }
  })

  test('an mp3 that is called a text is refused, and so is every file under another’s name', () => {
    const mp3 = concatBytes(text('ID3'), new Uint8Array(20))
    expect(refusal(() => contributionOfFile('text', 'song.txt', mp3))).toBe('TYPE_MISMATCH')
    for (const type of mediaTypes) {
      for (const extension of extensions[type]) {
        const junk = concatBytes(Uint8Array.of(0xfe, 0, 0xff), text(extension))
        expect(
          refusal(() => contributionOfFile(type, `a.${extension}`, junk)),
          extension,
        ).toBe('TYPE_MISMATCH')
      }
    }
    expect(refusal(() => contributionOfFile('text', 'no-extension', text('a')))).toBe('TYPE_MISMATCH')
  })
})

test('consent goes into twelve bits and back; a refused training is known', () => {
  const consents = fc.record(Object.fromEntries(purposes.map((purpose) => [purpose, fc.constantFrom(...permissions)])))
  fc.assert(
    fc.property(consents, (consent) => {
      const mask = encodeConsent(consent)
      expect(decodeConsent(mask)).toEqual(consent)
      expect(allowsTraining(mask)).toBe(consent['aiTraining'] !== 'notAllowed')
    }),
  )
  expect(() => decodeConsent(0x1000)).toThrow()
})

test('metadata without its source, with another field or an empty one is refused by name', () => {
  const whole = { source: 'a book', use: 'training', schema: 'text', context: 'chapter 1' }
  expect(decode(metadataBytes(whole))).toBe(
    '{"context":"chapter 1","schema":"text","source":"a book","use":"training"}',
  )
  const refused = (json: unknown) => refusal(() => readMetadata(json))
  expect(refused({ use: 'training' })).toBe('MISSING_FIELD')
  expect(refused({ ...whole, colour: 'red' })).toBe('UNKNOWN_FIELD')
  for (const bad of [
    { ...whole, source: ' ' },
    { ...whole, use: 7 },
    { ...whole, source: 'x'.repeat(2_049) },
    [],
    null,
  ]) {
    expect(refused(bad)).toBe('BAD_FIELD')
  }
})

test('the same file gives the same rows, however its lines end', () => {
  const rows = (name: string, file: string) => rowsOf(name, text(file)).map(decode)
  expect(rows('a.txt', 'one\ntwo\n\n\nthree \n')).toEqual(['one\ntwo', 'three'])
  expect(rows('a.txt', '\ufeffone\r\ntwo\r\n\r\nthree')).toEqual(['one\ntwo', 'three'])
  expect(rows('a.csv', 'name,age\nAda,36\n\nBob,41')).toEqual(['name,age\nAda,36', 'name,age\nBob,41'])
  expect(rows('a.jsonl', '{"b": 1, "a": 2}\n\n{"a":3}')).toEqual(['{"a":2,"b":1}', '{"a":3}'])
  expect(refusal(() => rows('a.jsonl', '{'))).toBe('BAD_FIELD')
})
