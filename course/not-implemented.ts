import { findExercise } from './manifest.ts';

/**
 * What a starter throws where the learner's code belongs.
 *
 * The checks recognise it by its name and say where to begin.
 */
export class NotImplemented extends Error {
  /** The exercise's id, such as `1.4`. */
  readonly exercise: string;

  /** @param exercise the exercise's id, such as `1.4` */
  constructor(exercise: string) {
    const found = findExercise(exercise);
    const where = found ? ` (chapters/${found.chapter.folder}/README.md, "${found.exercise.section}")` : '';
    super(`exercise ${exercise} is not written yet${where}`);
    this.name = 'NotImplemented';
    this.exercise = exercise;
  }
}
