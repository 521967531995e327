export { hashLeaves, hashNodes } from './sha256'
export { countTokens, sortSuffixes } from './suffix-sort'
