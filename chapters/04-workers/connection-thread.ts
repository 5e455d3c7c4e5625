/**
 * The thread that serves one connection and ends with it.
 */

import { parentPort, workerData } from 'node:worker_threads';

import { reportDetached } from '../01-echo/index.ts';
import { HttpServer } from '../02-http/index.ts';
import { app } from './app.ts';
import type { Stats } from './design.ts';
import { MessageSocket } from './message-socket.ts';
import type { FromConnection, ToConnection } from './relay-messages.ts';
import type { AppSettings } from './settings.ts';

const port = parentPort!;
const settings = workerData as AppSettings;
const onStats: ((stats: Stats) => void)[] = [];

const handler = app({
  ...settings,
  waits: 'blocking',
  stats: () => new Promise((resolve) => {
    onStats.push(resolve);
    tell({ type: 'stats' });
  }),
  onServed: () => tell({ type: 'served' }),
});
const http = new HttpServer(handler, { timeouts: { idleMs: settings.idleMs } });
const socket = new MessageSocket(tell);

port.on('message', (message: ToConnection) => {
  if (message.type === 'stats') for (const resolve of onStats.splice(0)) resolve(message.stats as Stats);
  else if (message.type === 'finish') http.closeGracefully().catch(reportDetached);
  else socket.receive(message);
});
http.handleConnection(socket.asSocket());

function tell(message: FromConnection, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
