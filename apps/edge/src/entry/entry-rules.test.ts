import { readFileSync } from 'node:fs';
import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { hstsValue, withheldNames } from './entry-rules.ts';
import { makeAuthority } from '../testing/authority.ts';
import { edgeSettings, startInstallation } from '../testing/edge-kit.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TUNNEL } from '../testing/router-double.ts';
import { connectOverTls } from '../testing/tls-client.ts';

const { authority } = makeAuthority();
const ca = authority.pem;
const app = authority.issue('app', 'DNS:app.test', 'DNS:also.test');
const shop = authority.issue('shop', 'DNS:shop.test');
const certificates = [app, shop];

async function startEntry(entry: object, more: object = {}) {
  const entryPoints = [{ listen: '127.0.0.1:0', ...entry }];
  const installation = await startInstallation({ entryPoints, ...more });
  const agent = await installation.edge.attach();
  const over = (options: object = {}) => connectOverTls(installation.edge.httpPort, { ca, ...options });
  return { ...installation, agent, over };
}

describe('an entry point that redirects to HTTPS', () => {
  it.each([
    ['the usual port', true, 'Host: app.test:8080', 'GET /a?b=c', 'https://app.test/a?b=c'],
    ['another port', 8443, 'Host: app.test', 'GET /', 'https://app.test:8443/'],
    ['an IPv6 address', true, 'Host: [::1]:8080', 'GET /', 'https://[::1]/'],
    ['the whole host', true, 'Host: app.test', 'OPTIONS *', 'https://app.test/'],
    ['an unknown host', true, 'Host: else.test', 'GET /', 'https://else.test/'],
  ])('sends a request in clear for %s there', async (_, redirectToHttps, host, line, location) => {
    const { edge } = await startEntry({ redirectToHttps });
    const client = await edge.connect();
    const response = await client.request(line, [host]).response();
    expect(response).toMatchObject({ status: 308, body: '' });
    expect(response.fields.location).toBe(location);
    expect(await edge.metric('culvert_edge_redirects_to_https_total')).toBe(1);
    // Nothing was wrong with the connection.
    expect((await client.request(line, [host]).response()).status).toBe(308);
  });

  it('answers before an upload, and ends the connection that it would have come on', async () => {
    const { edge } = await startEntry({ redirectToHttps: true });
    const client = await edge.connect();
    client.request('POST /', ['Content-Length: 100'], 'begin');
    const response = await client.response();
    expect([response.status, response.fields.connection]).toEqual([308, 'close']);
    expect(await client.over()).toBe('cleanly');
  });

  it('serves challenges of certificate authorities, and requests that name no host', async () => {
    const { edge, agent } = await startEntry({ redirectToHttps: true });
    agent.serve = (stream) => void stream.ok('token');
    const client = await edge.connect();
    const challenge = await client.request('GET /.well-known/acme-challenge/x').response();
    expect(challenge.body).toBe('token');
    const old = (await edge.connect()).send('GET / HTTP/1.0\r\n\r\n');
    expect((await old.response()).status).toBe(404);
  });

  it('serves what a trusted proxy has got over TLS, and what comes over TLS itself', async () => {
    const { edge, agent, over } = await startEntry(
      { redirectToHttps: true, tls: { certificates } },
      { trustedProxies: ['127.0.0.1'] },
    );
    agent.serve = (stream) => void stream.ok();
    const proxied = (await edge.connect()).request('GET /', ['X-Forwarded-Proto: https']);
    expect((await proxied.response()).status).toBe(200);
    expect((await (await edge.connect()).request().response()).status).toBe(308);
    expect((await (await over()).client.request().response()).status).toBe(200);
  });
});

