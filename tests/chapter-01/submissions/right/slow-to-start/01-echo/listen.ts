import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ListenAddress {
  host?: string;
  port?: number;
  backlog?: number;
}

export async function listen(server: Server, address: ListenAddress = {}): Promise<AddressInfo> {
  await sleep(900);
  server.listen(address.port ?? 0, address.host ?? '127.0.0.1', address.backlog);
  await once(server, 'listening');
  return { ...(server.address() as AddressInfo) };
}
