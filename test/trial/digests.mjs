/** In a process of its own, from the compiled code: `seed:workload` arguments in, one line of digests each out. */
import { WORKLOADS } from '../../dist/workloads/index.js'
import { DEFAULT_GENERATE_OPTIONS } from '../../dist/src/plan/generate-options.js'
import { generatePlan } from '../../dist/src/plan/generate-plan.js'
import { runPlan } from '../../dist/src/trial/run-plan.js'

for (const argument of process.argv.slice(2)) {
  const [seed, name] = argument.split(':')
  const workload = WORKLOADS.find(one => one.name === name)
  const { digests, verdict } = runPlan(generatePlan(seed, { ...DEFAULT_GENERATE_OPTIONS, workload: name }, workload), workload)
  console.log(`${argument} ${digests.events} ${digests.history} ${verdict}`)
}
