import { nearDuplicates } from '../datanet/near-duplicates.ts'
import { search } from '../datanet/search.ts'

const summary = 'Texts of Datanet versions: searching them with citations, finding near-duplicates among them.'

export const command = { summary, actions: { search, 'near-duplicates': nearDuplicates } }
