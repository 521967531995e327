import { moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { oneOf } from '../../common/flag-parsers.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256, keccakHex } from '../../protocol/keccak.ts'
import { type Action, action, type ChainAccess } from './action.ts'
import { addressArg, idArg } from './arg-kinds.ts'

/** What a reward of the DatanetJudge is for, as EvidenceRewards numbers it. */
const scopes = { fault: 6, signature: 7 } as const
type What = keyof typeof scopes

const args = {
  contribution: idArg('the contribution'),
  for: {
    help: 'what is rewarded: its fault, of whatever kind, or the signature that was demanded',
    value: 'fault|signature',
    parse: oneOf('fault', 'signature'),
    default: 'fault',
  },
}
type Values = { readonly contribution: bigint; readonly for: What }

/** Rows of `openledger datanet` about rewards for what was shown of contributions. docs/DATANETS.md §9. */
export const rewardTable: Readonly<Record<string, Action>> = {
  'commit-evidence': action(
    'DatanetJudge',
    'commitEvidence',
    'Commits to evidence about a contribution that you will show within 50 blocks, so that nobody who copies it has the reward. Your key brings the salt back.',
    args,
    (values, chain) => {
      const subject = subjectOf(values)
      const parts = [chain.sender(), subject, evidenceSalt(chain, subject)].map(hexToBytes)
      return { args: [keccakHex(concatBytes(...parts))] }
    },
  ),
  'take-over-reward': action(
    'DatanetJudge',
    'takeOverReward',
    'Takes over a reward to which you committed before its holder did, within 50 blocks.',
    args,
    (values, chain) => {
      const subject = subjectOf(values)
      return { args: [subject, evidenceSalt(chain, subject)] }
    },
  ),
  'pay-reward': action(
    'DatanetJudge',
    'payReward',
    'Pays your reward for what you showed of a contribution, 50 blocks after you did.',
    { ...args, to: addressArg('who is paid') },
    ({ to, ...values }) => ({ args: [subjectOf(values), to] }),
  ),
}

function subjectOf({ contribution, for: what }: Values): Hex {
  return keccakHex(concatBytes(uintBytes(scopes[what], 32), uintBytes(contribution, 32), uintBytes(0, 32)))
}

/** Of the key alone: signatures are deterministic, so nothing has to be kept between commitment and evidence. */
function evidenceSalt(chain: ChainAccess, subject: Hex): Hex {
  const label = new TextEncoder().encode('OpenLedger evidence')
  const place = concatBytes(uintBytes(chain.chainId, 8), hexToBytes(moneyContracts.DatanetJudge), hexToBytes(subject))
  return bytesToHex(keccak256(chain.sign(keccak256(concatBytes(label, place)))))
}