describe('Strict-Transport-Security', () => {
  const hsts = { maxAge: 600, includeSubDomains: true };

  it('is on all that is answered over TLS, instead of what the service says', async () => {
    const { agent, over } = await startEntry({ tls: { certificates }, hsts });
    agent.serve = (stream) =>
      void stream.answer('HTTP/1.1 204 No Content\r\nStrict-Transport-Security: max-age=0\r\nX-Other: kept');
    const { client } = await over();
    const wanted = 'max-age=600; includeSubDomains';
    const served = await client.request().response();
    expect(served.fields).toMatchObject({ 'strict-transport-security': wanted, 'x-other': 'kept' });
    const unknown = await client.request('GET /', ['Host: also.test']).response();
    expect([unknown.status, unknown.fields['strict-transport-security']]).toEqual([404, wanted]);
    const broken = await client.send('nonsense\r\n\r\n').response();
    expect([broken.status, broken.fields['strict-transport-security']]).toEqual([400, wanted]);
  });

  it('is on nothing that is answered in clear, and the service’s own where none is configured', async () => {
    const { edge, agent } = await startEntry({ tls: { certificates }, hsts });
    agent.serve = (stream) => void stream.ok();
    expect((await (await edge.connect()).request().response()).fields).not.toHaveProperty(
      'strict-transport-security',
    );
    const other = await startEntry({ tls: { certificates } });
    other.agent.serve = (stream) =>
      void stream.answer('HTTP/1.1 204 No Content\r\nStrict-Transport-Security: max-age=1');
    const served = await (await other.over()).client.request().response();
    expect(served.fields['strict-transport-security']).toBe('max-age=1');
  });

  it('is written as RFC 6797 has it', () => {
    const value = { maxAge: 31_536_000, includeSubDomains: true, preload: true };
    expect(hstsValue(value)).toBe('max-age=31536000; includeSubDomains; preload');
    expect(hstsValue({ maxAge: 0, includeSubDomains: false, preload: false })).toBe('max-age=0');
  });

  it.each([
    [{ hsts: {} }, 'entryPoints.0.hsts: needs "tls"'],
    [{ tls: { certificates }, hsts: { preload: true } }, 'hsts.preload: needs "includeSubDomains"'],
    [
      { tls: { certificates, clientCertificates: { ca: authority.file, subjectHeader: 'Connection' } } },
      'clientCertificates.subjectHeader: belongs to the connection',
    ],
  ])('and others are not configured where they could do harm', (entry, message) => {
    const entryPoints = [{ listen: '127.0.0.1:0', ...entry }];
    expect(() => edgeSettings({ entryPoints })).toThrow(message);
  });
});

describe('a request for another host than the server name', () => {
  const routes = ['app.test', 'also.test', 'shop.test'].map((hostname, at) => ({
    id: `r${at}`,
    tunnel: TUNNEL,
    hostname,
  }));

  it.each([
    ['is served where the certificate is the same', { servername: 'app.test' }, 'also.test', 200],
    ['is misdirected where it would have been another', { servername: 'app.test' }, 'shop.test', 421],
    ['is served to a client that named no server', { servername: '' }, 'shop.test', 200],
    ['is served where neither name is anybody’s', { servername: 'x.test' }, 'app.test', 200],
  ])('%s', async (_, named, host, status) => {
    const { agent, router, over } = await startEntry({ tls: { certificates } });
    router.change(routes);
    agent.serve = (stream) => void stream.ok();
    const { client } = await over({ ...named, rejectUnauthorized: false });
    const response = await client.request('GET /', [`Host: ${host}`]).response();
    expect(response.status).toBe(status);
    if (status === 421) expect(response.fields['x-culvert-error']).toBe('misdirected');
    // The connection is good for its own host.
    expect((await client.request().response()).status).toBe(200);
  });
});

