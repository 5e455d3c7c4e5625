/**
 * The chat for a long time, with members that leave in every way: `npx tsx tests/chapter-06/soak.ts --minutes 60 [--seed N]`
 *
 * The chat of the reference runs in a process of its own. In each of its rooms a few members stay all the time and talk;
 * crowds come, and go by FIN, by RST, by a Close frame or without a word, one by one or all at once, now and then while the
 * server's process stands still. Those who stay must notice nothing of it but who has come and who has left: each of
 * their messages arrives, in its order, and no connection of theirs ends. Nothing may be reported, and at the end the
 * server must stop with exit code 0.
 *
 * Exit codes: 0 all was well, 1 something was not, 2 wrong arguments.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Random } from '../support/random.ts';
import { clientFrame, close } from './cases/index.ts';

const ROOMS = ['red', 'green', 'blue'];
const STEADY = 4;
/** A crowd is at most this large. */
const CROWD_MAX = 20;
/** Members that are silent, at most: each keeps its place until the heartbeat finds it. */
const SILENT_MAX = 60;
/** How long anything may take to arrive, in milliseconds: the machine may be busy. */
const PATIENCE_MS = 60_000;
/** A silent member is found after two times of 20 seconds and some ticks. */
const SILENCE_MS = 60_000 + PATIENCE_MS;

const WAYS = ['FIN', 'RST', 'Close', 'Close and FIN', 'FIN in the middle of a frame', 'silence'] as const;
type Way = (typeof WAYS)[number];

interface ChatEvent {
  readonly type: 'welcome' | 'message' | 'joined' | 'left' | 'problem';
  readonly name?: string;
  readonly text?: string;
  readonly names?: readonly string[];
}

/** One that comes and goes. It reads nothing of what it is sent but that it is welcome. */
class Guest {
  readonly name: string;
  readonly #socket: Socket;
  readonly welcome: Promise<void>;

  constructor(port: number, room: string, name: string) {
    this.name = name;
    const socket = connect(port, '127.0.0.1');
    this.#socket = socket;
    socket.on('error', () => {});
    socket.write(
      `GET /rooms/${room}/socket?name=${name} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    this.welcome = new Promise((resolve, reject) => {
      let received = '';
      const look = (chunk: Buffer): void => {
        received += chunk.toString('latin1');
        if (!received.includes('"welcome"')) return;
        socket.off('data', look).resume();
        resolve();
      };
      socket.on('data', look);
      socket.on('close', () => reject(new Error(`${name} was turned away: ${received.slice(0, 200)}`)));
    });
  }

  leave(way: Way): void {
    const socket = this.#socket;
    if (way === 'FIN') socket.end();
    else if (way === 'RST') socket.resetAndDestroy();
    else if (way === 'Close') socket.write(clientFrame(close(1000)));
    else if (way === 'Close and FIN') socket.end(clientFrame(close(1001)));
    else if (way === 'FIN in the middle of a frame') socket.end(Buffer.from([0x81, 0x85, 1, 2]));
    else socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** One that stays: it says numbers, hears those of the others, and knows who has left. */
class SteadyMember {
  readonly name: string;
  readonly room: string;
  readonly #socket: WebSocket;
  readonly #problem: (problem: string) => void;
  #said = 0;
  /** The last number of each of the others. */
  readonly heard = new Map<string, number>();
  readonly left = new Set<string>();
  leaving = false;
  readonly open: Promise<void>;

  constructor(port: number, room: string, name: string, problem: (problem: string) => void) {
    this.name = name;
    this.room = room;
    this.#problem = problem;
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/rooms/${room}/socket?name=${name}`);
    this.open = new Promise((resolve) => this.#socket.addEventListener('message', () => resolve(), { once: true }));
    this.#socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as ChatEvent));
    this.#socket.addEventListener('close', ({ code, reason }) => {
      if (!this.leaving) problem(`${this} was disconnected: ${code} ${reason}`);
    });
  }

  get said(): number {
    return this.#said;
  }

  say(): void {
    this.#socket.send(JSON.stringify({ text: String(++this.#said) }));
  }

  close(): void {
    this.leaving = true;
    this.#socket.close();
  }

  toString(): string {
    return `${this.name} in ${this.room}`;
  }

  #hear({ type, name = '', text }: ChatEvent): void {
    if (type === 'problem') this.#problem(`${this} was told: ${text}`);
    if (type === 'left' && this.left.has(name)) this.#problem(`${this} was told twice that ${name} has left`);
    if (type === 'left') this.left.add(name);
    if (type !== 'message') return;
    const before = this.heard.get(name) ?? 0;
    if (Number(text) !== before + 1) this.#problem(`${this} heard ${text} of ${name} after ${before}`);
    this.heard.set(name, Number(text));
  }
}

