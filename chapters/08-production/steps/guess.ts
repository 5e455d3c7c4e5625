/** Three requests for each client, which is found in a field that everybody can write. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

// #region client
/** Our proxy writes the address of the client into this field. So do clients. */
function clientOf(req: IncomingMessage): string {
  const [first = ''] = String(req.headers['x-forwarded-for'] ?? '').split(',');
  return first.trim() || String(req.socket.remoteAddress);
}
// #endregion client

const counts = new Map<string, number>();
const server = createServer((req, res) => {
  const client = clientOf(req);
  const count = (counts.get(client) ?? 0) + 1;
  counts.set(client, count);
  res.writeHead(count > 3 ? 429 : 200).end();
});
server.listen({ host: '127.0.0.1', port: 0 }, () => {
  ask((server.address() as AddressInfo).port).catch((error: unknown) => console.error(error));
});

async function ask(port: number): Promise<void> {
  const statusOf = async (field: string): Promise<number> => (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Forwarded-For': field } })).status;
  const times = async (fields: readonly string[]): Promise<string> => {
    const statuses: number[] = [];
    for (const field of fields) statuses.push(await statusOf(field));
    return statuses.join(' ');
  };
  // The proxy has added the last address of each.
  console.log('an honest client   ', await times(Array<string>(6).fill('203.0.113.7')));
  console.log('another one        ', await times([1, 2, 3, 4, 5, 6].map((number) => `198.51.100.${number}, 203.0.113.8`)));
  server.closeAllConnections();
  server.close();
}
