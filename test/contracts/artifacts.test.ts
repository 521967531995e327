import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { codeRegistryAbi } from '../../contracts/abi/code-registry.ts'
import { datanetRegistryAbi } from '../../contracts/abi/datanet-registry.ts'
import { artifactsFolder } from '../../contracts/artifact.ts'
import { compileContracts } from '../../contracts/solidity.ts'
import { loadArtifact, testArtifactsFolder } from '../fakes/artifact.ts'

/** A minute and a half of the compiler: with the longer tests. */
const longer = 'OPENLEDGER_FUZZ' in process.env

test.runIf(longer)(
  'recompiling gives the committed artifacts, byte for byte',
  () => {
    const compiled = compileContracts()
    const committed = (folder: string) =>
      readdirSync(folder)
        .map((file) => file.replace('.json', ''))
        .sort()
    const isForTests = (name: string) => compiled.get(name)?.sourceName.startsWith('test/') === true
    const names = [...compiled.keys()].sort()
    expect(committed(artifactsFolder)).toEqual(names.filter((name) => !isForTests(name)))
    expect(committed(testArtifactsFolder)).toEqual(names.filter(isForTests))
    for (const [name, artifact] of compiled) expect(loadArtifact(name)).toEqual(artifact)
  },
  300_000,
)

test('typed interfaces are those of the artifacts', () => {
  expect(datanetRegistryAbi).toEqual(loadArtifact('DatanetRegistry').abi)
  expect(codeRegistryAbi).toEqual(loadArtifact('CodeRegistry').abi)
})

test('no contract is larger than an account may hold', () => {
  for (const file of readdirSync(artifactsFolder)) {
    const { deployedBytecode } = loadArtifact(file.replace('.json', ''))
    expect((deployedBytecode.length - 2) / 2, file).toBeLessThanOrEqual(24_576)
  }
})
