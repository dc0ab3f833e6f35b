/** JUnit XML of one campaign: a test case a failure, or one passing case. Fixed names, no times: byte-identical reruns. */
export interface JunitCase {
  readonly name: string
  readonly failure?: { readonly message: string; readonly text: string }
  readonly skipped?: string
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
// eslint-disable-next-line no-control-regex
const escapeXml = (text: string): string => text.replace(/[&<>"']/g, character => ENTITIES[character]!).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '?')

export function junitXml(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length
  const skipped = cases.filter(one => one.skipped !== undefined).length
  const body = cases.map(({ name, failure, skipped: why }) => {
    const inner = failure !== undefined
      ? `<failure message="${escapeXml(failure.message)}">${escapeXml(failure.text)}</failure>`
      : why !== undefined ? `<skipped message="${escapeXml(why)}"/>` : ''
    return `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(name)}">${inner}</testcase>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="${escapeXml(suite)}" tests="${cases.length}" failures="${failures}" skipped="${skipped}">\n${body.join('\n')}\n  </testsuite>\n</testsuites>\n`
}
