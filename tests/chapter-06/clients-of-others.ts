/** WebSocket clients that were not written here: what understands them is not only understood by itself. */
import { WebSocket as Ws } from 'ws';

/** Both have the interface of browsers (HTML, WebSockets). */
export const clientsOfOthers: readonly { readonly name: string; readonly Client: typeof WebSocket }[] = [
  { name: 'Node', Client: WebSocket },
  { name: 'the package ws', Client: Ws as unknown as typeof WebSocket },
];
