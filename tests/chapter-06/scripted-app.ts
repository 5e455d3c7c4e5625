/**
 * An application that follows a script for each request, and one for its life. What comes of each step it notes for the
 * test, as `NAME: WHAT`.
 *
 * It runs in the process of the code under test, and knows the server by the interface of applications alone.
 */
import type * as Http from '#subject/02-http/index.ts';
import type * as Chapter from '#subject/06-websocket/index.ts';
import { answer, letterOf, SECRET } from './script.ts';
import type { Gathered, LooseEvent, Step, Thrown } from './script.ts';
import { outcome } from './stage.ts';
import type { Probe, Stage } from './stage.ts';

export class Scripts {
  readonly #stage: Stage;
  lastScope: Record<string, unknown> = {};
  http: typeof Http | undefined;
  #lastSend: Chapter.Send | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** @param life without it, the application does not know what a lifespan is */
  app(paths: Record<string, readonly Step[]>, life?: readonly Step[]): Chapter.AsyncApp {
    const { probe } = this.#stage;
    return (scope, receive, send) => {
      if (scope.type === 'lifespan' && life !== undefined) {
        probe.note('call lifespan');
        if (life[0]?.do === 'throw') throw this.#thrown(life[0].what);
        return this.#follow(life, scope, receive, send).finally(() => probe.note('end lifespan'));
      }
      if (scope.type !== 'http') throw new this.#stage.chapter.UnknownScopeError(scope.type);
      this.lastScope = told(scope);
      this.#lastSend = send;
      const steps = Object.hasOwn(paths, scope.path) ? paths[scope.path] : undefined;
      probe.note(`call ${scope.path}`);
      // An application that is not an async function can throw before it has given a promise.
      if (steps?.[0]?.do === 'throw') throw this.#thrown(steps[0].what);
      const call = this.#follow(steps ?? answer('404', 404), scope, receive, send);
      return call.finally(() => probe.note(`end ${scope.path}`));
    };
  }

  async sendLate(event: LooseEvent): Promise<string> {
    return this.#lastSend === undefined ? 'nobody was called' : await outcome(this.#lastSend(eventOf(event)));
  }

  async #follow(
    steps: readonly Step[],
    scope: Chapter.HttpScope | Chapter.LifespanScope,
    receive: Chapter.Receive,
    send: Chapter.Send,
  ): Promise<void> {
    const { probe } = this.#stage;
    const gathered: Gathered[] = [];
    for (const step of steps) {
      switch (step.do) {
        case 'send': {
          const came = await outcome(send(eventOf(step.event)));
          if (step.as !== undefined) probe.note(`${step.as}: ${came}`);
          break;
        }
        case 'must send':
          await send(eventOf(step.event));
          break;
        case 'fire':
          this.#later(step.as, send(eventOf(step.event)));
          break;
        case 'forget':
          void send(eventOf(step.event));
          break;
        case 'receive':
          probe.note(`${step.as}: ${await received(receive())}`);
          break;
        case 'receive beside': {
          const promise = received(receive());
          void promise.then((came) => probe.note(`${step.as}: ${came}`));
          break;
        }
        case 'gather':
          do gathered.push(shown(await receive())); while (gathered.at(-1)?.moreBody === true);
          break;
        case 'tell':
          await send({ type: 'http.response.start', status: 200, headers: [['content-type', 'application/json']] });
          await send({ type: 'http.response.body', body: Buffer.from(JSON.stringify(gathered)) });
          break;
        case 'echo':
          await echo(receive, send);
          break;
        case 'flood':
          await flood(step.parts, step.bytes, send, probe);
          break;
        case 'burst': {
          const sent = Array.from({ length: step.parts }, (_, index) => outcome(send(part(index, step.bytes))));
          probe.note(`${step.as}: ${(await Promise.all(sent)).join()}`);
          break;
        }
        case 'note':
          probe.note(step.text);
          break;
        case 'gate':
          await probe.pass(step.name);
          break;
        case 'put': {
          const [key, inner] = step.path;
          if (inner === undefined) scope.state[key] = step.value;
          else (scope.state[key] as Record<string, unknown>)[inner] = step.value;
          break;
        }
        case 'state':
          probe.note(`${step.as}: ${JSON.stringify(scope.state)}`);
          break;
        case 'signal':
          if (scope.type === 'http') await aborted(scope.signal);
          break;
        case 'stopping':
          if (scope.type === 'http') await aborted(scope.stopping);
          break;
        case 'throw':
          throw this.#thrown(step.what);
        default:
          step satisfies never;
      }
    }
  }

  #thrown(what: Thrown): unknown {
    switch (what) {
      case 'plain':
        return new Error(SECRET);
      case 'answer':
        return new this.http!.HttpError(418, 'a teapot\n');
      case 'abort':
        return new DOMException(SECRET, 'AbortError');
      case 'disconnect':
        return new this.#stage.chapter.DisconnectError(SECRET);
      case 'text':
        return SECRET;
      case 'undefined':
        return undefined;
      default:
        return what satisfies never;
    }
  }

  #later(as: string, promise: Promise<void>): void {
    // Not awaited, and looked at by nobody but us, on a branch of its own.
    void outcome(promise).then((came) => this.#stage.probe.note(`${as}: ${came}`));
  }
}

function eventOf(event: LooseEvent): Chapter.SentEvent {
  const { type, body: given } = event;
  const isText = type === 'http.response.body' && typeof given === 'string';
  const bytes = isText ? { body: Buffer.from(given, 'latin1') } : {};
  return { ...event, ...bytes } as unknown as Chapter.SentEvent;
}

async function received(promise: Promise<Chapter.ReceivedEvent>): Promise<string> {
  try {
    const { type, latin1, moreBody } = shown(await promise);
    return type === 'http.request' ? `${JSON.stringify(latin1)} ${moreBody ? 'and more' : 'and no more'}` : type;
  } catch (error) {
    const { rule, status, name } = error as { rule?: unknown; status?: unknown; name?: unknown };
    return `error ${String(rule ?? status ?? name)}`;
  }
}

function shown(event: Chapter.ReceivedEvent): Gathered {
  if (event.type !== 'http.request') return { type: event.type, latin1: '', moreBody: false };
  if (!Buffer.isBuffer(event.body) || typeof event.moreBody !== 'boolean') {
    throw new Error('body must be a Buffer, and moreBody a boolean');
  }
  return { type: event.type, latin1: event.body.toString('latin1'), moreBody: event.moreBody };
}

async function echo(receive: Chapter.Receive, send: Chapter.Send): Promise<void> {
  await send({ type: 'http.response.start', status: 200 });
  for (;;) {
    const event = await receive();
    if (event.type !== 'http.request') return;
    const capitals = Buffer.from(event.body.toString('latin1').toUpperCase(), 'latin1');
    await send({ type: 'http.response.body', body: capitals, moreBody: event.moreBody });
    if (!event.moreBody) return;
  }
}

function part(index: number, bytes: number): Chapter.SentEvent {
  return { type: 'http.response.body', body: Buffer.alloc(bytes, letterOf(index)), moreBody: true };
}

async function flood(parts: number, bytes: number, send: Chapter.Send, probe: Probe): Promise<void> {
  for (let index = 0; index < parts; index++) {
    await send(part(index, bytes));
    probe.note('flooded');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** A scope, as far as it can be told to another process. */
function told(scope: Chapter.HttpScope): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries({ ...scope })) {
    values[key] = value instanceof AbortSignal ? (value.aborted ? 'an aborted AbortSignal' : 'an AbortSignal') : value;
  }
  return values;
}
