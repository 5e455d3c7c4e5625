/**
 * Turns an application of part one into one of part two: the rule A110 of docs/gateway-spec.md.
 *
 * Chapter 05's `callApp` calls it and obeys part one; here its answer becomes events, and events become its input.
 */

import { RemoteProtocolError } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { BodyInput, callApp, environOf, withGatewayDefaults } from '../05-gateway/index.ts';
import type { Environ, GatewayApp, GatewayOptions } from '../05-gateway/index.ts';
import type { AsyncApp, HttpApp, Receive, Send } from './async-app.ts';
import { byScope } from './by-scope.ts';
import type { HttpEvent, HttpSendEvent } from './http-events.ts';
import type { HttpScope } from './scopes.ts';

/**
 * Makes an asynchronous application from one for requests and responses. The result refuses WebSockets with 403, and
 * does not speak lifespan.
 */
export function fromGateway(app: GatewayApp, options: GatewayOptions = {}): AsyncApp {
  const settings = withGatewayDefaults(options);
  const http: HttpApp = async (scope, receive, send) => {
    const input = new BodyInput(() => bodyParts(receive), settings.heldBytesMax);
    const environ = environOf(factsOf(scope), settings, input);
    environ.SCRIPT_NAME = scope.rootPath;
    const hints = new Hints(send);
    if ('http.response.earlyHints' in scope.extensions) environ['gateway.earlyHints'] = hints.send;
    const response = await callApp(app, environ, scope.signal, settings.onError);
    hints.end();
    const { status, reason, headers, body } = response;
    try {
      await send({ type: 'http.response.start', status, reason, headers });
      if (body instanceof Uint8Array) {
        await send({ type: 'http.response.body', body });
        return;
      }
      for await (const part of body) await send({ type: 'http.response.body', body: part, moreBody: true });
      await send({ type: 'http.response.body' });
    } finally {
      // However we got here, even if no part was asked for (G53).
      if (!(body instanceof Uint8Array)) body.close();
    }
  };
  return byScope({ http });
}

async function* bodyParts(receive: Receive<HttpEvent>): AsyncGenerator<Buffer, void, undefined> {
  for (let more = true; more;) {
    const event = await receive();
    // G35: a body that breaks off must not look as if it had ended.
    if (event.type === 'http.disconnect') throw new RemoteProtocolError(400, 'the client has gone');
    more = event.moreBody;
    if (event.body.length > 0) yield event.body;
  }
}

/** A scope as the facts that an environ is made of. */
function factsOf(scope: HttpScope): Parameters<typeof environOf>[0] {
  const { method, rawPath, query, headers, httpVersion, scheme, client, server, signal } = scope;
  return {
    method,
    path: rawPath,
    query,
    // If the target was in absolute form, `host` has the host from it (A14).
    form: rawPath === '*' ? 'asterisk' : 'origin',
    authority: headers.find(([name]) => name === 'host')?.[1] ?? '',
    httpVersion,
    headers: { pairs: () => headers },
    scheme,
    remoteAddress: client?.address,
    remotePort: client?.port,
    localAddress: server?.address,
    localPort: server?.port,
    signal,
  };
}

/** `gateway.earlyHints`, sent as an event until the response begins. */
class Hints {
  #send: Send<HttpSendEvent> | null;

  constructor(send: Send<HttpSendEvent>) {
    this.#send = send;
  }

  readonly send: NonNullable<Environ['gateway.earlyHints']> = (headers: readonly HeaderPair[]): void => {
    // If the event is refused, the server reports that (A64).
    this.#send?.({ type: 'http.response.earlyHints', headers }).catch(() => undefined);
  };

  end(): void {
    this.#send = null;
  }
}
