import { describe, expect, test } from 'vitest';

import { errors, jsonBody } from '../../../solutions/05-gateway/index.ts';
import { acceptQuality, parseMediaType } from '../../../solutions/05-gateway/media-type.ts';
import { exchange, request, serve, statusOf } from './support.ts';

describe('a media type', () => {
  test.each([
    ['application/json', 'application/json', []],
    [' Text/HTML ; Charset="utf-8" ', 'text/html', [['charset', 'utf-8']]],
    ['application/ld+json;profile="https://a.example/b;c,d"; charset=utf-8', 'application/ld+json', [['profile', 'https://a.example/b;c,d'], ['charset', 'utf-8']]],
    ['a/b;;c=d;', 'a/b', [['c', 'd']]],
    ['a/b; c="d\\"e"', 'a/b', [['c', 'd"e']]],
    ['a/b; c=""', 'a/b', [['c', '']]],
  ])('%s', (text, essence, parameters) => {
    expect(parseMediaType(text)).toMatchObject({ essence, parameters });
  });

  test.each(['', 'json', 'a/', '/b', 'a/b c', 'a/b; c', 'a/b; c =d', 'a/b; c="d', 'a/b, c/d', 'a/b; c="d"e'])('%j is not one', (text) => {
    expect(parseMediaType(text)).toBeNull();
  });
});

describe('what a client wants', () => {
  test.each([
    [undefined, 1], ['', 1], ['*/*', 1], ['text/html', 1], ['TEXT/html;level=1', 1], ['text/html;q=0', 0], ['text/*;q=0.5, */*;q=0.1', 0.5],
    ['*/*, text/html;q=0.3', 0.3], ['application/json', 0], ['image/png, , text/html; q=0.8', 0.8], ['text/html;q=2', 0],
    ['a/b;c="text/html"', 0], ['not a type, text/html;q=0.4', 0.4],
  ])('%j', (accept, quality) => {
    expect(acceptQuality(accept, 'text/html')).toBe(quality);
  });
});

describe('JSON', () => {
  const app = jsonBody()((environ, startResponse) => {
    startResponse('200 OK', []);
    return [Buffer.from(JSON.stringify(environ['json.body']))];
  });
  const post = async (fields: readonly string[]): Promise<string> => {
    await using served = await serve(app);
    return statusOf(await exchange(served.port, request('POST', '/', ['Content-Length: 7', ...fields], '{"a":1}')));
  };

  test.each([
    'application/vnd.api+json; ext="https://jsonapi.org/ext/atomic"', 'application/ld+json; profile="http://www.w3.org/ns/json-ld#compacted"',
    'application/json; charset=utf-8; v=1', 'application/json; v="a;b"; charset="UTF-8"', 'application/json;', 'application/activity+json ; a=b ',
    'model/gltf+json',
  ])('%s is taken', async (type) => {
    expect(await post([`Content-Type: ${type}`])).toBe('200');
  });

  test.each([
    'application/json; charset=latin1', 'application/json; charset=utf-8; charset=latin1', 'application/json; v', 'text/json', 'application/+jsonx',
    'application/json, text/plain', 'text/plain; a="application/json"',
  ])('%s is refused', async (type) => {
    expect(await post([`Content-Type: ${type}`])).toBe('415');
  });

  test('the coding `identity` may be named, in either case', async () => {
    expect(await post(['Content-Type: application/json', 'Content-Encoding: Identity'])).toBe('200');
    expect(await post(['Content-Type: application/json', 'Content-Encoding: identity, gzip'])).toBe('415');
  });
});

test.each([['text/html', 'text/html'], ['text/html;q=0', 'text/plain'], ['text/html,*/*;q=0.8', 'text/html'], ['*/*', 'text/plain']])(
  'an error is a page for a client that prefers one: Accept: %s',
  async (accept, type) => {
    await using served = await serve(errors()(() => {
      throw new Error('mine');
    }));
    expect(await exchange(served.port, request('GET', '/', [`Accept: ${accept}`]))).toContain(`Content-Type: ${type}`);
  },
);
