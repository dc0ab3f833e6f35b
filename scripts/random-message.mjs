/** Messages for `fuzz.mjs`: every field that a version has, filled at random; arrays and strings are short. */

const RANGES = {
  int8: [-128, 127], int16: [-32768, 32767], uint16: [0, 65535], int32: [-2147483648, 2147483647], uint32: [0, 4294967295],
  int64: [-(2 ** 40), 2 ** 40],
}
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A small generator of 32-bit numbers; the same seed gives the same inputs. */
export class Random {
  constructor(seed) {
    this.state = (seed ^ 0x9e3779b9) | 0
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  below(limit) {
    return Math.floor((this.next() / 0x100000000) * limit)
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.next() & 0xff)
  }
}

const within = (range, version) => range !== undefined && range !== null && version >= range[0] && version <= range[1]

export function randomMessage(table, version, random) {
  const fieldsOf = (fields, depth) => Object.fromEntries(fields.filter(field => within(field.versions, version)).map(field => [field.name, valueOf(field, depth)]))
  const valueOf = (field, depth) => {
    if (within(field.nullable, version) && random.below(5) === 0) return null
    if (field.type.startsWith('[]')) {
      const element = { ...field, type: field.type.slice(2), nullable: null }
      return Array.from({ length: random.below(depth > 2 ? 2 : 4) }, () => valueOf(element, depth + 1))
    }
    const range = RANGES[field.type]
    if (range !== undefined) return random.below(4) === 0 ? random.pick([range[0], range[1], 0]) : range[0] + random.below(Math.min(range[1] - range[0], 2 ** 31))
    switch (field.type) {
      case 'bool': return random.below(2) === 0
      case 'float64': return random.below(1_000) / 7
      case 'string': return Array.from({ length: random.below(10) }, () => random.pick(['a', 'b', 'topic', 'é', '😀'])).join('')
      case 'uuid': return Array.from({ length: 21 }, () => ALPHABET[random.below(64)]).join('') + random.pick(['A', 'Q', 'g', 'w'])
      case 'bytes': case 'records': return random.bytes(random.below(24))
      default: return fieldsOf(table.structs[field.type], depth + 1)
    }
  }
  return fieldsOf(table.fields, 0)
}
