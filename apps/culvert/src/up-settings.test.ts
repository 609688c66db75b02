import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from './failure.ts';
import { newDemoTunnel } from './demo-tunnel.ts';
import { upSettings } from './up-settings.ts';
import { welcome } from './welcome.ts';

const account = { agentToken: 'agent-token', adminToken: 'admin-token' };
const demo = newDemoTunnel();

describe('the settings of "culvert up"', () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-up-'));
  const file = join(folder, 'up.yml');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('need nothing', () => {
    const { edge, router } = upSettings({}, account, demo);
    expect(edge).toMatchObject({
      entryPoints: [{ listen: { host: '', port: 8_080 } }],
      agents: { listen: { host: '', port: 7_000 } },
      drainDelay: 0,
    });
    expect(router).toMatchObject({
      admin: { listen: { host: '127.0.0.1', port: 9_090 } },
      routes: [{ hostname: 'demo.localhost', tunnel: demo.id }],
      tokens: [{ tunnels: '*', hostnames: ['.localhost'], ports: [{ from: 1_024, to: 65_535 }] }],
    });
    expect(router.tokens[0]?.token.reveal()).toBe('agent-token');
    expect(router.admin?.token.reveal()).toBe('admin-token');
  });

  it('come from flags before the file, and from the file before the defaults', () => {
    writeFileSync(file, 'edge:\n  region: eu\n  agents: { listen: ":7500" }\nrouter: { prefix: mine }\n');
    const { edge, router } = upSettings({ config: file, agents: '127.0.0.1:7600' }, account, demo);
    expect([edge.region, edge.agents?.listen]).toEqual(['eu', { host: '127.0.0.1', port: 7_600 }]);
    expect([router.prefix, router.admin?.listen.port]).toEqual(['mine', 9_090]);
  });

  it('name file, line and key of what is wrong', () => {
    writeFileSync(file, 'edge:\n  reigon: eu\n');
    expect(() => upSettings({ config: file }, account, demo)).toThrow(
      `${file}:2: edge.reigon: unknown key; did you mean "region"?`,
    );
  });

  it('name the flag that is wrong', () => {
    expect(() => upSettings({ http: '8080' }, account, demo)).toThrow(UsageError);
    expect(() => upSettings({ http: '8080' }, account, demo)).toThrow(/^--http: expected an address/);
  });
});

describe('what "culvert up" tells', () => {
  const facts = { http: '127.0.0.1:8080', agents: '127.0.0.1:7000', account, file: '/home/me/up.json' };

  it('can be tried as it stands', () => {
    const text = welcome({ ...facts, admin: '127.0.0.1:9090' });
    expect(text).toContain("curl -H 'Host: demo.localhost' http://127.0.0.1:8080/\n");
    expect(text).toContain('culvert http 3000 --hostname app.localhost ');
    expect(text).toContain('http://127.0.0.1:9090/');
    expect(text).toContain('agent-token');
    expect(text).toContain('/home/me/up.json');
  });

  it('leaves out the admin API when there is none', () => {
    expect(welcome(facts)).not.toContain('admin API');
  });
});