/** Waits until it is so. */
async function until(condition: () => boolean, what: () => string, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what()} within ${patienceMs / 1000} s`);
    await wait(20);
  }
}

async function startChat(): Promise<{ child: ChildProcess; port: number; errors: () => string }> {
  const main = join(import.meta.dirname, '..', '..', 'solutions', '06-websocket', 'main.ts');
  const child = spawn(process.execPath, ['--disable-sigusr1', main, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  process.on('exit', () => child.kill('SIGKILL'));
  await until(() => /listening on .*:\d+\n/.test(output) || child.exitCode !== null, () => 'the chat does not listen');
  const port = Number(/:(\d+)\n/.exec(output)?.[1]);
  if (Number.isNaN(port)) throw new Error(`the chat has not started: ${errors}`);
  return { child, port, errors: () => errors };
}

async function soak(minutes: number, random: Random): Promise<string[]> {
  const problems: string[] = [];
  const problem = (text: string): void => void problems.push(text);
  const { child, port, errors } = await startChat();
  const exited = new Promise<string>((resolve) => child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`)));
  let gone: string | null = null;
  void exited.then((how) => (gone = how)).catch(() => undefined);
  const steady = ROOMS.flatMap((room) => Array.from({ length: STEADY }, (_, index) => new SteadyMember(port, room, `${room}-${index}`, problem)));
  await Promise.all(steady.map(({ open }) => open));
  // One word in a second: the chat allows two.
  const talking = setInterval(() => {
    for (const member of steady) member.say();
  }, 1000);
  const counts = new Map<string, number>();
  let silent: { name: string; room: string; guest: Guest; sinceMs: number }[] = [];
  const end = performance.now() + minutes * 60_000;
  let nextWordMs = performance.now() + 60_000;
  let number = 0;
  const toldOf = (room: string, names: readonly string[]): boolean =>
    steady.every((member) => member.room !== room || names.every((name) => member.left.has(name)));
  try {
    while (performance.now() < end && problems.length === 0 && gone === null) {
      const room = random.pick(ROOMS);
      const crowd = Array.from({ length: random.integer(1, CROWD_MAX) }, () => new Guest(port, room, `guest-${++number}`));
      await Promise.all(crowd.map(({ welcome }) => welcome));
      const together = random.integer(0, 2) > 0;
      const stands = random.integer(0, 9) === 0 && process.platform !== 'win32';
      const one = random.pick(WAYS);
      if (stands) child.kill('SIGSTOP');
      const leaving: Guest[] = [];
      for (const guest of crowd) {
        let way: Way = random.integer(0, 1) === 0 ? one : random.pick(WAYS);
        if (way === 'silence' && silent.length >= SILENT_MAX) way = 'RST';
        guest.leave(way);
        counts.set(way, (counts.get(way) ?? 0) + 1);
        if (way === 'silence') silent.push({ name: guest.name, room, guest, sinceMs: performance.now() });
        else leaving.push(guest);
        if (!together) await wait(random.integer(0, 5));
      }
      if (stands) {
        // Words of those who stay come to the server in one turn with the leavings.
        for (const member of steady) if (random.integer(0, 9) === 0) member.say();
        await wait(50);
        child.kill('SIGCONT');
      }
      const names = leaving.map(({ name }) => name);
      await until(() => gone !== null || toldOf(room, names), () => `those in ${room} are not told that ${names.join(', ')} have left`);
      for (const guest of leaving) guest.destroy();
      const found = silent.filter(({ name, room: where }) => toldOf(where, [name]));
      for (const { guest } of found) guest.destroy();
      silent = silent.filter((one) => !found.includes(one));
      for (const { name, sinceMs } of silent) {
        if (performance.now() - sinceMs > SILENCE_MS) problem(`${name} is silent, and has not been found for ${SILENCE_MS / 1000} s`);
      }
      // Messages of one member are remembered by all; a set of a hundred thousand names need not be.
      if (performance.now() > nextWordMs) {
        nextWordMs += 60_000;
        console.log(`${new Date().toISOString()}  ${number} have come, ${[...counts].map(([way, count]) => `${count} by ${way}`).join(', ')}; ${steady[0]!.said} words of each that stays`);
      }
      await wait(random.integer(0, 200));
    }
    clearInterval(talking);
    if (gone !== null) problem(`the server has ended: ${gone as string}`);
    else await until(() => toldOf('', []) && allHeard(steady), () => 'not all that was said has been heard');
    for (const { guest } of silent) guest.destroy();
  } catch (error) {
    problem(error instanceof Error ? error.message : String(error));
  }
  clearInterval(talking);
  for (const member of steady) member.close();
  if (gone === null) {
    child.kill('SIGTERM');
    const how = await exited;
    if (how !== 'exit code 0') problem(`told to stop, the server ended with ${how}`);
  }
  if (errors() !== '') problem(`the server reported: ${errors().slice(0, 2000)}`);
  console.log(`${number} have come and gone: ${[...counts].map(([way, count]) => `${count} by ${way}`).join(', ')}`);
  return problems;
}

/** Whether each that stays has heard all that the others of its room have said. */
function allHeard(steady: readonly SteadyMember[]): boolean {
  return steady.every((one) => steady.every((other) => one.room !== other.room || (one.heard.get(other.name) ?? 0) === other.said));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } } });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
    console.error('use: soak.ts [--minutes N] [--seed N]');
    return 2;
  }
  console.log(`${minutes} minutes, seed ${seed}`);
  const problems = await soak(minutes, new Random(seed));
  for (const text of problems.slice(0, 20)) console.log(`✗ ${text}`);
  console.log(problems.length === 0 ? '✓ the server was up all the time, and nobody who stayed was disturbed' : `${problems.length} problems, seed ${seed}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main();
