/** A sloppy server, a sloppy application, and the validator between them: `npx tsx chapters/05-gateway/steps/broken.ts`. */
import { validator } from '../index.ts';
import type { Environ, GatewayApp } from '../index.ts';

// #region app
const app: GatewayApp = (environ, startResponse) => {
  startResponse('204 No Content', [['Content-Length', '4']]);
  environ['gateway.errors'].write(42 as unknown as string);
  return [Buffer.from('done')];
};
// #endregion app

// #region server
/** A server that its author has tried with this one application. */
function serve(serveApp: GatewayApp): void {
  const environ = {
    REQUEST_METHOD: 'GET', SCRIPT_NAME: '/', PATH_INFO: 'notes', QUERY_STRING: '?page=2',
    SERVER_NAME: 'localhost', SERVER_PORT: '80', SERVER_PROTOCOL: 'HTTP/1.1', HTTP_CONTENT_LENGTH: '0',
    'gateway.version': [1, 0], 'gateway.urlScheme': 'http',
    'gateway.errors': { write: (text: string) => console.log(String(text).trimEnd()) },
    'gateway.multithread': false, 'gateway.multiprocess': false, 'gateway.runOnce': false,
  };
  let head = '';
  const body = serveApp(environ as unknown as Environ, (status) => void (head = status)) as Iterable<Uint8Array>;
  for (const part of body) console.log(head, part.length, 'bytes');
}
// #endregion server

serve(app);
console.log('---');
serve((environ, startResponse) => validator(app, { closeMs: 100 })(environ, startResponse));
// The validator's own timer keeps nobody alive.
setTimeout(() => {}, 200);
