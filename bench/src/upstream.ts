import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Actor } from './actor.ts';
import { until } from './deadline.ts';
import { answers } from './held-connection.ts';
import { makeCertificate, type CertificateFiles } from './certificate.ts';
import { GRPC_PATH } from './names.ts';
import { nginxCommand } from './nginx-command.ts';
import type { Stage } from './stage.ts';

/**
 * The service behind every contestant: one nginx worker, `hello` at `/`, files `/1k`, `/1m` and `/100m`; and over
 * HTTP/2 in clear an answer to one gRPC method.
 */
export interface Upstream {
  readonly port: number;
  readonly grpcPort: number;
  readonly certificate: CertificateFiles;
  readonly actor: Actor;
}

export async function startUpstream(stage: Stage): Promise<Upstream> {
  const [port, grpcPort] = [await stage.port(), await stage.port()];
  const folder = stage.room('upstream');
  writeFiles(folder);
  const command = nginxCommand(folder, httpBlock(port, grpcPort, folder), {
    workers: 1,
    connections: 16_000,
  });
  const actor = stage.start({ label: 'upstream', command });
  const address = { port, hostname: 'upstream' };
  await until(() => answers(address), { what: 'answer of the upstream', every: 50, within: 10_000 });
  return { port, grpcPort, certificate: makeCertificate(stage.room('tls')), actor };
}

function writeFiles(folder: string): void {
  mkdirSync(join(folder, dirname(GRPC_PATH)), { recursive: true });
  writeFileSync(join(folder, GRPC_PATH), grpcMessage('hello'));
  const mebibyte = randomBytes(1 << 20);
  writeFileSync(join(folder, '1k'), mebibyte.subarray(0, 1024));
  writeFileSync(join(folder, '1m'), mebibyte);
  for (let written = 0; written < 100; written += 1) appendFileSync(join(folder, '100m'), mebibyte);
}

function httpBlock(port: number, grpcPort: number, folder: string): string {
  return `
    sendfile on; tcp_nopush on;
    open_file_cache max=100; default_type application/octet-stream;
    server {
      listen 127.0.0.1:${port} backlog=4096;
      root ${folder};
      location = / { default_type text/plain; return 200 "hello"; }
    }
    server {
      listen 127.0.0.1:${grpcPort} http2 backlog=4096;
      http2_max_requests 1000000000;
      root ${folder};
      location = ${GRPC_PATH} {
        default_type application/grpc; add_trailer grpc-status 0;
        # nginx refuses to answer POST with a file: it is made a GET of the same one.
        error_page 405 =200 $uri;
      }
    }`;
}

/** A message with its prefix: not compressed, and its length in bytes. */
export function grpcMessage(text: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
}
