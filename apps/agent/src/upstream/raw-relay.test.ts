import { eventually, freePort } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { RawService } from '../testing/agent-kit.ts';
import { attachAgent } from '../testing/attached-agent.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function relayed(onData?: Parameters<typeof RawService.start>[0]) {
  const service = await RawService.start(onData);
  const attached = await attachAgent([{ service: `tcp://127.0.0.1:${service.port}` }]);
  stops.push(() => service.stop(), attached.stop);
  return { ...attached, service };
}

describe('a raw connection', () => {
  it('carries bytes both ways, also when the service speaks first', async () => {
    const { edge, service } = await relayed((socket, received) => socket.write(`<${received}>`));
    const answer = edge.raw({ hostname: '' });
    await eventually(() => service.sockets.length === 1);
    service.sockets[0]?.write('hello ');
    await eventually(() => answer.text === 'hello ');
    answer.send('a');
    await eventually(() => answer.text === 'hello <a>');
  });

  it('carries the end of each direction by itself', async () => {
    const { edge, service, agent } = await relayed((socket, received) => {
      if (received === 'question') socket.end('answer');
    });
    const answer = edge.raw();
    answer.send('question');
    await eventually(() => answer.ended);
    expect(answer).toMatchObject({ text: 'answer', reset: undefined });
    answer.send(' and more', true);
    await eventually(() => service.received[0] === 'question and more');
    await eventually(() => agent.counters.rawStreamsOpen === 0 && agent.counters.upstreamOpen === 0);
  });

  it('is reset when the service resets, and resets the service when its client does', async () => {
    const { edge, service } = await relayed();
    const first = edge.raw();
    await eventually(() => service.sockets.length === 1);
    service.sockets[0]?.resetAndDestroy();
    await eventually(() => first.over);
    expect(first.reset?.code).toBe(ResetCode.UpstreamLost);
    const second = edge.raw();
    second.send('x');
    await eventually(() => service.received[1] === 'x');
    let error: Error | undefined;
    service.sockets[1]?.on('error', (cause) => (error = cause));
    second.stream?.reset(ResetCode.Cancelled);
    await eventually(() => error);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('that cannot be made is undelivered', async () => {
    const { edge, stop } = await attachAgent([{ service: `tcp://127.0.0.1:${await freePort()}` }]);
    stops.push(stop);
    const answer = edge.raw();
    await eventually(() => answer.over);
    expect(answer.reset).toEqual({ code: ResetCode.NotDelivered, text: 'ECONNREFUSED' });
  });

  it('that is not read does not make the agent hold more than the window and one read', async () => {
    const total = 16 << 20;
    const { edge, service } = await relayed();
    const answer = edge.raw();
    answer.takes = false;
    await eventually(() => service.sockets.length === 1);
    service.sockets[0]?.end(Buffer.alloc(total, 'y'));
    await eventually(() => answer.bytes === 65_536);
    let before = -1;
    const pending = (): number => service.sockets[0]!.writableLength;
    await eventually(() => {
      const still = before === pending();
      before = pending();
      return still;
    });
    expect(pending()).toBeGreaterThan(total / 4);
    answer.takes = true;
    answer.keeps = false;
    answer.stream?.taken(65_536);
    await eventually(() => answer.ended, { timeoutMs: 15_000 });
    expect(answer.bytes).toBe(total);
  });

  it('goes up whole', async () => {
    const total = 16 << 20;
    let received = 0;
    const { edge, service } = await relayed();
    const answer = edge.raw();
    await eventually(() => service.sockets.length === 1);
    service.sockets[0]?.removeAllListeners('data').on('data', (chunk: Buffer) => (received += chunk.length));
    const part = Buffer.alloc(100_000, 'z');
    let sent = 0;
    const upload = (): void => {
      while (sent < total) {
        const bytes = Math.min(part.length, total - sent);
        sent += bytes;
        if (!answer.stream!.sendData(part, 0, bytes, sent === total)) return;
      }
    };
    answer.onDrain = upload;
    upload();
    await eventually(() => received === total, { timeoutMs: 15_000 });
    await eventually(() => answer.ended);
  });
});

describe('the rules for raw connections', () => {
  it('go by the server name, and without one by the first rule', async () => {
    const [one, two] = [await RawService.start(), await RawService.start()];
    const { edge, stop } = await attachAgent([
      { hostname: 'one.test', service: `tcp://127.0.0.1:${one.port}` },
      { hostname: '.two.test', service: `tcp://127.0.0.1:${two.port}` },
      { service: 'http_status:404' },
    ]);
    stops.push(
      () => one.stop(),
      () => two.stop(),
      stop,
    );
    edge.raw({ hostname: 'db.two.test' });
    await eventually(() => two.sockets.length === 1);
    edge.raw({ hostname: '' });
    await eventually(() => one.sockets.length === 1);
    const nowhere = edge.raw({ hostname: 'three.test' });
    await eventually(() => nowhere.over);
    expect(nowhere.reset?.code).toBe(ResetCode.NoRoute);
  });
});
