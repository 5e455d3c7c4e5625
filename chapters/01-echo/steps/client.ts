/** What you type goes to a port of this machine, what comes back is printed: `npx tsx chapters/01-echo/steps/client.ts 7000`. */
// #region client
import { connect } from 'node:net';

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]) });

process.stdin.pipe(socket); // The end of the input (Ctrl-D) becomes our FIN.
socket.pipe(process.stdout, { end: false });
socket.on('end', () => console.error('(the server has sent its FIN)'));
socket.on('error', (error) => console.error(`(${error.message})`));
socket.on('close', () => process.exit());
// #endregion client
