/**
 * `node scripts/record-golden-frames.mjs [client ...]`: records what real clients send, and what a small broker that speaks
 * through our codec answers them, into test/protocol/golden. Each client looks around, produces, reads back and commits
 * against one partition on the loopback interface; that it gets through shows that it accepts the answers.
 *
 *   kafkajs, @platformatic/kafka   installed by name from the npm registry into a temporary folder
 *   kcat                           librdkafka's command, Debian's package `kcat`
 *
 * Needs the compiled code (`npm run build`). Frames are compared with what our codec makes of them in
 * test/protocol/golden-frames.test.ts, so a recording is worth keeping only with its client's version in it.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startRecordingBroker } from './recording-broker.mjs'

const TARGET = fileURLToPath(new URL('../test/protocol/golden/', import.meta.url))
const TOPIC = 'golden'
const folder = mkdtempSync(join(tmpdir(), 'golden-'))

async function installed(name, version) {
  execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', folder, `${name}@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  const root = join(folder, 'node_modules', name)
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entry = typeof manifest.exports === 'string' ? manifest.exports : manifest.exports?.['.']?.default ?? manifest.exports?.['.']?.import ?? manifest.main
  const module = await import(pathToFileURL(join(root, entry ?? 'index.js')).href)
  return { module: module.default?.Kafka === undefined ? module : module.default, version: manifest.version }
}

/** Runs a command to its end; its standard output. */
function run(command, args, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', chunk => { output += chunk })
    child.on('error', reject).on('close', code => (code === 0 ? resolve(output) : reject(new Error(`${command} ended with ${code}`))))
    child.stdin.end(input ?? '')
  })
}

function expectValues(client, values) {
  if (values.length < 3 || !values.every(value => value.startsWith('value-'))) throw new Error(`${client} read ${JSON.stringify(values)}`)
}

const CLIENTS = {
  async 'kafkajs'(port) {
    const { module: { Kafka, CompressionTypes, logLevel }, version } = await installed('kafkajs', '2.2.4')
    const kafka = new Kafka({ clientId: 'golden-kafkajs', brokers: [`127.0.0.1:${port}`], logLevel: logLevel.ERROR })
    const admin = kafka.admin()
    await admin.connect()
    await admin.fetchTopicMetadata({ topics: [TOPIC] })
    await admin.fetchTopicOffsets(TOPIC)
    await admin.disconnect()
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    await producer.send({ topic: TOPIC, messages: [{ key: 'key-1', value: 'value-1', headers: { trace: 'abc' } }, { value: 'value-2' }] })
    await producer.send({ topic: TOPIC, compression: CompressionTypes.GZIP, messages: [{ key: 'key-2', value: 'value-3'.repeat(20) }] })
    await producer.disconnect()
    const consumer = kafka.consumer({ groupId: 'golden-group' })
    await consumer.connect()
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
    const values = []
    await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error('kafkajs read nothing')), 30_000).unref()
      consumer.run({ async eachMessage({ message }) { if (values.push(String(message.value)) >= 3) resolve() } }).catch(reject)
    })
    await consumer.disconnect()
    expectValues('kafkajs', values)
    return version
  },

  // The newest that runs on Node 20.
  async '@platformatic/kafka'(port) {
    const { module: { Consumer, Producer, Admin, ProduceAcks, stringSerializers, stringDeserializers, MessagesStreamModes, MessagesStreamFallbackModes }, version } = await installed('@platformatic/kafka', '1.35.0')
    const base = { clientId: 'golden-platformatic', bootstrapBrokers: [`127.0.0.1:${port}`], retries: 0, timeout: 10_000 }
    const admin = new Admin(base)
    await admin.metadata({ topics: [TOPIC] })
    await admin.close()
    const producer = new Producer({ ...base, serializers: stringSerializers, idempotent: true })
    const message = (key, value) => ({ topic: TOPIC, partition: 0, key, value, headers: new Map([['trace', 'abc']]) })
    await producer.send({ messages: [message('key-1', 'value-1'), message('key-2', 'value-2')], acks: ProduceAcks.ALL })
    await producer.send({ messages: [message('key-3', 'value-3'.repeat(20))], acks: ProduceAcks.ALL, compression: 'gzip' })
    await producer.close()
    const consumer = new Consumer({ ...base, groupId: 'golden-group-2', deserializers: stringDeserializers })
    const stream = await consumer.consume({ topics: [TOPIC], mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST, sessionTimeout: 10_000, heartbeatInterval: 500, maxWaitTime: 200 })
    const values = []
    for await (const { value, commit } of stream) {
      await commit()
      if (values.push(value) >= 3) break
    }
    await consumer.close(true)
    expectValues('@platformatic/kafka', values)
    return version
  },

  async 'kcat'(port) {
    const version = (await run('kcat', ['-V'])).match(/librdkafka ([\d.]+)/)?.[1] ?? 'unknown'
    const common = ['-b', `127.0.0.1:${port}`, '-X', 'client.id=golden-librdkafka', '-X', 'broker.address.family=v4']
    await run('kcat', [...common, '-L', '-t', TOPIC])
    await run('kcat', [...common, '-P', '-t', TOPIC, '-p', '0', '-K:', '-H', 'trace=abc', '-X', 'enable.idempotence=true'], 'key-1:value-1\nkey-2:value-2\n')
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
      await run('kcat', [...common, '-P', '-t', TOPIC, '-p', '0', '-z', codec, '-X', 'linger.ms=200'], `value-${codec}-`.repeat(8) + '\n' + `value-${codec}-`.repeat(9) + '\n')
    }
    const output = await run('kcat', [...common, '-C', '-t', TOPIC, '-p', '0', '-o', 'beginning', '-e', '-q', '-X', 'check.crcs=true'])
    expectValues('kcat', output.trim().split('\n'))
    await run('kcat', [...common, '-Q', '-t', `${TOPIC}:0:-1`])
    const grouped = await run('kcat', [...common, '-X', 'auto.offset.reset=earliest', '-e', '-q', '-G', 'golden-group-3', TOPIC])
    expectValues('kcat -G', grouped.trim().split('\n'))
    return version
  },
}

const wanted = process.argv.slice(2)
mkdirSync(TARGET, { recursive: true })
try {
  for (const [client, script] of Object.entries(CLIENTS)) {
    if (wanted.length > 0 && !wanted.includes(client)) continue
    const broker = await startRecordingBroker(TOPIC)
    let version
    try {
      version = await script(broker.port)
    } finally {
      broker.close()
    }
    const name = client === 'kcat' ? 'librdkafka' : client
    const file = join(TARGET, `${name.replace(/^@/, '').replaceAll('/', '-')}.json`)
    mkdirSync(dirname(file), { recursive: true })
    const frames = broker.frames.map(frame => `    ${JSON.stringify(frame)}`).join(',\n')
    writeFileSync(file, `{\n  "client": ${JSON.stringify(name)},\n  "version": ${JSON.stringify(version)},\n  "frames": [\n${frames}\n  ]\n}\n`)
    console.log(`${name} ${version}: ${broker.frames.length} kinds of frames`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
