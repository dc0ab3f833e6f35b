/** A strict little parser of markup, for tests: tags with quoted attributes, properly nested, entities that are known. */
export interface Tag {
  readonly name: string
  readonly attributes: readonly (readonly [name: string, value: string])[]
}

const TAG = /<([a-zA-Z][\w:-]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>/y
const CLOSE = /<\/([a-zA-Z][\w:-]*)>/y
const TEXT = /[^<]+/y
const DECLARATION = /<\?xml [^?]*\?>/y

const attributesOf = (text: string): [string, string][] => [...text.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name!.toLowerCase(), value ?? ''])

/** Every opening tag, in order. Anything that looks like a tag counts, as it would for a browser. */
export function tagsOf(markup: string): Tag[] {
  return [...markup.matchAll(/<([a-zA-Z][\w:-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>/g)].map(([, name, attributes]) => ({ name: name!.toLowerCase(), attributes: attributesOf(attributes!) }))
}

/** Why this is not well-formed; empty: it is. Elements named in `empty` have no end tag. */
export function problemsOfMarkup(markup: string, empty: readonly string[] = []): string[] {
  const problems: string[] = []
  const open: string[] = []
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const match = pattern.exec(markup)
    if (match !== null) at = pattern.lastIndex
    return match
  }
  while (at < markup.length && problems.length < 5) {
    const text = take(TEXT)
    if (text !== null) {
      if (/&(?!(?:amp|lt|gt|quot|apos|#39);)/.test(text[0])) problems.push(`bare ampersand in '${text[0].trim().slice(0, 60)}'`)
      // eslint-disable-next-line no-control-regex
      if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text[0])) problems.push('control character')
      continue
    }
    if (take(DECLARATION) !== null) continue
    const close = take(CLOSE)
    if (close !== null) {
      const expected = open.pop()
      if (expected !== close[1]) problems.push(`</${close[1]}> where </${expected}> is due`)
      continue
    }
    const tag = take(TAG)
    if (tag === null) {
      problems.push(`no tag at '${markup.slice(at, at + 60)}'`)
      break
    }
    if (/&(?!(?:amp|lt|gt|quot|apos|#39);)/.test(tag[2]!)) problems.push(`bare ampersand in an attribute of ${tag[1]}`)
    const names = attributesOf(tag[2]!).map(([name]) => name)
    if (new Set(names).size < names.length) problems.push(`attribute twice in ${tag[1]}`)
    if (tag[3] === '' && !empty.includes(tag[1]!)) open.push(tag[1]!)
  }
  return open.length === 0 ? problems : [...problems, `never closed: ${open.join(' ')}`]
}
