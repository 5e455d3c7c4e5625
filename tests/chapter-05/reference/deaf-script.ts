/** A CGI script that ignores signals and never ends. It is connected to the test's port, so that the test sees its end. */

import { cgi } from '../../../solutions/05-gateway/index.ts';

const SCRIPT = `
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
  require('node:net').connect(Number(process.env.TEST_PORT), '127.0.0.1').resume();
`;

export const app = cgi(process.execPath, { args: ['-e', SCRIPT], variables: { TEST_PORT: process.env['TEST_PORT'] ?? '' } });
