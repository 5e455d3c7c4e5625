/** What an exercise asks of a learner, in words: whether it can be skipped, and how long it takes. */
import type { Chapter, Exercise } from './manifest.ts';
import { listed } from './screen.ts';

/** `core, about 15 minutes`, as it follows the name of an exercise. */
export function effortOf({ kind, minutes }: Pick<Exercise, 'kind' | 'minutes'>): string {
  return `${kind}, about ${minutes} minutes`;
}

/** `core: about 75 minutes; extra: 1.4 and 1.5, about 60 minutes`. */
export function chapterEffort({ exercises }: Pick<Chapter, 'exercises'>): string {
  const [core, extra] = (['core', 'extra'] as const).map((wanted) => exercises.filter(({ kind }) => kind === wanted));
  const parts = core?.length ? [`core: about ${durationOf(core)}`] : [];
  if (extra?.length) parts.push(`extra: ${listed(extra.map(({ id }) => id))}, about ${durationOf(extra)}`);
  return parts.join('; ');
}

const MINUTES_SHOWN_MAX = 90;

/** In minutes up to an hour and a half, then in half hours. */
function durationOf(exercises: readonly Exercise[]): string {
  const minutes = exercises.reduce((sum, exercise) => sum + exercise.minutes, 0);
  if (minutes <= MINUTES_SHOWN_MAX) return `${minutes} minutes`;
  const halves = Math.round(minutes / 30);
  return `${Math.floor(halves / 2)}${halves % 2 === 1 ? '½' : ''} hours`;
}

/** The next core exercise of a chapter after this one. */
export function nextCore({ exercises }: Pick<Chapter, 'exercises'>, id: string): Exercise | undefined {
  return exercises.slice(exercises.findIndex((exercise) => exercise.id === id) + 1).find(({ kind }) => kind === 'core');
}
