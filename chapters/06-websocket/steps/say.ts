/**
 * Opens a WebSocket with Node's own client, says something, and stays: `npx tsx chapters/06-websocket/steps/say.ts
 * PORT[/PATH] TEXT…`. Ctrl-C says goodbye.
 */
const [place, ...texts] = process.argv.slice(2);
const socket = new WebSocket(`ws://127.0.0.1:${place}`);
socket.addEventListener('open', () => {
  for (const text of texts) socket.send(text);
});
socket.addEventListener('message', ({ data }) => console.log('←', String(data).trimEnd()));
socket.addEventListener('close', ({ code, reason, wasClean }) => {
  console.log(`closed: ${code} ${reason}${wasClean ? '' : '(not clean)'}`);
  process.exit();
});
process.on('SIGINT', () => socket.close(1000, 'bye'));
