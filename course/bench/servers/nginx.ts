/** nginx: the mark that every share is counted from. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ServerCommand } from '../support/server-process.ts';
import { hello, large } from './routes.ts';

/** How to run nginx: one process, so that one core is all it has, and no logs. */
export function nginxCommand(program: string, port: number): ServerCommand {
  const folder = nginxFolder();
  writeFileSync(join(folder, 'large'), large);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port));
  return { name: 'nginx', command: program, args: ['-p', folder, '-c', 'nginx.conf'], origin: `http://127.0.0.1:${port}` };
}

/** How to run nginx with several processes, each on whatever core is free. */
export function manyNginxCommand(program: string, port: number, workers: number): ServerCommand {
  const folder = nginxFolder();
  writeFileSync(join(folder, 'large'), large);
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, `master_process on; worker_processes ${workers};`));
  return { name: 'nginx', command: program, args: ['-p', folder, '-c', 'nginx.conf'], origin: `http://127.0.0.1:${port}` };
}

/** A folder for nginx's files; gone when the benchmark ends. */
export function nginxFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function configuration(folder: string, port: number, processes = 'master_process off;'): string {
  return `
daemon off; ${processes} error_log stderr crit; pid ${folder}/nginx.pid;
worker_rlimit_nofile 65536;
events { worker_connections 20000; }
http {
  access_log off; default_type text/plain; keepalive_requests 1000000000; keepalive_timeout 600;
  client_max_body_size 2m; client_body_buffer_size 2m; client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  sendfile on; tcp_nopush on; open_file_cache max=16;
  server {
    listen 127.0.0.1:${port} backlog=511;
    location = / { return 200 "${hello}"; }
    location = /large { root ${folder}; }
    # It answers without looking at the body, and then reads and drops it.
    location = /sink { return 200 "dropped"; }
  }
}
`;
}
