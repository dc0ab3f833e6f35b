/** Run by `npm run build` after the compiler: writes `dist/build-id.json`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashSources } from './build-id.ts'

const dist = fileURLToPath(new URL('../../', import.meta.url))
writeFileSync(join(dist, 'build-id.json'), `${JSON.stringify({ id: hashSources(join(dist, '..') + '/') })}\n`)
