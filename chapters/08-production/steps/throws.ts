/** A server whose callback for names throws, as a look-up in a database may. Two clients come; the first names a host. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { SecureContext } from 'node:tls';

// #region server
async function find(name: string): Promise<SecureContext> {
  throw new Error(`no certificate for ${name}`);
}

const server = createServer({
  SNICallback: async (name, done) => done(null, await find(name)),
});
// #endregion server

if (process.argv[2] === 'serve') {
  server.on('tlsClientError', () => undefined).listen({ host: '127.0.0.1', port: 0 }, () => process.send?.((server.address() as AddressInfo).port));
} else {
  const child = spawn(process.execPath, [...process.execArgv, import.meta.filename, 'serve'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const [port] = (await once(child, 'message')) as [number];
  const ended = once(child, 'exit');
  console.log('client 1:', await come(port));
  console.log('the server has ended with exit code', (await ended)[0]);
  console.log('client 2:', await come(port));
}

/** Tries a handshake, and tells how it ended. */
async function come(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'one.example', rejectUnauthorized: false });
  return await new Promise((resolve) => {
    socket.once('error', ({ code = '', message }: NodeJS.ErrnoException) => resolve(code || message));
    socket.once('secureConnect', () => resolve('secured'));
  });
}
