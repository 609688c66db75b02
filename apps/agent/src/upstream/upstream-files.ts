import { readFileSync } from 'node:fs';
import type { IngressRule } from '../ingress-rule.ts';
import type { UpstreamTls } from './endpoint.ts';

/** A file that a rule names for TLS to its service cannot be read, or is not what it should be. */
export class UpstreamFileError extends Error {
  readonly file: string;

  constructor(key: string, file: string, cause: NodeJS.ErrnoException) {
    super(`ingress: tls.${key}: cannot use ${file}: ${cause.code ?? cause.message}`, { cause });
    this.name = 'UpstreamFileError';
    this.file = file;
  }
}

/** A rule's TLS with its files read. @throws UpstreamFileError */
export function readUpstreamTls(tls: IngressRule['tls']): UpstreamTls {
  if (tls === undefined) return {};
  const { ca, verify, serverName, cert, key, minVersion } = tls;
  const read = {
    ...(verify === undefined ? {} : { verify }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(minVersion === undefined ? {} : { minVersion: `TLSv${minVersion}` as const }),
    ...(ca === undefined ? {} : { ca: readPem('ca', ca) }),
    ...(cert === undefined ? {} : { cert: readPem('cert', cert) }),
    ...(key === undefined ? {} : { key: readPem('key', key) }),
  };
  if (cert !== undefined) check('cert', cert, read);
  return read;
}

function readPem(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UpstreamFileError(key, file, error as NodeJS.ErrnoException);
  }
}

/** Now, and not with each request, it shows that a certificate and its key do not belong together. */
function check(
  name: string,
  file: string,
  { cert, key }: { readonly cert?: string; readonly key?: string },
): void {
  try {
    process.getBuiltinModule('node:tls').createSecureContext({ cert, key });
  } catch (error) {
    throw new UpstreamFileError(name, file, error as NodeJS.ErrnoException);
  }
}
