import { nearDuplicates } from '../datanet/near-duplicates.ts'
import { outliers } from '../datanet/outliers.ts'
import { search } from '../datanet/search.ts'

const summary =
  'Texts of Datanet versions: searching them with citations, finding near-duplicates and outliers among them.'

export const command = { summary, actions: { search, 'near-duplicates': nearDuplicates, outliers } }
