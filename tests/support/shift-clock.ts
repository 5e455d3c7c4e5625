/**
 * Puts the clock of this process forward, in another time zone if one is named: what waits for an hour to pass need
 * not wait for it.
 *
 * @returns what the clock says now
 */
export function shiftClock(ms: number, timeZone?: string): number {
  if (timeZone !== undefined) process.env.TZ = timeZone;
  const Real = Date;
  class Shifted extends Real {
    constructor(...values: unknown[]) {
      if (values.length === 0) super(Real.now() + ms);
      else super(...(values as [number]));
    }

    static override now(): number {
      return Real.now() + ms;
    }
  }
  globalThis.Date = Shifted as DateConstructor;
  return Date.now();
}
