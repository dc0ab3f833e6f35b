/**
 * The shape of the generated tables: Kafka's message definitions as data. A version range is [low, high], inclusive.
 */
export type VersionRange = readonly [low: number, high: number]

export interface FieldTable {
  readonly name: string
  /** int8 ... uuid, bytes, records, a struct's name, or one of these after `[]`. */
  readonly type: string
  readonly versions: readonly number[]
  readonly nullable?: readonly number[]
  /** Absent for structs. Bytes default to empty and are written as ''. */
  readonly default?: unknown
  readonly tag?: number
  readonly tagged?: readonly number[] | null
  /** Overrides the message's flexible versions (null: never flexible). */
  readonly flexible?: readonly number[] | null
}

export interface MessageTable {
  readonly name: string
  readonly kind: string
  readonly apiKey: number
  readonly versions: readonly number[]
  readonly flexible: readonly number[] | null
  readonly unstable: boolean
  readonly fields: readonly FieldTable[]
  readonly structs: { readonly [name: string]: readonly FieldTable[] }
}

type Body = Pick<MessageTable, 'fields' | 'structs'>

class LazyTable implements MessageTable {
  readonly name: string
  readonly kind: string
  readonly apiKey: number
  readonly versions: readonly number[]
  readonly flexible: readonly number[] | null
  readonly unstable: boolean
  private readonly make: () => Body
  private made: Body | undefined = undefined

  constructor(head: Omit<MessageTable, keyof Body>, make: () => Body) {
    this.name = head.name
    this.kind = head.kind
    this.apiKey = head.apiKey
    this.versions = head.versions
    this.flexible = head.flexible
    this.unstable = head.unstable
    this.make = make
  }

  get fields(): MessageTable['fields'] {
    return (this.made ??= this.make()).fields
  }

  get structs(): MessageTable['structs'] {
    return (this.made ??= this.make()).structs
  }
}

/** A table whose fields are made when they are first asked for. */
export function lazyTable(head: Omit<MessageTable, keyof Body>, make: () => Body): MessageTable {
  return new LazyTable(head, make)
}

export function within(range: readonly number[] | null | undefined, version: number): boolean {
  return range !== null && range !== undefined && version >= range[0]! && version <= range[1]!
}
