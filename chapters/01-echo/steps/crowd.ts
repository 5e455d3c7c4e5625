/** Many clients at once: `npx tsx chapters/01-echo/steps/crowd.ts 7001 100`. */
// #region crowd
import { connect } from 'node:net';

const [port, clients] = process.argv.slice(2).map(Number) as [number, number];
let connected = 0;
let hungUp = 0;
for (let client = 0; client < clients; client++) {
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('connect', () => connected++);
  socket.on('end', () => hungUp++);
  for (const event of ['connect', 'end', 'error']) socket.on(event, () => quiet.refresh());
}
const quiet = setTimeout(() => {
  console.log(`${connected} of ${clients} connected; the server hung up on ${hungUp}`);
  process.exit();
}, 1000);
// #endregion crowd
