/**
 * The loads that an HTTP server is measured under.
 */

import type { Load } from './wrk.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly load: Omit<Load, 'seconds'>;
  /** What else must be known to read its table. */
  readonly note?: string;
}

/** What a browser sends with each request: about 500 bytes. */
const browserHeaders: readonly string[] = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.9,de;q=0.8',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Cache-Control: max-age=0',
  'Connection: keep-alive',
  'Sec-Fetch-Dest: document',
  'Sec-Fetch-Mode: navigate',
  'Sec-Fetch-Site: same-origin',
  'Upgrade-Insecure-Requests: 1',
  'Referer: http://127.0.0.1/index.html',
];

const pipelined = `
init = function(args)
  local r = {}
  for i = 1, 16 do r[i] = wrk.format("GET", "/") end
  batch = table.concat(r)
end
request = function() return batch end
`;

const upload = `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", 1024 * 1024)
`;

export const httpScenarios: readonly Scenario[] = [
  { name: 'hello', title: 'hello, 13 bytes, keep-alive', load: { path: '/', connections: 50 } },
  {
    name: 'headers',
    title: 'hello with twelve browser headers',
    load: { path: '/', connections: 50, headers: browserHeaders },
  },
  {
    name: 'connect',
    title: 'a new connection each time',
    load: { path: '/', connections: 50, headers: ['Connection: close'] },
  },
  {
    name: 'pipelined',
    title: 'sixteen pipelined requests at a time',
    load: { path: '/', connections: 50, script: pipelined },
  },
  {
    name: 'download',
    title: '100 KB body out',
    load: { path: '/large', connections: 50 },
    note: 'nginx sends a file with sendfile and open_file_cache.',
  },
  {
    name: 'upload',
    title: '1 MB body in',
    load: { path: '/sink', connections: 20, script: upload },
    note: 'nginx reads the body and drops it.',
  },
];
