import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { describe, expect, it } from 'vitest';
import { startWithAgent } from '../testing/edge-kit.ts';

const GET = 'GET /a HTTP/1.1\r\nHost: app.test\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2';

describe('a client that ends its direction', () => {
  it('along with its request gets the answer, as the last one', async () => {
    const { client, agent } = await startWithAgent();
    client.socket.end(GET);
    (await agent.next()).answer(OK, 'ok', 'last');
    const response = await client.response();
    expect(response.body).toBe('ok');
    expect(response.fields).toMatchObject({ connection: 'close' });
    expect(await client.over()).toBe('cleanly');
  });

  it('behind several requests gets all answers', async () => {
    const { client, agent } = await startWithAgent();
    client.socket.end(GET.repeat(3));
    for (const text of ['1.', '2.', '3.']) {
      (await agent.next()).answer(OK, text, 'last');
      expect((await client.response()).body).toBe(text);
    }
    expect(await client.over()).toBe('cleanly');
  });

  it('behind requests that the edge answers itself gets all of those answers', async () => {
    const { client } = await startWithAgent({
      entryPoints: [{ listen: '127.0.0.1:0', redirectToHttps: true }],
    });
    client.socket.end(GET.repeat(40));
    expect(await client.over()).toBe('cleanly');
    expect(client.text.match(/HTTP\/1\.1 308/g)).toHaveLength(40);
  });

  it('with half a request behind a whole one gets the one answer', async () => {
    const { client, agent } = await startWithAgent();
    client.socket.end(`${GET}GET /b HTTP/1.1\r\nHost:`);
    (await agent.next()).answer(OK, 'ok', 'last');
    expect((await client.response()).body).toBe('ok');
    expect(await client.over()).toBe('cleanly');
  });

  it('is served for as long as its answer gets on', async () => {
    const { client, agent } = await startWithAgent();
    client.socket.end(GET);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'first', 'more');
    await client.hear('first');
    stream.send('second', 'last');
    expect((await client.response()).body).toBe('firstsecond');
    expect(await client.over()).toBe('cleanly');
  });

  it('is taken for gone when no answer comes', async () => {
    const { client, agent } = await startWithAgent();
    client.request();
    const stream = await agent.next();
    client.socket.end();
    await eventually(() => stream.reset !== undefined);
    expect(stream.reset?.code).toBe(ResetCode.Cancelled);
    await client.over();
  });

  it('is taken for gone when its answer pauses', async () => {
    const { client, agent } = await startWithAgent();
    client.socket.end(GET);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'first', 'more');
    await eventually(() => stream.reset !== undefined);
    expect(stream.reset?.code).toBe(ResetCode.Cancelled);
  });

  it('in the middle of a request is told nothing, and the request is aborted', async () => {
    const { client, agent } = await startWithAgent();
    client.request('POST /', ['Content-Length: 10'], 'half');
    const stream = await agent.next();
    client.socket.end();
    await eventually(() => stream.reset !== undefined);
    await client.over();
    expect(client.text).toBe('');
  });

  it('before its upgrade is answered has said its last word to the service', async () => {
    const { client, agent } = await startWithAgent();
    client.request('GET /', ['Connection: Upgrade', 'Upgrade: echo']);
    const stream = await agent.next();
    client.socket.end();
    stream.rawHead(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
      '',
      'more',
    );
    await stream.whole();
    stream.send('farewell', 'last');
    await client.hear('farewell');
    expect(await client.over()).toBe('cleanly');
  });
});
