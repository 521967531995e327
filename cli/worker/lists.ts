import { asHttpUrls, asText } from '../../common/flag-parsers.ts'
import { fixedHex, type Hex } from '../../protocol/bytes.ts'

/** Texts between commas; none for an empty one. */
export const asList = (text: string): readonly string[] =>
  text === '' ? [] : text.split(',').map((part) => asText(part.trim()))

/** URLs between commas; none for an empty text. */
export const asUrlList = (text: string): readonly string[] => (text === '' ? [] : asHttpUrls(text))

export const asAddresses = (text: string): readonly Hex[] =>
  asList(text).map((part) => fixedHex(part.toLowerCase(), 20, 'address'))
