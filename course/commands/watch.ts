/**
 * `watch`: a check now, and again after every save, until Ctrl-C.
 *
 * vitest is kept alive between the runs. Whatever the learner saves, half a
 * line or nothing at all, the watch goes on.
 */
import { join } from 'node:path';
import type { CheckSession } from '../check.ts';
import type { CheckResult } from '../check-result.ts';
import { afterCheck, chaptersBelow } from '../check-tree.ts';
import { FolderWatch } from '../folder-watch.ts';
import { chapterName } from '../manifest.ts';
import type { Target } from '../names.ts';
import { parseCommand, seedOf } from '../options.ts';
import { requireTestRunner, whenOrphaned } from '../run-tool.ts';
import { colors, columns, listed, paint, print, StatusLine, wrap } from '../screen.ts';
import { targetOf, treeOf } from '../trees.ts';
import type { Tree } from '../trees.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Editors save in several steps; their events arrive within a few milliseconds. */
const SETTLE_MS = 25;
/** How long Ctrl-C waits for a run in progress. */
const CLOSE_MS = 1500;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    command: 'watch',
    options: { seed: { type: 'string' }, subject: { type: 'string' } },
    namesMax: 2,
  });
  const target = targetOf('watch', positionals);
  const tree = treeOf(values.subject ?? 'chapters', target.chapter);
  const seed = seedOf(values.seed);
  requireTestRunner();
  await new Watch(target, tree, seed).untilStopped();
  return 0;
}

class Watch {
  readonly #target: Target;
  readonly #tree: Tree;
  readonly #seed: number | undefined;
  #session: CheckSession | undefined;
  #passed: ReadonlySet<string> | undefined;
  /** Files saved since the last run began. */
  readonly #saved = new Set<string>();
  readonly #working = new StatusLine();
  /** Something that stays true while the watch runs, said below each report. */
  #note: string | undefined;
  #stopped = false;
  #wake: () => void = () => {};

  constructor(target: Target, tree: Tree, seed: number | undefined) {
    this.#target = target;
    this.#tree = tree;
    this.#seed = seed;
  }

  /** Checks and waits in turn; resolves after Ctrl-C or SIGTERM. */
  async untilStopped(): Promise<void> {
    const { chapter } = this.#target;
    const folders = [...chaptersBelow(chapter), chapter].map(({ folder }) => join(this.#tree.folder, folder));
    const watch = new FolderWatch(folders, {
      onSave: (file) => {
        this.#saved.add(file);
        this.#wake();
      },
      onPolling: (error) => {
        const why = `This system has no file watches left (${error.code}): the files are looked at twice a second instead.`;
        this.#note = process.platform === 'linux' ? `${why} Your other programs hold them; \`sysctl fs.inotify\` shows the limit.` : why;
      },
    });
    const stop = (): void => {
      this.#stopped = true;
      this.#wake();
    };
    for (const signal of SIGNALS) process.on(signal, stop);
    whenOrphaned(stop);

    while (!this.#stopped) {
      // A run may hang on what it checks; Ctrl-C must not.
      await Promise.race([this.#check(), this.#untilStop()]);
      if (!this.#stopped && this.#saved.size === 0) await this.#untilSave();
      if (!this.#stopped) await this.#settle();
    }
    watch.close();
    for (const signal of SIGNALS) process.off(signal, stop);
    await Promise.race([this.#session?.close(), timeout(CLOSE_MS)]);
    // vitest hides the cursor while it starts, and may have been interrupted there.
    if (process.stdout.isTTY) process.stdout.write('\x1b[?25h');
    print('\nThe watch has ended.');
  }

  /** The next save or stop. */
  #untilSave(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  async #untilStop(): Promise<void> {
    while (!this.#stopped) await this.#untilSave();
  }

  /** Waits until an editor has finished saving. */
  async #settle(): Promise<void> {
    let seen = -1;
    while (seen !== this.#saved.size) {
      seen = this.#saved.size;
      await timeout(SETTLE_MS);
    }
  }

  async #check(): Promise<void> {
    this.#announce();
    try {
      this.#session ??= await this.#open();
      const result = await this.#session.run().finally(() => this.#working.clear());
      if (this.#stopped) return;
      const { renderReport } = await import('../report.ts');
      process.stdout.write(renderReport(result, { columns: columns(), colors: colors() }));
      this.#news(result);
    } catch (error) {
      if (this.#stopped) return;
      print(wrap(`This check did not finish: ${error instanceof Error ? error.message : String(error)}`));
      // The session may be broken: the next save gets a new one.
      const broken = this.#session;
      this.#session = undefined;
      await broken?.close().catch(() => {});
    }
    if (this.#note !== undefined) print(`\n${wrap(this.#note)}`);
    print(paint('gray', `\nWatching ${this.#where()}. Save a file to check again; Ctrl-C ends.`));
  }

  async #open(): Promise<CheckSession> {
    const { CheckSession } = await import('../check.ts');
    const before = SIGNALS.map((signal) => process.listeners(signal));
    const session = await CheckSession.open({
      chapter: this.#target.chapter,
      tree: this.#tree.folder,
      subject: this.#tree.label,
      bail: true,
      onExercise: ({ id, status }) => this.#working.add(`${id} ${status}`),
      ...(this.#target.exercise !== undefined && { exercise: this.#target.exercise.id }),
      ...(this.#seed !== undefined && { seed: this.#seed }),
    });
    // vitest ends the process one millisecond after a signal, in the middle of
    // our own end and with another exit code. Ctrl-C is ours here.
    for (const [index, signal] of SIGNALS.entries()) {
      const ours = before[index] ?? [];
      for (const listener of process.listeners(signal)) if (!ours.includes(listener)) process.off(signal, listener);
    }
    return session;
  }

  #where(): string {
    return `${this.#tree.label}/${this.#target.chapter.folder}`;
  }

  /** Says why it runs. A terminal starts with a clean page; a pipe keeps everything. */
  #announce(): void {
    const files = [...this.#saved];
    this.#saved.clear();
    if (process.stdout.isTTY) process.stdout.write('\x1b[2J\x1b[3J\x1b[H');
    const what = this.#target.exercise?.id ?? chapterName(this.#target.chapter);
    const time = new Date().toTimeString().slice(0, 8);
    const why = files.length === 0 ? '' : `${listed(files.slice(0, 3))} saved: `;
    print(paint('gray', `${time}  ${why}checking ${what}${files.length === 0 ? '' : ' again'}\n`));
  }

  /** What turned green, and what comes next. */
  #news(result: CheckResult): void {
    const passed = new Set(result.exercises.filter(({ status }) => status === 'passed').map(({ id }) => id));
    const before = this.#passed;
    this.#passed = passed;
    const turned = before === undefined ? [] : [...passed].filter((id) => !before.has(id));
    if (turned.length > 0) print(wrap(`${listed(turned)} ${turned.length === 1 ? 'is' : 'are'} green now.`, '  '));
    const next = result.exercises.find(({ id, status }) => !passed.has(id) && status !== 'skipped');
    const exercise = this.#target.chapter.exercises.find(({ id }) => id === next?.id);
    if (turned.length > 0 && exercise) {
      print(wrap(`Next: ${exercise.id} ${exercise.title}, in ${exercise.file}. Read "${exercise.section}" in ${this.#where()}/README.md.`, '  '));
    }
    if (this.#tree.own) for (const line of afterCheck(this.#target.chapter, result)) print(wrap(line, '  '));
  }
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
