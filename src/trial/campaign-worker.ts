/** The worker thread of a campaign: jobs in, summaries out, one at a time. */
import { parentPort, workerData } from 'node:worker_threads'
import type { CampaignJob, WorkerOptions } from './campaign.ts'
import { createTrialRunner } from './campaign-trial.ts'

const run = await createTrialRunner(workerData as WorkerOptions)
parentPort?.on('message', (job: CampaignJob) => void run(job).then(summary => parentPort?.postMessage(summary)))
parentPort?.postMessage('ready')
