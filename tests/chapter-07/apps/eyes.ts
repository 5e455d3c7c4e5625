/**
 * An application that leaves traces: in its responses, of which every byte is known, on stdout and stderr, and as an
 * error. What it does is in the query.
 */
import { spawn } from 'node:child_process';
import type { AsyncApp, HttpScope, Send } from '#subject/06-websocket/index.ts';

async function answer(send: Send, status: number, body: string, word = ''): Promise<void> {
  const headers: [string, string][] = [['content-type', 'text/plain'], ['content-length', String(Buffer.byteLength(body))]];
  if (word !== '') headers.push(['x-told', word]);
  await send({ type: 'http.response.start', status, headers });
  // The server drops it for HEAD.
  await send({ type: 'http.response.body', body: Buffer.from(body) });
}

async function onHttp(scope: HttpScope, send: Send): Promise<void> {
  const query = new URLSearchParams(scope.query);
  const text = query.get('text') ?? '';
  const stream = query.get('to') === 'stderr' ? process.stderr : process.stdout;
  switch (scope.path.split('/')[1]) {
    case 'bytes':
      return await answer(send, Number(query.get('status') ?? 200), 'x'.repeat(Number(query.get('n') ?? 1)), query.get('word') ?? '');
    case 'print':
      await new Promise((resolve) => stream.write(text, resolve));
      break;
    case 'lines': {
      // A line in three writes, so that it may be cut anywhere.
      for (let number = 0; number < Number(query.get('n')); number++) {
        stream.write(`${text} `);
        stream.write(`${number} `);
        await new Promise((resolve) => stream.write(`of ${text}\n`, resolve));
      }
      break;
    }
    case 'last-words':
      stream.write(text, () => process.exit(9));
      return await new Promise(() => {});
    case 'leaves-a-child': {
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 120_000)'], { stdio: ['ignore', 'inherit', 'inherit'] });
      child.unref();
      return await answer(send, 200, `${JSON.stringify({ pid: process.pid, mark: String(child.pid) })}\n`);
    }
    case 'exit':
      return process.exit(9);
    case 'throws':
      throw new Error(`thrown on purpose: ${text}`);
  }
  await answer(send, 200, `${JSON.stringify({ pid: process.pid, mark: 'eyes' })}\n`);
}

export const app: AsyncApp = async (scope, receive, send) => {
  if (scope.type === 'http') return await onHttp(scope, send);
  if (scope.type === 'websocket') return await send({ type: 'websocket.close' });
  for (;;) {
    const event = await receive();
    if (event.type === 'lifespan.startup') await send({ type: 'lifespan.startup.complete' });
    if (event.type === 'lifespan.shutdown') return await send({ type: 'lifespan.shutdown.complete' });
  }
};
