/** The worker thread of campaigns: what a campaign asks for in general first, then its jobs, one at a time. */
import { parentPort } from 'node:worker_threads'
import type { CampaignJob, TrialSummary, WorkerOptions } from './campaign.ts'
import { createTrialRunner } from './campaign-trial.ts'

export type ToWorker = { readonly options: WorkerOptions } | { readonly job: CampaignJob }
export type FromWorker = 'ready' | TrialSummary

let run: ((job: CampaignJob) => Promise<TrialSummary>) | undefined

async function answer(message: ToWorker): Promise<FromWorker> {
  if ('job' in message) return run!(message.job)
  run = await createTrialRunner(message.options)
  return 'ready'
}

parentPort?.on('message', (message: ToWorker) => void answer(message).then(answered => parentPort?.postMessage(answered)))
