/**
 * What an application sends, as the validator sees it: the same tables and checks that servers obey, without a server.
 */

import { mayHaveBody } from '../02-http/index.ts';
import { GatewayError } from '../05-gateway/index.ts';
import type { BodyEvent, Scope, SentEvent, StartEvent } from './async-app.ts';
import {
  checkBodyEvent, checkClose, checkIsEvent, checkMessage, checkStart, checkSubprotocol,
} from './check-event.ts';
import { checkAcceptFields, checkFields } from './check-fields.ts';
import { httpTable, lifespanTable, nextState, websocketTable } from './exchange-states.ts';
import type { HttpSendState, LifespanSendState, WebSocketSendState } from './exchange-states.ts';

export class WatchedSend {
  readonly #scope: Scope;
  #http: HttpSendState = 'waiting';
  #websocket: WebSocketSendState = 'connecting';
  #lifespan: LifespanSendState = 'starting';
  #bytesLeft: number | null = null;
  #dropped = false;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  get http(): HttpSendState {
    return this.#http;
  }

  get websocket(): WebSocketSendState {
    return this.#websocket;
  }

  get lifespan(): LifespanSendState {
    return this.#lifespan;
  }

  /** Whether the response, or the refusal of a WebSocket, is complete or needs nothing more. */
  get complete(): boolean {
    return this.#http === 'complete' || this.#dropped;
  }

  /** `lifespan.shutdown` was given. */
  shutdown(): void {
    if (this.#lifespan === 'serving') this.#lifespan = 'stopping';
  }

  /** Takes an event. @throws GatewayError for the rule that it breaks; it is as if it had not been sent */
  take(event: unknown): void {
    checkIsEvent(event);
    switch (this.#scope.type) {
      case 'http':
        this.#takeHttp(event);
        break;
      case 'websocket':
        this.#takeWebSocket(event);
        break;
      default:
        this.#lifespan = nextState('lifespan', lifespanTable, this.#lifespan, event.type);
    }
  }

  #takeHttp(event: SentEvent): void {
    if (event.type === 'http.response.start') this.#start(event);
    else if (event.type === 'http.response.body') this.#body(event);
    else {
      nextState('http', httpTable, this.#http, event.type);
      if (event.type !== 'http.response.earlyHints') return;
      this.#checkExtension('http.response.earlyHints', event.type);
      checkFields(event.headers);
    }
  }

  #takeWebSocket(event: SentEvent): void {
    const next = nextState('websocket', websocketTable, this.#websocket, event.type);
    switch (event.type) {
      case 'websocket.accept':
        checkAcceptFields(event.headers);
        if (this.#scope.type === 'websocket') checkSubprotocol(event, this.#scope.subprotocols);
        break;
      case 'websocket.send':
        checkMessage(event);
        break;
      case 'websocket.close':
        checkClose(event);
        break;
      case 'websocket.http.response.start':
        this.#checkExtension('websocket.http.response', event.type);
        this.#start(event);
        break;
      case 'websocket.http.response.body':
        this.#body(event);
        break;
      default:
    }
    this.#websocket = next;
  }

  #start(event: StartEvent): void {
    const next = nextState('http', httpTable, this.#http, 'http.response.start');
    const length = checkStart(event);
    const method = this.#scope.type === 'http' ? this.#scope.method : 'GET';
    this.#dropped = !mayHaveBody(event.status, method);
    this.#bytesLeft = this.#dropped ? null : length;
    this.#http = next;
  }

  #body(event: BodyEvent): void {
    const next = nextState('http', httpTable, this.#http, 'http.response.body');
    checkBodyEvent(event);
    const { body, moreBody = false } = event;
    if (this.#bytesLeft !== null) {
      const left = this.#bytesLeft - (body?.length ?? 0);
      if (left < 0) throw new GatewayError('A55', `${-left} bytes more than Content-Length says`);
      if (left > 0 && !moreBody) throw new GatewayError('A56', `${left} bytes fewer than Content-Length says`);
      this.#bytesLeft = left;
    }
    this.#http = moreBody ? next : 'complete';
  }

  #checkExtension(name: string, type: string): void {
    if (this.#scope.type === 'lifespan' || name in this.#scope.extensions) return;
    throw new GatewayError('A22', `${type} was sent, and '${name}' is not among the extensions of this scope`);
  }
}
