import type { ASTVisitor, FieldNode, FragmentDefinitionNode, SelectionSetNode, ValidationContext } from 'graphql'
import { pageNodesDefault, pageNodesMax } from './connection.ts'
import { queryError } from './query-error.ts'

/** Tokens of a document; the parser stops there. */
export const tokensMax = 2000
/** Fields nested in each other; introspection needs 13. */
export const depthMax = 15
/** Renamed fields of a document: the same list many times over. */
export const aliasesMax = 30
/** Nodes that a query may ask for, page sizes multiplied down its lists. Depth alone would let 100 × 100 × 100 through. */
export const costMax = 20_000

/** Refuses documents that are too deep, too repetitive or too dear, before anything is read. */
export function limitRule(context: ValidationContext): ASTVisitor {
  return {
    Document: (document) => {
      const fragments = new Map(
        document.definitions.flatMap((node): [string, FragmentDefinitionNode][] =>
          node.kind === 'FragmentDefinition' ? [[node.name.value, node]] : [],
        ),
      )
      for (const definition of document.definitions) {
        if (definition.kind !== 'OperationDefinition') continue
        const measured = { aliases: 0, cost: 0 }
        measure(definition.selectionSet, { fragments, measured, seen: [] }, 1, 1)
        if (measured.aliases > aliasesMax)
          context.reportError(queryError('LIMIT_EXCEEDED', `a document may have ${aliasesMax} aliases`))
        if (measured.cost > costMax) {
          context.reportError(
            queryError(
              'LIMIT_EXCEEDED',
              `the query may ask for ${measured.cost} nodes, ${costMax} are allowed; ask for fewer with first`,
            ),
          )
        }
      }
    },
  }
}

type Walk = {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly measured: { aliases: number; cost: number }
  /** Fragments being expanded: a cycle is another rule's error. */
  readonly seen: readonly string[]
}

function measure(set: SelectionSetNode, walk: Walk, depth: number, times: number): void {
  if (depth > depthMax) throw queryError('LIMIT_EXCEEDED', `fields may be nested ${depthMax} deep`)
  for (const selection of set.selections) {
    if (selection.kind === 'FragmentSpread') {
      const name = selection.name.value
      const fragment = walk.fragments.get(name)
      if (fragment !== undefined && !walk.seen.includes(name))
        measure(fragment.selectionSet, { ...walk, seen: [...walk.seen, name] }, depth, times)
    } else if (selection.kind === 'InlineFragment') measure(selection.selectionSet, walk, depth, times)
    else measureField(selection, walk, depth, times)
    if (walk.measured.cost > costMax) return
  }
}

function measureField(field: FieldNode, walk: Walk, depth: number, times: number): void {
  if (field.alias !== undefined) walk.measured.aliases++
  if (field.selectionSet === undefined) return
  const names = field.selectionSet.selections.flatMap((selection) =>
    selection.kind === 'Field' ? [selection.name.value] : [],
  )
  const isList = names.some((name) => ['nodes', 'edges', 'pageInfo', 'totalCount'].includes(name))
  const asked = times * (isList ? pageSize(field) : 1)
  walk.measured.cost += asked
  measure(field.selectionSet, walk, depth + 1, asked)
}

/** A page size that stands in a variable counts as the largest. */
function pageSize(field: FieldNode): number {
  const first = field.arguments?.find((argument) => argument.name.value === 'first')?.value
  if (first === undefined) return pageNodesDefault
  return first.kind === 'IntValue' ? Math.min(Math.max(Number(first.value), 1), pageNodesMax) : pageNodesMax
}
