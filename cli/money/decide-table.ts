import { asSwitch } from '../../common/flag-parsers.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { type Action, action } from './action.ts'
import { idArg, nameArg } from './arg-kinds.ts'

const contributionArg = idArg('the contribution')
const reasonArg = { ...nameArg('why, as DUPLICATE or OFF-TOPIC'), default: zeroHash }
const acceptArg = { help: 'whether it is accepted', value: 'true|false', parse: asSwitch }

/** Rows of `openledger datanet` about what becomes of a contribution. */
export const decideTable: Readonly<Record<string, Action>> = {
  decide: action(
    'DatanetRegistry',
    'decide',
    'Accepts or rejects a pending contribution of your Datanet, or vetoes one that would be admitted by itself. The bond of a rejected one goes back.',
    { contribution: contributionArg, accept: acceptArg, reason: reasonArg },
    ({ contribution, accept, reason }) => ({ args: [contribution, accept, reason] }),
  ),
  'decide-batch': action(
    'DatanetRegistry',
    'decideBatch',
    'Accepts or rejects every contribution of a batch that was not decided or withdrawn alone.',
    { batch: idArg('the first contribution of the batch'), accept: acceptArg, reason: reasonArg },
    ({ batch, accept, reason }) => ({ args: [batch, accept, reason] }),
  ),
  admit: action(
    'DatanetRegistry',
    'admit',
    'Admits a contribution that stood through its veto window, or a whole batch by its first one. Anyone may, where admission is automatic.',
    { contribution: contributionArg },
    ({ contribution }) => ({ args: [contribution] }),
  ),
  withdraw: action(
    'DatanetRegistry',
    'withdrawConsent',
    'Takes a contribution of yours out of every later version. What was proven of earlier ones stays.',
    { contribution: contributionArg },
    ({ contribution }) => ({ args: [contribution] }),
  ),
  release: action(
    'DatanetRegistry',
    'releaseBond',
    'Releases the bond of a withdrawn contribution once its dispute time is over; its author fetches it by datanet refund.',
    { contribution: contributionArg },
    ({ contribution }) => ({ args: [contribution] }),
  ),
}
