/**
 * A gateway server: applications on chapter 02's server.
 *
 * That server does the framing, keeps connections, cuts a body that is too long and closes after one that is too short.
 * This file does the other half: an environ in, a response out.
 */

import { HttpResponse } from '../02-http/index.ts';
import type { Handler, HttpRequest } from '../02-http/index.ts';
import { callApp } from './call-app.ts';
import type { AppResponse } from './call-app.ts';
import { EarlyHints } from './early-hints.ts';
import { environOf } from './environ.ts';
import type { GatewayApp, GatewayInput } from './gateway.ts';
import { BodyInput, noInput } from './input.ts';
import { withServer } from './server-field.ts';
import { withGatewayDefaults } from './settings.ts';
import type { GatewayOptions, GatewaySettings } from './settings.ts';

/**
 * Serves an application on chapter 02's server: `serveHttp(toHandler(app))`.
 *
 * The handler throws an HttpError for a request that cannot be an environ (400) and for an application that failed (500).
 */
export function toHandler(app: GatewayApp, options: GatewayOptions = {}): Handler {
  const settings = withGatewayDefaults(options);
  const { onError } = settings;
  return (request) => {
    const environ = environOf(request, settings, inputOf(request, settings));
    const hints = new EarlyHints(request);
    // An HTTP/1.0 client would not understand hints, so the key is absent for it.
    if (request.httpVersion === '1.1') environ['gateway.earlyHints'] = hints.send;
    const response = callApp(app, environ, request.signal, onError);
    // An application that answers at once costs no promise.
    return response instanceof Promise
      ? response.then((later) => toResponse(later, settings, hints))
      : toResponse(response, settings, hints);
  };
}

function toResponse(response: AppResponse, settings: GatewaySettings, hints: EarlyHints): HttpResponse {
  const { status, reason, headers, body } = response;
  hints.end();
  return new HttpResponse(status, withServer(headers, settings.serverField), body, { reason });
}

function inputOf(request: HttpRequest, { heldBytesMax }: GatewaySettings): GatewayInput {
  return request.hasBody ? new BodyInput(() => request.body, heldBytesMax) : noInput;
}
