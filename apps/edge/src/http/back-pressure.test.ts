import { createHash } from 'node:crypto';
import { INITIAL_WINDOW_BYTES, LONG_PATH_WINDOW_BYTES } from '@culvert/link';
import { eventually } from '@culvert/testkit';
import { describe, expect, it } from 'vitest';
import { startWithAgent } from '../testing/edge-kit.ts';
import { fill } from '../testing/fill.ts';
import { patternedBytes } from '../testing/patterned-bytes.ts';
import type { StreamDouble } from '../testing/stream-double.ts';

const PIECE = Buffer.alloc(65_536, 'x');

/** Sends as fast as the stream takes it; tells how much has gone. */
function flood(stream: StreamDouble): { sent: number } {
  const flow = { sent: 0 };
  stream.onRoom = () => {
    let room = true;
    while (room && flow.sent < 1e9) {
      room = stream.send(PIECE);
      flow.sent += PIECE.length;
    }
  };
  stream.onRoom();
  return flow;
}

describe('a client that does not read', () => {
  it('holds up its own stream only, and no more memory than that stream’s window', async () => {
    const { edge, agent, client } = await startWithAgent({ limits: { streamBuffer: '256KiB' } });
    client.socket.pause();
    client.request('GET /endless');
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    const flow = flood(stream);
    agent.serve = (other) => void other.ok();
    const reader = await edge.connect();
    // What the kernel takes off its hands is bounded too: at some time nothing more goes.
    let before = -1;
    await eventually(async () => {
      const stalled = flow.sent === before;
      before = flow.sent;
      for (let at = 0; at < 100; at++) expect((await reader.request().response()).status).toBe(200);
      return stalled;
    });
    expect(flow.sent).toBeLessThan(64_000_000);
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) <= 256 * 1_024);
    client.socket.destroy();
    await eventually(() => stream.reset);
    await eventually(async () => (await edge.metric('culvert_edge_window_bytes')) === 0);
  });

  it('is cut when it takes nothing for too long', async () => {
    const { agent, client } = await startWithAgent({ timeouts: { bodyIdle: '500ms' } });
    client.socket.pause();
    client.request('GET /endless');
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    flood(stream);
    await eventually(() => stream.reset);
  });
});

describe('a client that reads slowly', () => {
  it('gets the end of its answer also when its connection is to be closed, however long it takes', async () => {
    const { agent, client } = await startWithAgent({ timeouts: { bodyIdle: '5s' } });
    client.socket.pause();
    client.request('GET /', ['Connection: close']);
    const stream = await agent.next();
    stream.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', '', 'more');
    const sent = await fill(stream);
    stream.send('', 'last');
    await eventually(() => stream.stream.closed);
    const patience = performance.now() + 2_700;
    await eventually(() => performance.now() > patience);
    client.socket.resume();
    expect((await client.response()).body).toHaveLength(sent);
  });
});

describe('an upload', () => {
  it('goes no faster than the agent takes it, and arrives whole', async () => {
    const { agent, client } = await startWithAgent();
    const body = patternedBytes(12_000_000);
    agent.serve = (stream) => void (stream.takes = false);
    client.request('POST /', [`Content-Length: ${body.length}`]).send(body);
    const stream = await agent.next();
    // A busy machine looks like a long path, whose windows begin larger.
    const windows = [INITIAL_WINDOW_BYTES, LONG_PATH_WINDOW_BYTES];
    await eventually(() => windows.includes(stream.bytes));
    const window = stream.bytes;
    const quick = await agentAnswers();
    expect(quick).toBe(200);
    expect(stream.bytes).toBe(window);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    stream.takes = true;
    stream.take();
    await stream.whole();
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(digest(Buffer.concat(stream.parts))).toBe(digest(body));
    stream.ok();
    expect((await client.response()).status).toBe(200);

    /** Another request on the same link, meanwhile. */
    async function agentAnswers(): Promise<number> {
      agent.serve = (other) => void other.ok();
      const { RawClient } = await import('../testing/raw-client.ts');
      const other = await RawClient.connect(client.socket.remotePort!);
      return (await other.request().response()).status;
    }
  });
});
