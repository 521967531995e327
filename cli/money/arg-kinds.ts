import { asAddress, asText } from '../../common/flag-parsers.ts'
import * as parse from './parsers.ts'

/** Arguments that many actions share: how each is shown and read. */
export const addressArg = (help: string) => ({ help, value: 'ADDRESS', parse: asAddress })
export const openArg = (help: string) => ({
  help: `${help}, in OPEN, or wei as 150wei`,
  value: 'OPEN',
  parse: parse.asOpen,
})
export const hashArg = (help: string) => ({ help, value: 'HASH', parse: parse.asHash })
export const nameArg = (help: string) => ({
  help: `${help}: a hash or a short text`,
  value: 'HASH|TEXT',
  parse: parse.asHashOrName,
})
export const idArg = (help: string) => ({ help, value: 'ID', parse: parse.asUint64 })
export const textArg = (help: string) => ({ help, value: 'TEXT', parse: asText })
export const fileArg = (help: string) => ({ help, value: 'FILE', parse: asText })
export const whenArg = (help: string) => ({
  help: `${help}: from now on as 90s, 15m, 12h or 30d, or Unix seconds`,
  value: 'TIME',
  parse: parse.asWhen,
})
export const modelArg = {
  help: 'model and version, as 7.2; 7 is version 1 of model 7',
  value: 'ID[.VERSION]',
  parse: parse.asModelRef,
}
export const classArg = { help: 'proof class, 0 to 5', value: 'N', parse: parse.asProofClass }
export const classesArg = (help: string) => ({ help, value: 'N,…', parse: parse.asClasses, many: true })
export const poolArg = { help: 'the pool', value: 'stakers|treasury|datanet:ID', parse: parse.asPool }
