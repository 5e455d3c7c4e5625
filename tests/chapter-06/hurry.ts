/**
 * Lets the clock of this process run faster: no test has to wait for code that waits twenty seconds.
 *
 * Timers that are made from now on, and the clocks. What Node itself measures stays as it is.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';

type Timer = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => NodeJS.Timeout;

export function hurry(factor: number): void {
  const hurried = (timer: Timer): Timer => (callback, ms = 0, ...args) => timer(callback, ms / factor, ...args);
  const real = { setTimeout: globalThis.setTimeout as Timer, setInterval: globalThis.setInterval as Timer };
  const faster = { setTimeout: hurried(real.setTimeout), setInterval: hurried(real.setInterval) };
  Object.assign(globalThis, faster);
  Object.assign(timers, faster);
  syncBuiltinESMExports();

  const performanceNow = performance.now.bind(performance);
  const dateNow = Date.now.bind(Date);
  const [began, date] = [performanceNow(), dateNow()];
  performance.now = () => began + (performanceNow() - began) * factor;
  Date.now = () => date + Math.floor((performanceNow() - began) * factor);
}
