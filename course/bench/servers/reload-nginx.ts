/** nginx in front of an application that nobody touches: a reload of nginx is what is looked at. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { nginxFolder } from './nginx.ts';

/** Writes the configuration. Returns the folder to run it in; its nginx.pid is the master's. */
export function reloadNginxFolder(port: number, applicationPort: number, workers: number, gracefulSeconds: number): string {
  const folder = nginxFolder();
  writeFileSync(join(folder, 'nginx.conf'), `
daemon off; master_process on; worker_processes ${workers}; worker_shutdown_timeout ${gracefulSeconds}s;
error_log stderr crit; pid ${folder}/nginx.pid;
events { worker_connections 2000; }
http {
  access_log off; keepalive_timeout 15;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  # Shorter than the application's own: nginx never uses a connection that the application is about to end.
  upstream application { server 127.0.0.1:${applicationPort}; keepalive 64; keepalive_timeout 10s; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port} backlog=511;
    location / {
      proxy_pass http://application; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_hide_header X-Worker; add_header X-Worker $pid always;
    }
  }
}
`);
  return folder;
}
