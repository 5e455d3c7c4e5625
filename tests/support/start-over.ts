/**
 * Brings the process of the code under test back to where it was before a rule,
 * where the code is trusted to let that happen: servers and connections are
 * closed, and what was changed for the whole process is put back. Then nothing
 * may be left that keeps a process alive. What this cannot see, such as a
 * variable of a module, may make a rule fail that passes in a process of its
 * own; it is run again in one.
 */
import child_process from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import fs from 'node:fs';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import worker_threads from 'node:worker_threads';

/** The loop turns this often before what is still open counts as left behind. */
const TURNS_MAX = 50;

const servers = new Set<net.Server>();
/** Weakly: a rule may ask whether a server forgets its clients. */
const sockets = new Set<WeakRef<net.Socket>>();
subscribe('tracing:net.server.listen:asyncStart', (message) => servers.add((message as { server: net.Server }).server));
for (const channel of ['net.server.socket', 'net.client.socket']) {
  subscribe(channel, (message) => sockets.add(new WeakRef((message as { socket: net.Socket }).socket)));
}

// They are opened when they are first used.
void [process.stdout, process.stderr];

/** What rules and drivers change for a whole process: the clock, the timers, a method of Node's. */
const changeable: readonly (readonly [object, PropertyDescriptorMap])[] = [
  globalThis, process, process.memoryUsage, fs, fs.promises, child_process, worker_threads,
  net, net.Server.prototype, net.Socket.prototype,
].map((object) => [object, Object.getOwnPropertyDescriptors(object)]);

/** Whether all is as it was, after it was put back. */
function putBack(): boolean {
  return changeable.every(([object, before]) => {
    const now = Object.getOwnPropertyDescriptors(object) as PropertyDescriptorMap;
    return [...Object.keys(before), ...Object.keys(now)].every((name) => {
      if (before[name] === undefined) return Reflect.deleteProperty(object, name);
      if (now[name] !== undefined && Object.is(now[name].value, before[name].value) && now[name].get === before[name].get) return true;
      return Reflect.defineProperty(object, name, before[name]);
    });
  });
}

/** What the system keeps for this process, and what would keep it alive. */
function resources(): string {
  return JSON.stringify([process.getActiveResourcesInfo().sort(), process.cwd(), process.getuid?.(), Object.entries(process.env), process.exitCode, process.eventNames().map(String)]);
}

const before = resources();

/** Resolves to whether this process is as it was when this file was loaded. */
export async function asBefore(): Promise<boolean> {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.deref()?.destroy();
  servers.clear();
  sockets.clear();
  if (!putBack()) return false;
  for (let turns = 0; turns < TURNS_MAX; turns++) {
    await turn();
    if (resources() === before) return true;
  }
  return false;
}
