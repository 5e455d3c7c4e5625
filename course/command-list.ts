/** Every command of the course, its use and its purpose, once. */

export interface CommandEntry {
  /** What follows the command's name: `chapter-04 [--seed N]`. */
  readonly usage: string;
  readonly summary: string;
  /** Its further arguments are for the program that it runs. */
  readonly passesOn?: true;
  /** For people who write the course, not for people who take it. */
  readonly maintainer?: true;
}

/** Every command, in the order in which `help` lists them. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  start: {
    usage: '',
    summary: 'show the map of the course and your next step',
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
    summary: 'show the next hint for an exercise',
  },
  serve: {
    usage: 'chapter-04 [--solution [--engine tuned]] [--port N] ...',
    summary: 'run your server from that chapter',
    passesOn: true,
  },
  attack: {
    usage: 'NAME --port N [--tls] [--path PATH] [--host HOST] [--connections N] [--seconds N]',
    summary: 'attack a server of this machine, as in chapter 08',
  },
  progress: {
    usage: '[--import CLONE] [--json] [--reset]',
    summary: 'show what you have done',
  },
  diff: {
    usage: 'chapter-04 [FILE] [--starter]',
    summary: 'compare your files with the reference',
  },
  reset: {
    usage: 'chapter-04 [FILE] [--restore BACKUP]',
    summary: 'put the starters back; your files are backed up first',
  },
  'catch-up': {
    usage: 'chapter-04 [--all]',
    summary: 'fill in the chapters before this one with the reference',
  },
  update: {
    usage: '[--dry-run] [--from URL] [--ref TAG] [--no-install]',
    summary: 'bring in the newest course and keep your work',
  },
  doctor: {
    usage: '',
    summary: 'check that this machine has what the course needs',
  },
  solution: {
    usage: 'chapter-04 | 4.2 [--seed N] [--all] [--json FILE]',
    summary: 'run the same check on the reference',
  },
  check: {
    usage: 'chapter-04 | 4.2 [--subject DIR] [--json FILE] [--seed N] [--all]',
    summary: 'run the same check on any folder of chapters',
  },
  help: {
    usage: '',
    summary: 'print this list',
  },
  'test:all': {
    usage: '',
    summary: 'check everything that CI checks',
    maintainer: true,
  },
  typecheck: {
    usage: '',
    summary: 'run the TypeScript compiler over everything',
    passesOn: true,
    maintainer: true,
  },
  lint: {
    usage: '',
    summary: 'check the Markdown, and the English of lessons and docs',
    passesOn: true,
    maintainer: true,
  },
  docs: {
    usage: '',
    summary: 'build the API reference in docs/api',
    passesOn: true,
    maintainer: true,
  },
  bench: {
    usage: 'NAME ...',
    summary: 'run a benchmark from course/bench',
    passesOn: true,
    maintainer: true,
  },
  'pack-starters': {
    usage: '',
    summary: 'pack chapters/ into course/starters.md',
    maintainer: true,
  },
};
