/** pm2 by its documentation ("Graceful shutdown"): says when it is ready, and closes its server on SIGINT. */

import { createReloadServer } from './reload-node.ts';

const server = createReloadServer();
process.on('SIGINT', () => server.close(() => process.exit(0)));
server.listen(Number(process.env.LEDGER_PORT), '127.0.0.1', 511, () => process.send?.('ready'));
