import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A certificate that vouches for itself, for `app.test` and 127.0.0.1; its files go with the test file. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-edge-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  const names = ['-subj', '/CN=app.test', '-addext', 'subjectAltName=DNS:app.test,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '2', ...names], {
    stdio: 'pipe',
  });
  return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
