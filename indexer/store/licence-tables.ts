import { columns, table } from './columns.ts'

/** Tables of the LicencePolicy, kinds as in schema.ts. */
export const licenceStateTables = {
  /** Keyed by what users write: the SPDX identifier, or the id in hex. `text_hash`, `defined_by`: of one with explicit terms. */
  licence: table('licence', 'text', columns(['text_hash', 'defined_by'], ['terms', 'block'])),
  /** Keyed by model. */
  model_licence: table('model_licence', 'integer', columns(['licence'], ['terms', 'inherited', 'block'])),
} as const
