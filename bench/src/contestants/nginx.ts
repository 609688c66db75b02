import { nginxCommand } from '../nginx-command.ts';
import { GRPC_PATH, type Contestant, type Plan, type Site } from './contestant.ts';

/** nginx as a plain reverse proxy: no tunnel, one hop. */
export const nginx: Contestant = {
  name: 'nginx',
  setup: 'reverse proxy, 2 workers, 512 kept upstream connections, no temp files',
  programs: ['nginx'],
  version: ['-v'],
  async plan(site: Site): Promise<Plan> {
    const [port, tlsPort] = [await site.port(), await site.port()];
    const command = nginxCommand(site.folder, httpBlock(port, tlsPort, site), {
      workers: 2,
      connections: 8_000,
    });
    return {
      port,
      tlsPort,
      grpc: true,
      hostname: '127.0.0.1',
      members: [{ role: 'server', label: 'nginx', command, ready: { port } }],
    };
  },
};

function httpBlock(port: number, tlsPort: number, site: Site): string {
  return `
    upstream service { server 127.0.0.1:${site.upstream}; keepalive 512; keepalive_requests 1000000000; }
    upstream calls { server 127.0.0.1:${site.grpcUpstream}; keepalive 512; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      listen 127.0.0.1:${tlsPort} ssl http2 backlog=4096;
      ssl_certificate ${site.certificate.cert}; ssl_certificate_key ${site.certificate.key};
      location = ${GRPC_PATH} { grpc_pass grpc://calls; }
      location / {
        proxy_pass http://service; proxy_http_version 1.1; proxy_max_temp_file_size 0;
        proxy_set_header Connection ""; proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto http;
      }
    }`;
}
