/** The gateway of chapter 05 on the server of chapter 02: `gateway.ts [plain|middleware]`. */

import { serveHttp } from '../../../solutions/02-http/index.ts';
import {
  accessLog, bearerAuth, compose, cors, errors, requestId, toHandler,
} from '../../../solutions/05-gateway/index.ts';
import type { GatewayApp, GatewayHeader } from '../../../solutions/05-gateway/index.ts';
import { announce, hello } from './routes.ts';

const text: readonly GatewayHeader[] = [['Content-Type', 'text/plain']];
const bytes = Buffer.from(hello);

const app: GatewayApp = (_environ, startResponse) => {
  startResponse('200 OK', text);
  return [bytes];
};

/** The log is written nowhere: what is measured is the middleware, and not a disk. */
const five = compose(
  accessLog({ write: () => undefined }), requestId(), errors(), cors({ origins: '*' }),
  bearerAuth({ credentials: [{ token: 'bench', user: 'bench' }] }),
);
const served = process.argv[2] === 'middleware' ? five(app) : app;
const server = await serveHttp(toHandler(served), { timeouts: { idleMs: 600_000 } });
announce(Number(new URL(server.origin).port));
