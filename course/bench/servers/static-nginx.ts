/**
 * nginx with a folder: sendfile and open_file_cache, as its users are advised; and without sendfile, when it copies
 * what it sends, as every server must that has no such call.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ServerCommand } from '../support/index.ts';
import { nginxFolder } from './nginx.ts';

/** How to run it: one process, so that one core is all it has, and no logs. */
export function staticNginxCommand(program: string, port: number, folder: string, sendfile: 'on' | 'off' = 'on'): ServerCommand {
  const home = nginxFolder();
  writeFileSync(join(home, 'nginx.conf'), configuration(home, port, folder, sendfile));
  const name = sendfile === 'on' ? 'nginx' : 'nginx, copying';
  return { name, command: program, args: ['-p', home, '-c', 'nginx.conf'], origin: `http://127.0.0.1:${port}` };
}

function configuration(home: string, port: number, folder: string, sendfile: 'on' | 'off'): string {
  return `
daemon off; master_process off; error_log stderr crit; pid ${home}/nginx.pid;
events { worker_connections 20000; }
http {
  access_log off; default_type application/octet-stream; keepalive_requests 1000000000; keepalive_timeout 600; send_timeout 600;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/fastcgi; uwsgi_temp_path ${home}/uwsgi; scgi_temp_path ${home}/scgi;
  sendfile ${sendfile}; tcp_nopush on; output_buffers 2 128k; open_file_cache max=1000; open_file_cache_valid 1s;
  server { listen 127.0.0.1:${port} backlog=511; root ${folder}; }
}
`;
}
