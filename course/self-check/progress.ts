/** How far the self-check is: on a terminal one line that is always there, in a log a line now and then. */
import { StatusLine } from '../screen.ts';

/** Says how far a check has come. */
export type Tell = (done: number, of: number) => void;

const TERMINAL_MS = 1000;
const LOG_MS = 60_000;
/** With less of the work done than this, an estimate would be a guess. */
const KNOWN_MIN = 0.05;

export class Progress {
  readonly #startedMs = performance.now();
  /** Roughly the seconds that each check takes beside the others. */
  readonly #costs: ReadonlyMap<string, number>;
  /** The checks that still run, and how far they are. */
  readonly #running: Map<string, { done: number; of: number }>;
  readonly #line = new StatusLine();
  readonly #timer: NodeJS.Timeout;

  constructor(costs: ReadonlyMap<string, number>) {
    this.#costs = costs;
    this.#running = new Map([...costs.keys()].map((name) => [name, { done: 0, of: 1 }]));
    const terminal = process.stderr.isTTY === true;
    this.#timer = setInterval(() => (terminal ? this.#line.show(this.#text()) : console.log(this.#text())), terminal ? TERMINAL_MS : LOG_MS);
  }

  tell(name: string, done: number, of: number): void {
    this.#running.set(name, { done, of });
  }

  /** Prints the line of a check that is over. */
  end(name: string, line: string): void {
    this.#running.delete(name);
    this.#line.clear();
    console.log(line);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#line.clear();
  }

  #text(): string {
    const running = [...this.#running].map(([name, { done, of }]) => (done === 0 ? name : `${name} ${done} of ${of}`));
    return `  … ${this.#timeLeft()}: ${running.join(', ')}`;
  }

  #timeLeft(): string {
    let all = 0;
    let left = 0;
    for (const [name, cost] of this.#costs) {
      const { done, of } = this.#running.get(name) ?? { done: 1, of: 1 };
      all += cost;
      left += cost * (1 - done / of);
    }
    if (1 - left / all < KNOWN_MIN) return 'just begun';
    const seconds = ((performance.now() - this.#startedMs) / 1000) * (left / (all - left));
    return seconds < 90 ? `about ${Math.ceil(seconds / 10) * 10} s left` : `about ${Math.round(seconds / 60)} min left`;
  }
}
