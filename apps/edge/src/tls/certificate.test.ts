import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeAuthority } from '../testing/authority.ts';
import { CertificateError, expiryOf, readAuthorities, readCertificate } from './certificate.ts';

const { authority, folder } = makeAuthority();
const good = authority.issue('good', 'DNS:a.test', 'DNS:*.B.test', 'IP:127.0.0.1', 'email:x@c.test');
const other = authority.issue('other', 'DNS:other.test');

it('is for the hostnames among its alternative names, in lower case', async () => {
  expect(await readCertificate(good)).toMatchObject({ names: ['a.test', '*.b.test'], keyType: 'ec' });
});

it('is for its common name where it has no alternative names', async () => {
  const files = { cert: join(folder, 'old.pem'), key: join(folder, 'old.key') };
  const what = ['-newkey', 'rsa:2048', '-nodes', '-subj', '/O=Culvert/CN=Old.test', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...what, '-keyout', files.key, '-out', files.cert], {
    stdio: 'ignore',
  });
  expect(await readCertificate(files)).toMatchObject({ names: ['old.test'], keyType: 'rsa' });
});

it.each([
  ['cannot be read', { ...good, cert: join(folder, 'nowhere') }, 'nowhere: cannot be read (ENOENT)'],
  ['holds no certificate', { ...good, cert: good.key }, 'good.key: no certificate in PEM'],
  ['holds no key', { ...good, key: good.cert }, 'good.pem: no private key in PEM'],
  ['holds another key', { ...good, key: other.key }, 'other.key: is not the key of the certificate in'],
])('is refused by the name of the file that %s', async (_, files, message) => {
  const refusal = await readCertificate(files).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(CertificateError);
  expect((refusal as Error).message).toContain(message);
});

it('authorities are certificates, too', async () => {
  expect((await readAuthorities(authority.file)).toString()).toBe(authority.pem);
  const empty = join(folder, 'empty.pem');
  writeFileSync(empty, '');
  await expect(readAuthorities(empty)).rejects.toThrow('empty.pem: no certificate in PEM');
});

it.each([
  [90, 8, undefined],
  [90, 6, 'soon'],
  [6, 3, undefined],
  [6, 1, 'soon'],
  [6, 0, 'expired'],
  [6, -1, 'expired'],
])('one that was issued for %i days with %i left is told: %s', async (days, left, told) => {
  const day = 86_400_000;
  const certificate = { ...(await readCertificate(good)), begins: 0, expires: days * day };
  expect(expiryOf(certificate, (days - left) * day)).toBe(told);
});
