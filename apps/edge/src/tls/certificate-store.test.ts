import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, recordingLogger } from '@culvert/testkit';
import type { LoggedLine } from '@culvert/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeAuthority } from '../testing/authority.ts';
import { CertificateStore } from './certificate-store.ts';
import { newTicketKeys } from './ticket-keys.ts';

const { authority, folder } = makeAuthority();
const [one, two] = [authority.issue('one', 'DNS:one.test'), authority.issue('two', 'DNS:two.test')];
let count = 0;

async function openStore() {
  const place = join(folder, `store-${++count}`);
  mkdirSync(place);
  const files = { cert: join(place, 'tls.crt'), key: join(place, 'tls.key') };
  const lines: LoggedLine[] = [];
  const install = (from: { readonly cert: string; readonly key: string }): void => {
    copyFileSync(from.cert, files.cert);
    copyFileSync(from.key, files.key);
  };
  install(one);
  const store = await CertificateStore.open({
    what: 'test',
    tls: { certificates: [files], minVersion: '1.2' },
    ticketKeys: newTicketKeys(undefined),
    logger: recordingLogger(lines),
  });
  onTestFinished(() => store.close());
  const names = () => store.choice.default.names;
  return { store, files, install, lines, names, place };
}

const loaded = (lines: readonly LoggedLine[]): number =>
  lines.filter(({ msg }) => msg === 'certificates loaded').length;

describe('certificates in force', () => {
  it('are others once their files are, also when asked to read them again', async () => {
    const { store, install, names, lines } = await openStore();
    install(two);
    await store.reload();
    expect(names()).toEqual(['two.test']);
    await store.reload();
    expect(loaded(lines)).toBe(1);
  });

  it('follow files that are replaced behind a link', async () => {
    const { files, names, place } = await openStore();
    for (const [kind, file] of Object.entries(files)) {
      symlinkSync(two[kind as 'cert' | 'key'], join(place, kind));
      renameSync(join(place, kind), file);
    }
    await eventually(() => names()[0] === 'two.test');
  });

  it.each([
    ['are no certificate', 'cert', () => 'nonsense', 'no certificate in PEM'],
    ['are of another key', 'key', () => two.key, 'is not the key of the certificate in'],
  ])('stay as they were when the new ones %s, and the log says why', async (_, kind, text, reason) => {
    const { store, files, names, lines, install } = await openStore();
    const file = files[kind as 'cert' | 'key'];
    if (text() === two.key) copyFileSync(two.key, file);
    else writeFileSync(file, text());
    await store.reload();
    expect(names()).toEqual(['one.test']);
    const line = lines.find(({ msg }) => msg === 'certificate refused, the old one stays in force');
    expect(line).toMatchObject({ listener: 'test', file, reason: expect.stringContaining(reason) as string });
    install(two);
    await store.reload();
    expect(names()).toEqual(['two.test']);
  });
});
