/** Middleware around middleware, and one that forgets to close: `npx tsx chapters/05-gateway/steps/onion.ts`. */
import type { Body, Environ, GatewayApp, Middleware } from '../gateway.ts';

// #region say
/** Says when a request comes by, and when its response does. */
function say(name: string): Middleware {
  return (app) => (environ, startResponse) => {
    console.log(`→ ${name}`);
    const body = app(environ, (status, headers, error) => {
      console.log(`← ${name}: ${status}`);
      startResponse(status, [...headers, ['X-Seen-By', name]], error);
    });
    return body;
  };
}
// #endregion say

// #region shout
/** Puts a body into capitals, and is wrong. */
const shout: Middleware = (app) => async function* (environ, startResponse) {
  for await (const part of app(environ, startResponse)) yield Buffer.from(String(part).toUpperCase());
};
// #endregion shout

// #region app
/** An application that has something to give back. */
const app: GatewayApp = (_environ, startResponse) => {
  console.log('  opens its database');
  startResponse('200 OK', []);
  return Object.assign([Buffer.from('one\n'), Buffer.from('two\n')], { close: () => console.log('  closes its database') });
};
// #endregion app

/** What a server does, if nothing goes wrong. */
async function serve(serveApp: GatewayApp): Promise<void> {
  const body: Body = serveApp({} as Environ, (_status, headers) => console.log('  head:', JSON.stringify(headers)));
  for await (const part of body) console.log(`  part: ${String(part).trim()}`);
  await body.close?.();
  console.log();
}

await serve(say('outer')(say('inner')(app)));
await serve(shout(app));
