import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './actor.ts';

export interface NginxSize {
  readonly workers: number;
  readonly connections: number;
}

/** Writes an nginx configuration around an http block; returns the command that runs it in the foreground. */
export function nginxCommand(folder: string, http: string, size: NginxSize): Part['command'] {
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, http, size));
  return ['nginx', '-p', folder, '-c', file, '-e', join(folder, 'error.log')];
}

// Started by root, nginx would hand its work to a user who cannot read a temp folder of mode 700.
function configuration(folder: string, http: string, size: NginxSize): string {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n    ');
  return `
  ${user} worker_processes ${size.workers}; daemon off; pid ${join(folder, 'nginx.pid')};
  worker_rlimit_nofile 20000;
  events { worker_connections ${size.connections}; multi_accept on; }
  http {
    access_log off; server_tokens off; tcp_nodelay on;
    keepalive_requests 1000000000; keepalive_timeout 600s;
    ${scratch}
    ${http}
  }`;
}
