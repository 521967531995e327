import { spdxTerms } from '../../protocol/licences/spdx.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import { contractHandlers, noChange, shortText } from './event.ts'

/** Index of the LicencePolicy's events. */
export const licencePolicy = contractHandlers({
  'Initialized(uint64)': noChange,
  'LicenceListed(bytes32,uint8)': (event, { block, writer }) =>
    writer.set('licence', shortText(event.topic(1)), {
      terms: event.number(0),
      text_hash: null,
      defined_by: null,
      block,
    }),
  'LicenceDefined(bytes32,uint8,bytes32,address)': (event, { block, writer }) =>
    writer.set('licence', shortText(event.topic(1)), {
      terms: event.number(0),
      text_hash: event.word(1),
      defined_by: event.address(2),
      block,
    }),
  'ModelLicensed(uint64,bytes32,uint8,uint8)': (event, { block, writer }) =>
    writer.set('model_licence', event.topicNumber(1), {
      licence: shortText(event.topic(2)),
      terms: event.number(0),
      inherited: event.number(1),
      block,
    }),
})

/** The list that genesis gives the LicencePolicy. */
export function listLicences(writer: BlockWriter): void {
  for (const [spdx, terms] of spdxTerms) {
    writer.set('licence', spdx, { terms, text_hash: null, defined_by: null, block: 0 })
  }
}
