/** Every command of the course, its use and its purpose, once. */

export interface CommandEntry {
  /** What follows the command's name: `chapter-04 [--seed N]`. */
  readonly usage: string;
  readonly summary: string;
  /** Its further arguments are for the program that it runs. */
  readonly passesOn?: true;
  /** For those who write the course, not for those who follow it. */
  readonly maintainer?: true;
}

/** Every command, in the order in which `help` lists them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  start: {
    usage: '',
    summary: 'the map of the course and your next step',
  },
  test: {
    usage: 'chapter-04 | 4.2 [--seed N] [--all] [--subject DIR] [--json FILE]',
    summary: 'check your chapter, or one exercise',
  },
  watch: {
    usage: 'chapter-04 | 4.2 [--seed N] [--subject DIR]',
    summary: 'check again on every save',
  },
  hint: {
    usage: '4.2 [--level N]',
    summary: 'the next hint for an exercise',
  },
  serve: {
    usage: 'chapter-04 [--solution] [--port N] ...',
    summary: 'run your server of that chapter',
    passesOn: true,
  },
  progress: {
    usage: '[--import CLONE] [--json] [--reset]',
    summary: 'what you have done',
  },
  diff: {
    usage: 'chapter-04 [FILE] [--starter]',
    summary: 'your files beside the reference',
  },
  reset: {
    usage: 'chapter-04 [FILE] [--restore BACKUP]',
    summary: 'put the starters back, with a backup',
  },
  'catch-up': {
    usage: 'chapter-04 [--all]',
    summary: 'fill in the chapters before this one',
  },
  update: {
    usage: '[--dry-run] [--from URL] [--ref TAG] [--no-install]',
    summary: 'the newest course under your work, which stays',
  },
  doctor: {
    usage: '',
    summary: 'does this machine have what the course needs',
  },
  solution: {
    usage: 'chapter-04 | 4.2 [--seed N] [--all] [--json FILE]',
    summary: 'the same check on the reference',
  },
  check: {
    usage: 'chapter-04 | 4.2 [--subject DIR] [--json FILE] [--seed N] [--all]',
    summary: 'the same check on any tree',
  },
  help: {
    usage: '',
    summary: 'this list',
  },
  'test:all': {
    usage: '',
    summary: 'everything that CI checks',
    maintainer: true,
  },
  typecheck: {
    usage: '',
    summary: 'the TypeScript compiler over everything',
    passesOn: true,
    maintainer: true,
  },
  lint: {
    usage: '',
    summary: 'the Markdown of lessons and docs',
    passesOn: true,
    maintainer: true,
  },
  docs: {
    usage: '',
    summary: 'the API reference, into docs/api',
    passesOn: true,
    maintainer: true,
  },
  bench: {
    usage: 'NAME ...',
    summary: 'a benchmark out of course/bench',
    passesOn: true,
    maintainer: true,
  },
  'pack-starters': {
    usage: '',
    summary: 'chapters/ into course/starters.md',
    maintainer: true,
  },
};
