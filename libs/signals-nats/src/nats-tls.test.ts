import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, startNats } from '@culvert/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { connectNats } from './nats-signals.ts';

it('a tls:// address is trusted by the given CA, and by no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-nats-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=nats.test', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'pipe',
  });
  const server = await startNats({ args: ['--tls', '--tlscert', cert, '--tlskey', key] });
  onTestFinished(() => server.process.stop());
  const address = { servers: `tls://localhost:${server.process.port}`, prefix: 'test', name: 'test' };

  const trusting = connectNats({ ...address, tls: { ca: readFileSync(cert, 'utf8') } });
  onTestFinished(() => trusting.close());
  await eventually(() => trusting.state === 'connected');

  const failures: unknown[] = [];
  const strict = connectNats({ ...address, onError: (error) => failures.push(error) });
  onTestFinished(() => strict.close());
  await eventually(() => failures.length >= 2);
  expect(strict.state).toBe('disconnected');
});
