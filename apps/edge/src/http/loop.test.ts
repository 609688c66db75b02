import { describe, expect, it } from 'vitest';
import { pseudonymOf } from './pseudonym.ts';
import { startWithAgent } from '../testing/edge-kit.ts';
import { Http2Client } from '../testing/http2-client.ts';

const viaOf = (head: string): string[] =>
  head.split('\r\n').flatMap((line) => (/^via: /i.test(line) ? [line.slice(5)] : []));

describe('a request', () => {
  it('is marked with Via, behind the marks that it has', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /', ['Via: 1.0 fred, 1.1 p.example.net', 'Via: 1.1 third', 'Connection: Via']);
    expect(viaOf((await agent.next()).head)).toEqual([
      '1.0 fred, 1.1 p.example.net',
      '1.1 third',
      expect.stringMatching(/^1\.1 culvert-[0-9a-f]{12}$/),
    ]);
  });

  it('of HTTP/2 is marked as such', async () => {
    const { edge, agent } = await startWithAgent();
    Http2Client.connect(edge.httpPort).open();
    expect(viaOf((await agent.next()).head)).toEqual([expect.stringMatching(/^2\.0 culvert-/)]);
  });

  it('of HTTP/1.0 is marked as such', async () => {
    const { client, agent } = await startWithAgent();
    client.send('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
    expect(viaOf((await agent.next()).head)).toEqual([expect.stringMatching(/^1\.0 culvert-/)]);
  });

  it('that comes back is passed on twice and cut off at the third pass, with its body unread', async () => {
    const { edge, agent, client } = await startWithAgent();
    agent.serve = (stream) => void stream.ok();
    let marks: string[] = [];
    for (let pass = 1; pass <= 2; pass++) {
      client.request('POST /', ['Content-Length: 2', ...marks.map((via) => `Via: ${via}`)], 'ab');
      expect((await client.response()).status).toBe(200);
      marks = viaOf(agent.streams.at(-1)!.head);
      expect(marks).toHaveLength(pass);
    }
    client.request('POST /', ['Content-Length: 2000000', `Via: ${marks.join(', ')}`], 'ab');
    const refused = await client.response();
    expect([refused.status, refused.fields['x-culvert-error']]).toEqual([508, 'loop_detected']);
    expect(await client.over()).toBe('cleanly');
    expect(agent.streams).toHaveLength(2);
    expect(await edge.metric('culvert_edge_refusals_total', 'loop_detected')).toBe(1);
  });

  it('is not marked where that is switched off', async () => {
    const { client, agent } = await startWithAgent({ via: false });
    client.request('GET /', ['Via: 1.1 other']);
    expect(viaOf((await agent.next()).head)).toEqual(['1.1 other']);
  });
});

it('edges of an installation share a name that no other has', () => {
  expect(pseudonymOf('culvert', 'secret')).toBe(pseudonymOf('culvert', 'secret'));
  expect(pseudonymOf('culvert', 'secret')).not.toBe(pseudonymOf('culvert', 'other'));
  expect(pseudonymOf('culvert', 'secret')).not.toBe(pseudonymOf('other', 'secret'));
  expect(pseudonymOf('culvert', undefined)).not.toBe(pseudonymOf('culvert', undefined));
});
