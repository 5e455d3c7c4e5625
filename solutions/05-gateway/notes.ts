/**
 * The demonstration: notes that anyone may read, and that anyone with the token may write. In memory, with limits.
 *
 *     curl -d '{"title":"Milk"}' -H 'Content-Type: application/json' -H 'Authorization: Bearer TOKEN' \
 *       localhost:8000/api/notes
 */

import { join } from 'node:path';

import { HttpError } from '../02-http/index.ts';
import { statusText } from './answer.ts';
import { bearerAuth } from './bearer-auth.ts';
import { compose } from './compose.ts';
import { cors } from './cors.ts';
import { errors } from './errors.ts';
import type { Body, Environ, GatewayApp, GatewayHeader, StartResponse } from './gateway.ts';
import { jsonBody } from './json-body.ts';
import { Notebook, parseChange } from './notebook.ts';
import type { Note } from './notebook.ts';
import { publicFiles } from './public-files.ts';
import { requestId } from './request-id.ts';
import { Router } from './router.ts';
import type { RouteParams } from './router.ts';

export interface NotesOptions {
  /** A client that sends it may write. Default: nobody may. */
  readonly token?: string;
  /** Show errors with their stacks. Default false. */
  readonly development?: boolean;
  /** How many notes there may be. Default 1,000. */
  readonly notesMax?: number;
}

/** The notes as an application: an API below `/api/notes`, and a page that uses it at `/`. */
export function notes({ token, development = false, notesMax = 1_000 }: NotesOptions = {}): GatewayApp {
  const notebook = new Notebook(notesMax);
  const credentials = token === undefined ? [] : [{ token, user: 'writer' }];
  const writing = compose(bearerAuth({ credentials, realm: 'notes' }), jsonBody({ bytesMax: 64 * 1024 }));
  const api = new Router()
    .get('/', (_environ, startResponse) => sendJson(startResponse, 200, notebook.list()))
    .post('/', writing((environ, startResponse) => {
      const note = notebook.create(parseChange(environ['json.body']));
      return sendJson(startResponse, 201, note, [['Location', `${environ.SCRIPT_NAME}/${note.id}`]]);
    }))
    .get('/:id', (environ, startResponse) => sendJson(startResponse, 200, found(notebook, environ)))
    .patch('/:id', writing((environ, startResponse) => {
      const { id } = found(notebook, environ);
      return sendJson(startResponse, 200, notebook.change(id, parseChange(environ['json.body'])));
    }))
    .delete('/:id', writing((environ, startResponse) => {
      notebook.delete(found(notebook, environ).id);
      startResponse('204 No Content', []);
      return [];
    }));
  // Any page may use the API: what it may write depends on its token, and cookies are ignored.
  const open = cors({ origins: '*', exposed: ['Location', 'X-Request-Id'] });
  const router = new Router()
    .mount('/api/notes', compose(open, errors({ development }))(api.app))
    .get('/*path', publicFiles(join(import.meta.dirname, 'public')));
  return requestId()(router.app);
}

const { NOTES_TOKEN } = process.env;
/** The notes by name, as `main.ts --app notes.ts:app` asks for them; the token is NOTES_TOKEN of the environment. */
export const app: GatewayApp = notes(NOTES_TOKEN === undefined ? {} : { token: NOTES_TOKEN });

/** @throws HttpError 404 */
function found(notebook: Notebook, environ: Environ): Note {
  const { id = '' } = environ['router.params'] as RouteParams;
  const note = notebook.read(id);
  if (note === undefined) throw new HttpError(404, 'there is no such note');
  return note;
}

function sendJson(
  startResponse: StartResponse,
  status: number,
  value: unknown,
  headers: readonly GatewayHeader[] = [],
): Body {
  const body = Buffer.from(JSON.stringify(value));
  startResponse(statusText(status), [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ...headers,
  ]);
  return [body];
}
