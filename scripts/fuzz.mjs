/**
 * `npm run fuzz [-- --count N --seed N --workers N --time SECONDS]`: every decoder of src/protocol on mutated and on random bytes. It may
 * answer with a value or with a DecodeError; anything else, an input that takes longer than `SLOW_MS` three times, a worker that stops, a value
 * larger than its input warrants and memory beyond `MEMORY_LIMIT_MB` are failures, printed with the bytes that showed them.
 *
 *   messages   each message and record of each version, alone and as a request or response frame
 *   metadata   records of the metadata log in their frame
 *   batches    record batches of every codec, with the CRC left wrong, and the readers of their headers
 *   codecs     compressed bytes alone
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { COMPRESSION_TYPES } from '../dist/src/base/compression-type.js'
import { apiDescription, ALL_API_KEYS } from '../dist/src/protocol/api-keys.js'
import { decodeMessage, DecodeError, encodeMessage, messageTable, messageTables } from '../dist/src/protocol/codec.js'
import { compress, expand, MAX_EXPANDED_BYTES } from '../dist/src/protocol/compression/compress.js'
import { decodeRequest, decodeResponse, encodeFrame } from '../dist/src/protocol/frame-bytes.js'
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecord } from '../dist/src/protocol/metadata-records.js'
import { controlTypeOf } from '../dist/src/protocol/records/control-records.js'
import { batchPositions, buildBatch, isValidBatch, readRecords } from '../dist/src/protocol/records/record-batch.js'
import { Random, randomMessage } from './random-message.mjs'

const SLOW_MS = 1_000
const SILENT_MS = 20_000
const MEMORY_LIMIT_MB = 1_024
/** With the seed of one worker: prints the input of this number before it is read. */
const SHOWN = Number(process.env.FUZZ_SHOW ?? -1)
const REPORT_EVERY = 20_000
/** Values of a decoded message that a byte of input may stand for: an element of an array costs at least one byte, and has this many fields at most. */
const VALUES_A_BYTE = 64
const EXTREMES = [[0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0x0f], [0, 0, 0, 0], [0xff, 0xff], [0x7f, 0xff]]

/** A valid input, and what reads it. */
function samples(random) {
  const made = []
  const tables = messageTables()
  for (const table of tables) {
    for (let version = table.versions[0]; version <= table.versions[1]; version++) {
      for (let n = 0; n < 3; n++) {
        const bytes = encodeMessage(table.name, version, randomMessage(table, version, random))
        made.push({ label: `${table.name} ${version}`, bytes, read: input => decodeMessage(table.name, version, input) })
      }
    }
  }
  for (const apiKey of ALL_API_KEYS) {
    const { request, response, min, max } = apiDescription(apiKey)
    for (let apiVersion = min; apiVersion <= max; apiVersion++) {
      const frame = { apiKey, apiVersion, correlationId: random.below(1_000), clientId: random.pick([null, 'client']) }
      made.push({ label: `${request} frame`, bytes: encodeFrame({ ...frame, isResponse: false, body: randomMessage(messageTable(request), apiVersion, random) }), read: decodeRequest })
      made.push({ label: `${response} frame`, bytes: encodeFrame({ ...frame, isResponse: true, clientId: null, body: randomMessage(messageTable(response), apiVersion, random) }), read: input => decodeResponse(input, apiKey, apiVersion) })
    }
  }
  for (const table of tables.filter(one => one.kind === 'metadata')) {
    const record = metadataRecord(table.name, randomMessage(table, table.versions[1], random))
    made.push({ label: `${table.name} framed`, bytes: encodeMetadataRecord(record), read: decodeMetadataRecord })
  }
  const batches = []
  for (let n = 0; n < 200; n++) {
    const records = Array.from({ length: 1 + random.below(6) }, () => ({
      timestamp: 1_700_000_000_000 + random.below(1_000), key: random.pick([null, random.bytes(4)]), value: random.pick([null, random.bytes(random.below(60)), new Uint8Array(80)]),
      headers: random.below(3) === 0 ? [{ key: 'h', value: random.bytes(3) }] : [],
    }))
    const type = COMPRESSION_TYPES[n % 2 === 0 ? 0 : (n >> 1) % 5]
    batches.push({ label: `batch ${type}`, bytes: buildBatch({ records, compression: type }), read: readBatches })
    if (type !== 'none') batches.push({ label: type, bytes: compress(type, random.bytes(20 + random.below(200))), read: input => ({ expanded: expand(COMPRESSION_TYPES.indexOf(type), input) }) })
  }
  return { made, batches }
}

function readBatches(bytes) {
  return batchPositions(bytes).map(at => ({ isValid: isValidBatch(bytes, at), controlType: controlTypeOf(bytes, at), records: readRecords(bytes, at) }))
}

function mutate(original, other, random) {
  let bytes = original.slice()
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(bytes.length + 1)
    switch (random.below(8)) {
      case 0: if (at < bytes.length) bytes[at] ^= 1 << random.below(8); break
      case 1: if (at < bytes.length) bytes[at] = random.next() & 0xff; break
      case 2: bytes = bytes.slice(0, at); break
      case 3: bytes.set(random.pick(EXTREMES).slice(0, bytes.length - at), at); break
      case 4: bytes = joined(bytes.subarray(0, at), random.bytes(1 + random.below(6)), bytes.subarray(at)); break
      case 5: bytes = joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(6)))); break
      case 6: bytes = joined(bytes.subarray(0, at), bytes.subarray(at, at + 40), bytes.subarray(at)); break
      default: bytes = joined(bytes.subarray(0, at), other.subarray(random.below(other.length + 1))).slice(0, 4_096)
    }
  }
  return bytes
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Values and bytes of what was decoded. */
function weigh(value, weight) {
  weight.values++
  if (typeof value === 'string') weight.bytes += value.length
  else if (value instanceof Uint8Array) weight.bytes += value.length
  else if (Array.isArray(value)) for (const element of value) weigh(element, weight)
  else if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) weigh(value[key], weight)
  return weight
}

