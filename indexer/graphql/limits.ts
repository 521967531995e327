import type {
  ASTVisitor,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLNamedType,
  GraphQLOutputType,
  SelectionSetNode,
  ValidationContext,
} from 'graphql'
import { pageNodesDefault, pageNodesMax } from './connection.ts'
import { queryError } from './query-error.ts'

/** Bytes of a request: the largest document with its variables. */
export const requestBytesMax = 128 * 1024
/** Tokens of a document; the parser stops there. */
export const tokensMax = 2000
/** Fields nested in each other; introspection needs 13. */
export const depthMax = 15
/** Renamed fields of a document: the same list many times over. */
export const aliasesMax = 30
/** Objects a query may ask for, page sizes multiplied down its lists. Depth alone would let 100 × 100 × 100 through. */
export const costMax = 20_000
/** What a `totalCount` counts for: as many reads as a page. */
const countCost = 100

/** Refuses documents that are too deep, too repetitive or too dear, before anything is read. */
export function limitRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition: (operation) => {
      const root = context.getSchema().getRootType(operation.operation)
      if (root === null || root === undefined) return
      const { depth, aliases, once: cost } = new Measurer(context).selection(operation.selectionSet, root)
      const refuse = (message: string) => context.reportError(queryError('LIMIT_EXCEEDED', message))
      if (depth > depthMax) refuse(`fields may be nested ${depthMax} deep, the query nests ${depth}`)
      if (aliases > aliasesMax) refuse(`a query may have ${aliasesMax} aliases, this one has ${aliases}`)
      if (cost > costMax)
        refuse(`the query may ask for ${cost} objects, ${costMax} are allowed; ask for fewer with first`)
    },
  }
}

type Size = {
  readonly depth: number
  readonly aliases: number
  /** Objects asked for; in a connection, those beside its nodes. */
  readonly once: number
  /** Objects asked for by each node of a connection. */
  readonly each: number
}
const nothing: Size = { depth: 0, aliases: 0, once: 0, each: 0 }

/** Each fragment is measured once, however often it is spread: fragments in fragments would double at each level. */
class Measurer {
  readonly #context: ValidationContext
  readonly #fragments = new Map<FragmentDefinitionNode, Size>()

  constructor(context: ValidationContext) {
    this.#context = context
  }

  selection(set: SelectionSetNode, type: GraphQLNamedType): Size {
    const sizes = set.selections.map((selection): Size => {
      if (selection.kind === 'Field') return this.#field(selection, type)
      if (selection.kind === 'InlineFragment') return this.selection(selection.selectionSet, type)
      const fragment = this.#context.getFragment(selection.name.value)
      return fragment === null || fragment === undefined ? nothing : this.#fragment(fragment, type)
    })
    return {
      depth: Math.max(0, ...sizes.map((size) => size.depth)),
      aliases: sizes.reduce((sum, size) => sum + size.aliases, 0),
      once: sizes.reduce((sum, size) => sum + size.once, 0),
      each: sizes.reduce((sum, size) => sum + size.each, 0),
    }
  }

  #fragment(fragment: FragmentDefinitionNode, type: GraphQLNamedType): Size {
    const known = this.#fragments.get(fragment)
    if (known !== undefined) return known
    // A fragment inside itself counts nothing: it is another rule's error.
    this.#fragments.set(fragment, nothing)
    const size = this.selection(fragment.selectionSet, type)
    this.#fragments.set(fragment, size)
    return size
  }

  #field(field: FieldNode, parent: GraphQLNamedType): Size {
    const aliases = field.alias === undefined ? 0 : 1
    const definition = 'getFields' in parent ? parent.getFields()[field.name.value] : undefined
    // Introspection has no pages; graphql's own rule bounds its lists.
    const type = definition === undefined ? parent : namedType(definition.type as GraphQLOutputType)
    const inner = field.selectionSet === undefined ? nothing : this.selection(field.selectionSet, type)
    return { depth: inner.depth + 1, aliases: inner.aliases + aliases, ...fieldCost(field, type, parent, inner) }
  }
}

function fieldCost(field: FieldNode, type: GraphQLNamedType, parent: GraphQLNamedType, inner: Size) {
  if (field.selectionSet === undefined) return { once: field.name.value === 'totalCount' ? countCost : 0, each: 0 }
  if (isConnection(type)) return { once: inner.once + pageSize(field) * (1 + inner.each), each: 0 }
  if (isConnection(parent)) return { once: 0, each: inner.once }
  return { once: 1 + inner.once, each: 0 }
}

/** By hand: graphql's own function fails where an application and its libraries hold two copies of graphql. */
function namedType(type: GraphQLOutputType): GraphQLNamedType {
  return 'ofType' in type ? namedType(type.ofType) : type
}

const isConnection = (type: GraphQLNamedType): boolean => type.name.endsWith('Connection')

/** A page size that stands in a variable counts as the largest. */
function pageSize(field: FieldNode): number {
  const size = field.arguments?.find(({ name }) => name.value === 'first' || name.value === 'last')?.value
  if (size === undefined) return pageNodesDefault
  return size.kind === 'IntValue' ? Math.min(Math.max(Number(size.value), 1), pageNodesMax) : pageNodesMax
}
