/** The CGI script of the tests of 5.7, run for each request. Its first argument says what it does. */
const [mode = '', text = '', code = '0'] = process.argv.slice(2);

async function readAll(): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/**
 * Waits as long as the server's process lives, and ignores SIGTERM. It ends with the server, so that one that a server
 * forgets does not stay.
 */
function hang(): void {
  process.on('SIGTERM', () => {});
  const server = process.ppid;
  setInterval(() => {
    if (process.ppid !== server) process.exit();
  }, 1_000);
  process.stderr.write(`pid ${process.pid};`);
}

switch (mode) {
  case 'tell': {
    const body = await readAll();
    console.log('Content-Type: application/json\n');
    console.log(JSON.stringify({ variables: process.env, body: body.toString('base64') }));
    break;
  }
  case 'print':
    process.stdout.write(Buffer.from(text, 'latin1'), () => process.exit(Number(code)));
    break;
  case 'print and die':
    process.stdout.write(Buffer.from(text, 'latin1'), () => process.kill(process.pid, 'SIGKILL'));
    break;
  case 'complain':
    process.stderr.write(text);
    console.log('Content-Type: text/plain\n\nfine');
    break;
  case 'deaf':
    console.log('Content-Type: text/plain\n\nwithout reading');
    break;
  case 'hang':
    hang();
    break;
  case 'hang later':
    hang();
    console.log('Content-Type: text/plain\n\nbegun');
}