/** Time of the quickest of three: on a busy machine anything may be slow once. */
function timeOf(read, input) {
  let least = Infinity
  for (let i = 0; i < 3; i++) {
    const begin = performance.now()
    try {
      read(input)
    } catch {
      // The answer was judged before.
    }
    least = Math.min(least, performance.now() - begin)
  }
  return least
}

/** What is wrong with this answer, or undefined. */
function judge({ label, read }, input) {
  const begin = performance.now()
  let outcome = 'refused'
  let problem
  try {
    const { values, bytes } = weigh(read(input), { values: 0, bytes: 0 })
    outcome = 'accepted'
    if (values > (input.length + 8) * VALUES_A_BYTE && bytes <= input.length) problem = `${values} values`
    if (bytes > MAX_EXPANDED_BYTES + input.length) problem = `${bytes} bytes`
  } catch (error) {
    if (!(error instanceof DecodeError)) problem = String(error)
  }
  if (performance.now() - begin > SLOW_MS) {
    const took = timeOf(read, input)
    if (took > SLOW_MS) problem = `${Math.round(took)} ms`
  }
  return { outcome, problem: problem === undefined ? undefined : `${label}, input ${Buffer.from(input.subarray(0, 600)).toString('hex')}: ${problem}` }
}

/** `current` tells the main thread which input is being read, in case its reader never comes back. */
function fuzz({ count, seed, seconds, current }) {
  // Most inputs end in an error, and its stack costs more than the reading.
  Error.stackTraceLimit = 0
  const until = performance.now() + seconds * 1_000
  const random = new Random(seed)
  const { made, batches } = samples(random)
  const totals = { inputs: 0, accepted: 0, refused: 0, slowestMs: 0 }
  for (let n = 0; n < count; n++) {
    const sample = random.below(6) === 0 ? random.pick(batches) : random.pick(made)
    const input = random.below(20) === 0 ? random.bytes(random.below(300)) : mutate(sample.bytes, random.pick(made).bytes, random)
    current[0] = n + 1
    if (n === SHOWN) console.log(`${sample.label}: ${Buffer.from(input).toString('hex')}`)
    const begin = performance.now()
    const { outcome, problem } = judge(sample, input)
    totals.slowestMs = Math.max(totals.slowestMs, performance.now() - begin)
    totals.inputs++
    totals[outcome]++
    if (problem !== undefined) return parentPort.postMessage({ ...totals, problem: `seed ${seed}, input ${n}: ${problem}` })
    if (n % 1_000 === 0 && performance.now() > until) break
    if (n % REPORT_EVERY === 0) parentPort.postMessage({ ...totals })
  }
  parentPort.postMessage({ ...totals, done: true })
}

async function main() {
  const { values } = parseArgs({ options: { count: { type: 'string', default: '300000' }, seed: { type: 'string', default: '1' }, workers: { type: 'string', default: '2' }, time: { type: 'string', default: 'Infinity' } } })
  const [count, seed, workers, seconds] = [Number(values.count), Number(values.seed), Number(values.workers), Number(values.time)]
  const begin = performance.now()
  const share = Math.ceil(count / workers)
  let peakMB = 0
  const results = await Promise.all(Array.from({ length: workers }, (_, index) => new Promise(resolve => {
    const current = new Int32Array(new SharedArrayBuffer(4))
    const worker = new Worker(new URL(import.meta.url), { workerData: { count: Math.min(share, count - index * share), seed: seed * 1_000 + index, seconds, current }, resourceLimits: { maxOldGenerationSizeMb: 384 } })
    let last = { inputs: 0, accepted: 0, refused: 0, slowestMs: 0 }
    const end = result => {
      clearInterval(watch)
      void worker.terminate()
      resolve(result)
    }
    let seen = -1
    const watch = setInterval(() => {
      if (current[0] === seen) end({ ...last, problem: `seed ${seed * 1_000 + index}, input ${seen - 1}: no answer within ${SILENT_MS} ms` })
      seen = current[0]
    }, SILENT_MS)
    worker.on('message', message => {
      last = message
      peakMB = Math.max(peakMB, Math.round(process.memoryUsage.rss() / 2 ** 20))
      if (peakMB > MEMORY_LIMIT_MB) end({ ...message, problem: `${peakMB} MB resident` })
      else if (message.done === true || message.problem !== undefined) end(message)
    })
    worker.on('error', error => end({ ...last, problem: String(error) }))
  })))
  const sum = field => results.reduce((total, result) => total + result[field], 0)
  const problems = results.flatMap(({ problem }) => (problem === undefined ? [] : [problem]))
  for (const problem of problems) console.log(problem)
  const took = (performance.now() - begin) / 1000
  console.log(`${sum('inputs')} inputs in ${took.toFixed(0)} s: ${sum('refused')} refused, ${sum('accepted')} accepted, ${problems.length} failures; slowest ${Math.max(...results.map(({ slowestMs }) => slowestMs)).toFixed(0)} ms, ${peakMB} MB at most`)
  process.exitCode = problems.length === 0 && (sum('inputs') === count || seconds !== Infinity) ? 0 : 1
}

if (isMainThread) await main()
else fuzz(workerData)
