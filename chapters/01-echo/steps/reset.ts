/** A client that slams the door: `npx tsx chapters/01-echo/steps/reset.ts 7013`. */
// #region reset
import { connect } from 'node:net';

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]) }, () => {
  socket.write('hello');
});
socket.once('data', () => socket.resetAndDestroy());
// #endregion reset
