/**
 * Faults of clocks: steps, drift (a clock that slews away keeps what it has gained), and strobe, which steps back and forth
 * again and again.
 */
import type { ActionOf } from '../fault.ts'
import { NO_TARGET, type Outcome, type StrikeContext } from './strike.ts'

export function stepClock(context: StrikeContext, action: ActionOf<'clock-step'>): Outcome {
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const { clock } = context.world.machine(host)
  clock.step(action.stepMs)
  return { hosts: [host], heal: () => clock.step(-action.stepMs) }
}

export function driftClock(context: StrikeContext, action: ActionOf<'clock-drift'>): Outcome {
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const { clock } = context.world.machine(host)
  clock.setDriftPpm(action.driftPpm)
  return { hosts: [host], heal: () => clock.setDriftPpm(0) }
}

export function strobeClock(context: StrikeContext, action: ActionOf<'clock-strobe'>): Outcome {
  const { world } = context
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const { clock } = world.machine(host)
  let isOver = false
  let isAway = false
  const toggle = (): void => {
    if (isOver) return
    clock.step(isAway ? -action.stepMs : action.stepMs)
    isAway = !isAway
    world.schedule(action.periodUs, toggle)
  }
  toggle()
  return {
    hosts: [host],
    heal: () => {
      isOver = true
      if (isAway) clock.step(-action.stepMs)
    },
  }
}
