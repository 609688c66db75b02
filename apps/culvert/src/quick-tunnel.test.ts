import { describe, expect, it } from 'vitest';
import { UsageError } from './failure.ts';
import { quickSettings } from './quick-tunnel.ts';
import { targetService } from './target.ts';
import { tunnelIdOf } from './tunnel-id.ts';

describe('targetService', () => {
  it.each([
    ['3000', 'http', 'http://127.0.0.1:3000'],
    ['app:3000', 'http', 'http://app:3000'],
    ['https://10.0.0.7:8443', 'http', 'https://10.0.0.7:8443'],
    ['h2c://app:50051', 'http', 'h2c://app:50051'],
    ['unix:/run/app.sock', 'http', 'unix:/run/app.sock'],
    ['5432', 'tcp', 'tcp://127.0.0.1:5432'],
    ['db:5432', 'tcp', 'tcp://db:5432'],
  ] as const)('takes %s for %s as %s', (target, scheme, service) => {
    expect(targetService(target, scheme)).toBe(service);
  });

  it.each([
    ['', 'http'],
    ['99999', 'http'],
    ['tcp://db:5432', 'http'],
    ['http_status:404', 'http'],
    ['db', 'tcp'],
    ['http://app', 'tcp'],
    ['unix:/run/db.sock', 'tcp'],
  ] as const)('refuses %j for %s', (target, scheme) => {
    expect(() => targetService(target, scheme)).toThrow(UsageError);
  });
});

describe('tunnelIdOf', () => {
  it('is the same UUID for the same token and name, so that agents share one tunnel', () => {
    const id = tunnelIdOf('token', 'app.localhost');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(tunnelIdOf('token', 'app.localhost')).toBe(id);
  });

  it('differs with the token and with the name', () => {
    const ids = [tunnelIdOf('a', 'x'), tunnelIdOf('b', 'x'), tunnelIdOf('a', 'y')];
    expect(new Set(ids).size).toBe(3);
  });
});

describe('the settings of a quick tunnel', () => {
  const account = { agentToken: 'kept', adminToken: 'admin', agents: '127.0.0.1:7100' };
  const service = 'http://127.0.0.1:3000';
  const claims = { hostnames: ['app.localhost'] };

  it('come from the account of "culvert up" where nothing is given', () => {
    const settings = quickSettings(service, claims, {}, account);
    expect(settings).toMatchObject({
      tunnel: tunnelIdOf('kept', 'app.localhost'),
      edges: [{ scheme: 'tcp', host: '127.0.0.1', port: 7_100 }],
      ingress: [{ service: { kind: 'http', host: '127.0.0.1', port: 3_000 } }],
      claims: { hostnames: ['app.localhost'], ports: [] },
    });
    expect(settings.token.reveal()).toBe('kept');
  });

  it('prefer what is given', () => {
    const settings = quickSettings(
      service,
      { ports: [1_234] },
      { edge: 'e.example.com:7000', token: 'mine' },
      account,
    );
    expect(settings.edges).toMatchObject([{ scheme: 'tls', host: 'e.example.com', port: 7_000 }]);
    expect([settings.token.reveal(), settings.claims.ports]).toEqual(['mine', [1_234]]);
  });

  it('go to the usual port of this machine when there is no account', () => {
    expect(quickSettings(service, claims, { token: 't' }, undefined).edges).toMatchObject([{ port: 7_000 }]);
  });

  it('need a token', () => {
    expect(() => quickSettings(service, claims, {}, undefined)).toThrow(UsageError);
  });

  it('say how the service wants to be spoken to', () => {
    const flags = { hostHeader: 'shop.internal', http2: true, insecureUpstream: true } as const;
    expect(quickSettings('https://10.0.0.7', claims, flags, account).ingress).toMatchObject([
      { hostHeader: 'shop.internal', http2: true, tls: { verify: false } },
    ]);
  });

  it.each([
    [{ hostHeader: 'a/b' }, /^--host-header: expected a host/],
    [{ http2: true }, /^--http2: has no meaning for a service of http:\/\//],
    [{ insecureUpstream: true }, /^--insecure-upstream: has no meaning for a service of http:\/\//],
  ] as const)('tell that %j is wrong', (flags, message) => {
    expect(() => quickSettings(service, claims, flags, account)).toThrow(message);
  });

  it('tell that the address of the edge is wrong', () => {
    expect(() => quickSettings(service, claims, { edge: 'edge' }, account)).toThrow(
      /^--edge: expected an address/,
    );
  });
});
