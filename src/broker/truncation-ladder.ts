/**
 * How a follower finds out where its log leaves its leader's: five protocols, each with one guard more than the one before,
 * of which only the last is safe (after the TLA+ modules KafkaTruncateToHighWatermark, Kip101, Kip279, Kip320FirstTry and
 * Kip320 of hachikuji/kafka-specification). A plan may go back to one of the first four by a defect.
 *
 *   rung              | new guard                                                     | a plan goes there by
 *   ------------------|---------------------------------------------------------------|---------------------
 *   high-watermark    | none: cut at the own high watermark on each change of leader  | KIP-101
 *   end-offset        | the leader says where the follower's last epoch ends          | KIP-279
 *   epoch-once        | it says of which epoch that end is                            | KIP-320
 *   every-fetch       | it is asked at every fetch, not once a reign                  | KIP-320-first-try
 *   fenced            | fetches name the leader epoch in which they run               | (Kafka since 2.1)
 */
import type { Defects } from '../config/defects.ts'

const RUNGS = ['high-watermark', 'end-offset', 'epoch-once', 'every-fetch', 'fenced'] as const
export type TruncationRung = (typeof RUNGS)[number]

/** The one switch: every part of the protocol asks it. */
export function truncationRung(defects: Defects): TruncationRung {
  if (defects.has('KIP-101')) return 'high-watermark'
  if (defects.has('KIP-279')) return 'end-offset'
  if (defects.has('KIP-320')) return 'epoch-once'
  return defects.has('KIP-320-first-try') ? 'every-fetch' : 'fenced'
}

/** Has the protocol of this world the guard that came with `rung`? */
export function reachesRung(defects: Defects, rung: TruncationRung): boolean {
  return RUNGS.indexOf(truncationRung(defects)) >= RUNGS.indexOf(rung)
}
