/** Chapter 04: what no hidden test can or should notice. */
import type { Ignored } from './entry.ts';

const WORDING = 'the wording of a message';
const BOUND = 'one more or less in a bound that nobody promises';
const MESSAGE = 'the same: of two kinds of message one is recognised, and anything else is the other';
const LATE = 'for a message that is under way while its thread is being ended: a test cannot bring it about';
const UNREACHABLE = 'for a caller that makes a mistake which the types forbid';

export const ignoredInChapter04: readonly Ignored[] = [
  // Words
  { file: '04-workers/worker-pool.ts', line: ['new PoolError(', 'a task took longer', "this.name = 'PoolError'", "let why = 'ended'", 'why = `died of', 'settle(`${why}', 'reject(new Error(`a thread'], mutators: ['StringLiteral'], reason: WORDING },
  { file: '04-workers/worker-pool.ts', line: "worker.once('error', (error) => (why =", mutators: ['ArrowFunction'], reason: WORDING },
  { file: '04-workers/pool-answers.ts', line: "new HttpError(504, 'the work took too long')", mutators: ['StringLiteral'], reason: WORDING },
  { file: '04-workers/serve-tasks.ts', line: "throw new Error('serveTasks is for", mutators: ['StringLiteral', 'ConditionalExpression'], reason: UNREACHABLE },

  // The same by another step
  { file: '04-workers/worker-pool.ts', line: "postMessage({ type: 'task'", mutators: ['StringLiteral'], original: "'task'", reason: MESSAGE },
  { file: '04-workers/serve-tasks.ts', line: "tell({ type: 'error', error })", mutators: ['StringLiteral'], reason: MESSAGE },
  { file: '04-workers/worker-pool.ts', line: "message.type === 'ready' || thread.task === null", mutators: ['ConditionalExpression', 'LogicalOperator', 'StringLiteral'], reason: LATE },
  { file: '04-workers/pool-answers.ts', line: "case 'died'", mutators: ['ConditionalExpression', 'StringLiteral'], reason: 'the same: what is thrown and has no status is a 500' },
  { file: '04-workers/pool-answers.ts', line: 'signal === undefined ? {}', replacements: ['false'], reason: 'the same: undefined means that there was no signal' },
  { file: '04-workers/waiting-line.ts', line: 'if (this.#active === 0 && this.#waiting.length === 0) return', original: 'this.#waiting.length === 0', replacements: ['true'], reason: 'the same: no client waits while none is being served' },
  { file: '04-workers/async.ts', line: 'destroyOnReturn: false', reason: 'the same: this iteration is never given up' },
  { file: '04-workers/callbacks.ts', line: 'this.machine.bufferedBytes > HELD_BYTES_MAX', mutators: ['ConditionalExpression', 'EqualityOperator'], replacements: ['true', 'this.machine.bufferedBytes >= HELD_BYTES_MAX'], reason: 'the same: a socket that need not be paused is resumed before anything else can happen' },
  { file: '04-workers/callbacks.ts', line: 'this.machine.bufferedBytes <= HELD_BYTES_MAX', mutators: ['EqualityOperator'], reason: BOUND },
  { file: '04-workers/callbacks.ts', line: 'if (this.socket.destroyed) return', replacements: ['false'], reason: 'the same: what is written to a socket that is gone goes nowhere' },
  { file: '04-workers/async.ts', line: 'if (this.socket.destroyed) break', replacements: ['false'], reason: 'the same: what is written to a socket that is gone goes nowhere' },
];
