import { asCount } from '../../common/flag-parsers.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { type Action, action, optional, type Query } from './action.ts'
import { addressArg, classArg, classesArg, hashArg, idArg, modelArg, nameArg, openArg, whenArg } from './arg-kinds.ts'
import { showModel, showModels } from './model-queries.ts'
import { asHashes, asParents, asTrainedOn } from './parsers.ts'
import { atTime } from './when.ts'

const versionArgs = {
  weights: hashArg('hash of the manifest of the weights'),
  'config-hash': hashArg('hash of the configuration'),
  'training-root': optional(hashArg('root of what it was trained on')),
  index: optional({
    help: 'ids of the suffix indexes that its answers are attributed with, ascending',
    value: 'HASH,…',
    parse: asHashes,
    many: true,
  }),
}

type VersionValues = {
  readonly weights: `0x${string}`
  readonly 'config-hash': `0x${string}`
  readonly 'training-root': `0x${string}` | undefined
  readonly index: readonly `0x${string}`[] | undefined
}

const versionOf = (values: VersionValues) => ({
  weightsManifest: values.weights,
  configHash: values['config-hash'],
  trainingRoot: values['training-root'] ?? zeroHash,
  indexIds: values.index ?? [],
})

/** `openledger model`: ModelRegistry. */
export const modelTable: Readonly<Record<string, Action | Query>> = {
  register: action(
    'ModelRegistry',
    'register',
    'Registers a model with its first version; it belongs to who signs. Parents and their shares are fixed with it.',
    {
      kind: { help: 'kind of model, a number of its community', value: 'N', parse: asCount, default: '0' },
      classes: classesArg('proof classes offered'),
      licence: nameArg('its licence'),
      ...versionArgs,
      parent: optional({
        help: 'what it was made from: model, relation, basis points of its revenue, of all descendants or of the child alone',
        value: 'ID:fine-tune|merge|quantise|distil|adapter:BPS[:of-all|of-child]',
        parse: asParents,
        many: true,
      }),
      'trained-on': optional({
        help: 'Datanets it was trained on: Datanet, version, weight in basis points',
        value: 'DATANET:VERSION:BPS',
        parse: asTrainedOn,
        many: true,
      }),
    },
    (values) => {
      const { kind, classes, licence, parent = [], 'trained-on': datanets = [] } = values
      const params = { kind, verifyClasses: classes, licenceId: licence, version: versionOf(values) }
      return { args: [params, parent, datanets] }
    },
  ),
  publish: action(
    'ModelRegistry',
    'publish',
    "Publishes a model's next version.",
    { model: idArg('the model'), ...versionArgs },
    (values) => ({ args: [values.model, versionOf(values)] }),
  ),
  'set-price': action(
    'ModelRegistry',
    'setPrice',
    'Sets the next price of a version in a proof class, in force at once. Prices before it stay valid for as long as they promised.',
    {
      model: modelArg,
      class: classArg,
      rin: openArg('price of 1,000 prompt tokens'),
      rout: openArg('price of 1,000 answer tokens'),
      'valid-until': whenArg('end of the price, 30 days away at most'),
    },
    async ({ model, class: proofClass, rin, rout, 'valid-until': until }, chain) => ({
      args: [model.id, model.version, proofClass, rin, rout, await atTime(until, chain)],
    }),
  ),
  'commit-eval': action(
    'ModelRegistry',
    'commitEval',
    'Commits to what an evaluation will ask, before anybody has seen its result.',
    { model: idArg('the model'), suite: hashArg('hash of the suite') },
    ({ model, suite }) => ({ args: [model, suite] }),
  ),
  'record-eval': action(
    'ModelRegistry',
    'recordEval',
    'Records the one result of a version under a suite that was committed before.',
    {
      model: modelArg,
      suite: hashArg('hash of the suite'),
      result: hashArg('root of the result'),
      attestation: optional(hashArg('uid of an attestation of it')),
    },
    ({ model, suite, result, attestation = zeroHash }) => ({
      args: [model.id, model.version, suite, result, attestation],
    }),
  ),
  transfer: action(
    'ModelRegistry',
    'transfer',
    'Gives a model away: the right to change it at once, its revenue from the next day (UTC) on.',
    { model: idArg('the model'), to: addressArg('who gets it') },
    ({ model, to }) => ({ args: [model, to] }),
  ),
  deprecate: action(
    'ModelRegistry',
    'deprecate',
    'Ends a model: no new versions or prices; prices promised stay valid. It cannot be undone.',
    { model: idArg('the model') },
    ({ model }) => ({ args: [model] }),
  ),
  show: showModel,
  list: showModels,
}
