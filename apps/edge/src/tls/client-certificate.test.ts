import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeAuthority } from '../testing/authority.ts';
import { clientCertificateFields } from './client-certificate.ts';

const { folder } = makeAuthority();

function certificateOf(subject: string): X509Certificate {
  const [cert, key] = [join(folder, 'client.pem'), join(folder, 'client.key')];
  const how = ['-x509', '-utf8', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', ...how, '-subj', subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  return new X509Certificate(readFileSync(cert));
}

it('is told as RFC 4514 writes names, and by its SHA-256', () => {
  const certificate = certificateOf('/C=DE/O=Ex, Inc/CN=Jörg');
  const fields = clientCertificateFields(certificate, { subjectHeader: 'X-S', fingerprintHeader: 'X-F' });
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  expect(fields).toBe(`X-S: CN=J\\C3\\B6rg,O=Ex\\, Inc,C=DE\r\nX-F: ${fingerprint}\r\n`);
});

it('is not told where nothing says how, nor with a subject that takes all the room', () => {
  expect(clientCertificateFields(certificateOf('/CN=a'), {})).toBe('');
  const units = Array.from({ length: 70 }, (_, at) => `/OU=${String(at).padEnd(60, 'x')}`).join('');
  const long = certificateOf(`${units}/CN=a`);
  expect(clientCertificateFields(long, { subjectHeader: 'X-S' })).toBeUndefined();
  expect(clientCertificateFields(long, { fingerprintHeader: 'X-F' })).toMatch(/^X-F: /);
});