describe('a client certificate', () => {
  const stranger = makeAuthority('stranger').authority;
  const alice = authority.issue('alice', 'DNS:alice.test');
  const mallory = stranger.issue('mallory', 'DNS:mallory.test');
  const headers = { subjectHeader: 'X-Client-Cert-Subject', fingerprintHeader: 'X-Client-Cert-Fingerprint' };
  const entry = (mode: 'request' | 'require', more: object = headers) => ({
    tls: { certificates, clientCertificates: { ca: authority.file, mode, ...more } },
  });
  const shown = ({ cert, key }: { readonly cert: string; readonly key: string }) => {
    return { cert: readFileSync(cert), key: readFileSync(key) };
  };

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'is told to services, also when a session of %s goes on',
    async (version) => {
      const { agent, over } = await startEntry(entry('require'));
      const options = { ...shown(alice), maxVersion: version };
      let session: Buffer | undefined;
      for (const reused of [false, true]) {
        const { socket, client, sessions } = await over({ ...options, ...(session && { session }) });
        expect(socket.isSessionReused()).toBe(reused);
        agent.serve = (stream) => {
          expect(stream.head).toContain('X-Client-Cert-Subject: CN=alice\r\n');
          expect(stream.head).toMatch(/X-Client-Cert-Fingerprint: [0-9a-f]{64}\r\n/);
          stream.ok();
        };
        expect((await client.request().response()).status).toBe(200);
        session = sessions.at(-1);
      }
    },
  );

  it('cannot be told by the client itself, in no spelling and at no entry point', async () => {
    const { edge, agent, over } = await startEntry(
      {},
      { entryPoints: [{ listen: '127.0.0.1:0', ...entry('request') }, { listen: '127.0.0.1:0' }] },
    );
    const lies = ['x-client-cert-subject: CN=root', 'X_Client-Cert_Fingerprint: 00', 'X-Kept: yes'];
    const plain = edge.running.addresses.entryPoints[1]!;
    for (const client of [(await over()).client, await RawClient.connect(plain.port)]) {
      client.request('GET /', lies);
      const stream = await agent.next();
      expect(stream.head.toLowerCase()).not.toMatch(/client.cert/);
      expect(stream.head).toContain('X-Kept: yes\r\n');
      stream.ok();
      await client.response();
    }
  });

  it.each([
    ['that is required and missing', 'require', undefined],
    ['of a stranger where one is required', 'require', mallory],
    ['of a stranger where one is asked for', 'request', mallory],
  ] as const)('%s is never served', async (_, mode, certificate) => {
    const { edge, agent, over } = await startEntry(entry(mode));
    // With TLS 1.3 the client learns of it after its own handshake.
    const connected = await over(certificate && shown(certificate)).catch(() => undefined);
    connected?.client.request();
    const failures = () => edge.metric('culvert_edge_tls_handshakes_total', 'failed');
    await eventually(async () => (await failures()) === 1);
    await eventually(async () => (await edge.metric('culvert_edge_connections')) === 0);
    expect([connected?.client.text ?? '', agent.streams]).toEqual(['', []]);
  });

  it('may be missing where it is only asked for', async () => {
    const { agent, over } = await startEntry(entry('request', {}));
    agent.serve = (stream) => void stream.ok();
    expect((await (await over()).client.request().response()).status).toBe(200);
  });

  it('does not come with a session from where it was not asked for', async () => {
    const free = await startEntry({ tls: { certificates } }, { secret: 'shared' });
    free.agent.serve = (stream) => void stream.ok();
    const { client, sessions } = await free.over();
    await client.request().response();
    const strict = await startEntry(entry('require'), { secret: 'shared', id: 'us-1' });
    const connected = await strict.over({ session: sessions.at(-1)! }).catch(() => undefined);
    connected?.client.request();
    await eventually(async () => (await strict.edge.metric('culvert_edge_connections')) === 0);
    expect([connected?.client.text ?? '', strict.agent.streams]).toEqual(['', []]);
  });

  it('is withheld in every spelling that a service could take for it', () => {
    expect(withheldNames(['X-A-B'])).toEqual(new Set(['x-a-b', 'x_a-b', 'x-a_b', 'x_a_b']));
  });
});
