import { expect, test } from 'vitest'
import { attestationInterfaces } from '../../contracts/attestation-interfaces.ts'
import { packageContract } from '../../genesis/package-contracts.ts'

type Field = { readonly name: string; readonly type: string; readonly components?: readonly Field[] }
type Item = {
  readonly type: string
  readonly name?: string
  readonly inputs?: readonly (Field & { readonly indexed?: boolean })[]
  readonly outputs?: readonly Field[]
}

const typeOf = ({ type, components }: Field): string =>
  components === undefined ? type : `(${components.map((each) => `${typeOf(each)} ${each.name}`).join(',')})`
const formOf = ({ type, name, inputs = [], outputs = [] }: Item) =>
  `${type} ${name}(${inputs.map((each) => `${typeOf(each)}${each.indexed === true ? ' indexed' : ''}`)}) ${outputs.map(typeOf)}`

test.each(Object.keys(attestationInterfaces))('what we call of %s is what stands at its predeploy', (name) => {
  const theirs = new Set((packageContract(name).abi as readonly Item[]).map(formOf))
  const ours = (attestationInterfaces[name] as readonly unknown[] as readonly Item[]).map(formOf)
  expect(ours.length).toBeGreaterThan(3)
  expect(ours.filter((form) => !theirs.has(form))).toEqual([])
})
