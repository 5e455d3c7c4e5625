/** The strict reader judges servers, so it is judged first. */
import { describe, expect, test } from 'vitest';
import { fieldTokens, fieldValue, fieldValues, HttpFault, readResponse, saysClose } from './http-response.ts';
import type { HttpTestResponse } from './http-response.ts';

function read(text: string, method = 'GET', ended = false): ReturnType<typeof readResponse> {
  return readResponse(Buffer.from(text, 'latin1'), 0, method, ended);
}

function whole(text: string, method = 'GET', ended = false): HttpTestResponse {
  const response = read(text, method, ended);
  if ('incomplete' in response) throw new Error(`incomplete: ${response.incomplete}`);
  return response;
}

describe('what it accepts', () => {
  test('a body by its length, and leaves what comes after it', () => {
    const response = whole('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP');
    expect(response).toMatchObject({ status: 200, reason: 'OK', version: '1.1', framing: 'length' });
    expect(response.body.toString()).toBe('ab');
    expect(response.end).toBe(40);
  });

  test('an empty reason phrase, any case of names, any order', () => {
    const response = whole('HTTP/1.0 404 \r\nX: a\r\ncontent-LENGTH: 0\r\nx:b\r\n\r\n');
    expect(fieldValues(response, 'X')).toEqual(['a', 'b']);
    expect(fieldValue(response, 'x')).toBe('a, b');
    expect(fieldValue(response, 'y')).toBeUndefined();
  });

  test('chunks with extensions and trailers', () => {
    const response = whole('HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;a="b"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n');
    expect(response.body.toString()).toBe('abc0123456789');
    expect(response.chunks).toEqual([3, 10]);
    expect(response.trailers).toEqual([{ name: 'X', value: 'y' }]);
  });

  test('a body until the end of the connection, only once it has ended', () => {
    expect(read('HTTP/1.1 200 OK\r\n\r\nabc')).toMatchObject({ incomplete: 'body', bodyBytes: 3 });
    expect(whole('HTTP/1.1 200 OK\r\n\r\nabc', 'GET', true)).toMatchObject({ framing: 'close' });
  });

  test.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'],
  ])('no body for %s and %j', (method, text) => {
    expect(whole(`${text}HTTP`, method)).toMatchObject({ framing: 'none', end: text.length });
  });

  test('which side closes', () => {
    expect(saysClose(whole('HTTP/1.1 204 x\r\nConnection: x, CLOSE\r\n\r\n'))).toBe(true);
    expect(saysClose(whole('HTTP/1.1 204 x\r\n\r\n'))).toBe(false);
    expect(saysClose(whole('HTTP/1.0 204 x\r\n\r\n'))).toBe(true);
    expect(saysClose(whole('HTTP/1.0 204 x\r\nConnection: keep-alive\r\n\r\n'))).toBe(false);
    expect(fieldTokens(whole('HTTP/1.1 204 x\r\nAllow: GET , head\r\nallow: PUT\r\n\r\n'), 'allow')).toEqual(['get', 'head', 'put']);
  });
});

test.each(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n'])('asks for more at every cut of %j', (text) => {
  for (let length = 0; length < text.length; length++) expect(read(text.slice(0, length))).toHaveProperty('incomplete');
  expect(read(text)).not.toHaveProperty('incomplete');
});

test.each([
  ['no status line', 'hello'],
  ['a bare LF', 'HTTP/1.1 200 OK\nX: y\r\n\r\n'],
  ['a bare CR', 'HTTP/1.1 200 OK\r\nX: y\rz\r\n\r\n'],
  ['NUL in a value', 'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n'],
  ['two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['no space after the status', 'HTTP/1.1 200\r\n\r\n'],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\nX : y\r\n\r\n'],
  ['no colon', 'HTTP/1.1 200 OK\r\nX\r\n\r\n'],
  ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ['a length that is not a number', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na'],
  ['a length with 204', 'HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n'],
  ['chunks with 1xx', 'HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['chunks with HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['chunked twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n'],
  ['a coding after chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n'],
  ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n'],
  ['no CRLF after a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n'],
])('refuses %s', (_, text) => {
  expect(() => read(text)).toThrow(HttpFault);
});
