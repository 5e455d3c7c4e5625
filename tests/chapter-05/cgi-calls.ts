/** What the tests of 5.7 do inside the process under test. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type * as Gateway from '#subject/05-gateway/index.ts';
import type { Address } from '#support/tcp-client.ts';
import type { App, Chapter, Stage } from './serve-app.ts';

/** The outcome of parsing. */
export type CgiParsed = { outcome: 'more' } | { outcome: 'refused'; status: unknown } | { outcome: 'head'; status: string; headers: [string, string][]; rest: Buffer };
export type ScgiParsed = { outcome: 'more' } | { outcome: 'refused'; status: unknown } | { outcome: 'head'; variables: [string, string][]; contentLength: number; rest: Buffer };

/** What the application that is served over SCGI was given. */
export interface ScgiTold {
  method: string;
  scriptName: string;
  pathInfo: string;
  rawPathInfo: string;
  query: string;
  protocol: string;
  fields: Record<string, unknown>;
  bytes: number;
  sha256: string;
}

const SCRIPT = fileURLToPath(new URL('./cgi-script.ts', import.meta.url));

export function cgiCalls(chapter: Chapter, stage: Stage) {
  let calls = 0;
  let closes = 0;
  const readings: string[] = [];

  function refused(error: unknown): { outcome: 'refused'; status: unknown } {
    if (error instanceof Error && 'exercise' in error) throw error;
    return { outcome: 'refused', status: (error as { status?: unknown } | null)?.status };
  }

  const tells: App = async function* (environ, startResponse) {
    calls++;
    const input = environ['gateway.input'];
    let body: Buffer;
    try {
      body = environ.PATH_INFO === '/unread' ? Buffer.alloc(0) : await input.read();
      readings.push(`${body.length} bytes`);
    } catch (error) {
      readings.push('an error');
      throw error;
    }
    if (environ.PATH_INFO === '/throws') throw new Error('thrown by the application');
    const fields = Object.fromEntries(Object.entries(environ).filter(([name]) => /^(HTTP_|CONTENT_|REMOTE_ADDR)/.test(name)));
    const told: ScgiTold = {
      method: environ.REQUEST_METHOD, scriptName: environ.SCRIPT_NAME, pathInfo: environ.PATH_INFO, rawPathInfo: environ['gateway.rawPathInfo'],
      query: environ.QUERY_STRING, protocol: environ.SERVER_PROTOCOL, fields, bytes: body.length, sha256: createHash('sha256').update(body).digest('hex'),
    };
    const parts = environ.PATH_INFO === '/large' ? Array.from({ length: 40 }, () => body) : [Buffer.from(JSON.stringify(told))];
    const headers: Gateway.GatewayHeader[] = [['Content-Type', 'application/json'], ['X-Told', 'yes']];
    startResponse(environ.PATH_INFO === '/none' ? '404 Not Found' : '200 OK', headers);
    try {
      for (const part of parts) yield part;
    } finally {
      closes++;
    }
  };

  return {
    /** The variables for an environ of these strings. */
    cgiVariables: (strings: Record<string, string>, contentLength: number | null, own?: Record<string, string>): Record<string, string> => {
      const environ = {
        ...strings, 'gateway.version': [1, 0], 'gateway.urlScheme': strings['gateway.urlScheme'] ?? 'http', 'gateway.input': {}, 'gateway.errors': {}, 'gateway.multithread': false,
        'router.params': { id: '1' }, HTTP_X_ODD: 7,
      } as unknown as Gateway.Environ;
      return { ...chapter.cgiVariables(environ, contentLength, own) };
    },

    parseCgiHead: (bytes: Buffer): CgiParsed => {
      try {
        const head = chapter.parseCgiHead(Buffer.from(bytes));
        return head === null ? { outcome: 'more' } : { outcome: 'head', status: head.status, headers: head.headers.map(([name, value]) => [name, value]), rest: Buffer.from(head.rest) };
      } catch (error) {
        return refused(error);
      }
    },

    parseScgiHead: (bytes: Buffer, headBytesMax: number): ScgiParsed => {
      try {
        const head = chapter.parseScgiHead(Buffer.from(bytes), headBytesMax);
        return head === null ? { outcome: 'more' } : { outcome: 'head', variables: [...head.variables], contentLength: head.contentLength, rest: Buffer.from(head.rest) };
      } catch (error) {
        return refused(error);
      }
    },

    /** The tests' script, run for each request, or a program that does not exist. */
    serveCgi: async (args: readonly string[], options: Omit<Gateway.CgiOptions, 'args'> & { program?: string } = {}): Promise<Address> => {
      const { program = process.execPath, ...others } = options;
      return await stage.serve(chapter.cgi(program, { args: [SCRIPT, ...args], ...others }));
    },

    /** Which of these processes are running. */
    runningScripts: (pids: readonly number[]): number[] =>
      pids.filter((pid) => {
        try {
          return process.kill(pid, 0);
        } catch {
          return false;
        }
      }),

    /** Sets a variable of this process, which a script must not see. */
    setVariable: (name: string, value: string) => void (process.env[name] = value),

    /** Serves an application over SCGI that tells what it was given. */
    serveScgi: async (limits: Gateway.ScgiOptions['limits'] = {}): Promise<Address> => {
      const server = await chapter.serveScgi(tells, { host: '127.0.0.1', port: 0, limits, errors: stage.errors, onError: stage.report });
      return { host: '127.0.0.1', port: (server.address as AddressInfo).port };
    },

    /** The same application on chapter 02's server. */
    serveTelling: async (): Promise<Address> => await stage.serve(tells),

    scgiCalls: () => calls,
    scgiCloses: () => closes,
    /** The outcome of reading the bodies. */
    scgiReadings: () => readings,

    /** A real nginx in front of an SCGI server, and the address at which it listens. All its files are in `folder`. */
    startNginx: async (program: string, folder: string, scgi: Address): Promise<Address> => {
      const path = join(folder, 'nginx.sock');
      writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(folder, path, scgi));
      const nginx = spawn(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] });
      let said = '';
      nginx.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
      const answers = (): Promise<boolean> => new Promise((resolve) => {
        const socket = connect(path, () => resolve(true)).on('error', () => resolve(false)).on('connect', () => socket.destroy());
      });
      while (!(await answers())) {
        if (nginx.exitCode !== null) throw new Error(`nginx did not start: ${said}`);
        await setTimeout(10);
      }
      const door = createServer({ allowHalfOpen: true }, (socket) => {
        const inner = connect({ path, allowHalfOpen: true });
        socket.pipe(inner).pipe(socket);
        socket.on('error', () => inner.destroy());
        inner.on('error', () => socket.destroy());
      });
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
      return { host: '127.0.0.1', port: (door.address() as AddressInfo).port };
    },
  };
}

function nginxConfiguration(folder: string, path: string, scgi: Address): string {
  const variables = ['REQUEST_METHOD $request_method', 'REQUEST_URI $request_uri', 'QUERY_STRING $query_string', 'CONTENT_TYPE $content_type', 'DOCUMENT_URI $document_uri', 'SCGI 1', 'SERVER_PROTOCOL $server_protocol', 'REQUEST_SCHEME $scheme', 'HTTPS $https if_not_empty', 'REMOTE_ADDR $remote_addr', 'REMOTE_PORT $remote_port', 'SERVER_PORT $server_port', 'SERVER_NAME $server_name'];
  return `
daemon off; master_process off; error_log stderr crit; pid ${folder}/nginx.pid;
events { worker_connections 64; }
http {
  access_log off; client_max_body_size 8m;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen unix:${path};
    server_name nginx.example;
    location /app {
      ${variables.map((variable) => `scgi_param ${variable};`).join('\n      ')}
      scgi_param SCRIPT_NAME /app;
      scgi_pass ${scgi.host}:${scgi.port};
    }
  }
}
`;
}
