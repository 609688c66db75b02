import { freePort, eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RawService } from '../testing/agent-kit.ts';
import { attachAgent, get, post } from '../testing/attached-agent.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Answers each request (which must have no body) by its number on the connection and the connection's number. */
type Script = (socket: Socket, request: number, connection: number) => void;

async function scripted(script: Script, more: object = {}) {
  const requests: number[] = [];
  const service = await RawService.start((socket, received, connection) => {
    const complete = received.split('\r\n\r\n').length - 1;
    for (let request = requests[connection] ?? 0; request < complete; request++)
      script(socket, request, connection);
    requests[connection] = complete;
  });
  stops.push(() => service.stop());
  const attached = await attachAgent(`http://127.0.0.1:${service.port}`, more);
  stops.push(attached.stop);
  return { ...attached, service };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('an answer that is cut short', () => {
  it.each([
    ['before its head', 'HTTP/1.1 200'],
    ['inside a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['inside a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf'],
    ['between chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['after an interim one', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ])('%s is reset, never ended', async (_name, bytes) => {
    const { edge } = await scripted((socket) => socket.end(bytes));
    const answer = edge.request(get());
    await eventually(() => answer.over);
    expect(answer).toMatchObject({ ended: false, reset: { code: ResetCode.UpstreamLost } });
  });

  it('that ends with its connection is whole when the end is proper, and reset when it is not', async () => {
    const { edge } = await scripted((socket, _request, connection) => {
      const abort = (): void => void setImmediate(() => socket.resetAndDestroy());
      socket.write('HTTP/1.1 200 OK\r\n\r\nall of it', connection === 0 ? () => socket.end() : abort);
    });
    const whole = edge.request(get());
    await eventually(() => whole.over);
    expect(whole).toMatchObject({ ended: true, text: 'all of it' });
    expect(whole.heads[0]).toContain('Transfer-Encoding: chunked\r\n');
    const cut = edge.request(get());
    await eventually(() => cut.over);
    expect(cut).toMatchObject({ ended: false, reset: { code: ResetCode.UpstreamLost } });
  });
});

describe('an answer that is not proper HTTP', () => {
  it.each([
    ['two framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok'],
    ['a folded field', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok'],
    ['bare line feeds alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2p1\r\n\r\n'],
    ['another protocol that waits for more', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['a status of two digits', 'HTTP/1.1 99 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 1000 OK\r\n\r\n'],
    ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['a status beyond 599', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a version of its own', 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['a carriage return in its reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n'],
    ['a carriage return in a value', 'HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n'],
    ['a line feed in a value', 'HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: c\r\nContent-Length: 0\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nA: b\0\r\nContent-Length: 0\r\n\r\n'],
    ['a space before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['a field without a name', 'HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 0\r\n\r\n'],
    ['too many fields', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(200)}Content-Length: 0\r\n\r\n`],
    ['a coding that does not end in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['chunks within a coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n'],
    ['chunks twice', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok'],
    ['a length that is a list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
    ['an interim answer with a body', 'HTTP/1.1 103 X\r\nContent-Length: 4\r\n\r\nbody\r\n\r\n'],
    ['a switch nobody asked for', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}`],
    ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(40)],
  ])('because of %s is reset, and its connection not used again', async (_name, bytes) => {
    const { edge, service } = await scripted((socket, _request, connection) => {
      socket.write(connection === 0 ? bytes : OK);
    });
    const answer = edge.request(get());
    await eventually(() => answer.over);
    expect(answer).toMatchObject({ ended: false, reset: { code: ResetCode.UpstreamProtocol } });
    const next = edge.request(get());
    await eventually(() => next.over);
    expect(next.text).toBe('ok');
    expect(service.sockets).toHaveLength(2);
  });

  it.each([
    ['a size that is no number', 'zz\r\n'],
    ['a size with a sign', '+2\r\nok\r\n'],
    ['a size beyond all measure', '8000000000000000\r\n'],
    ['a line that does not end', '1;' + 'a'.repeat(100_000)],
    ['a line that ends in a bare line feed', '2\nok\r\n'],
    ['no line end behind its bytes', '2\r\nokay\r\n'],
    ['a length in the trailers', '0\r\nContent-Length: 2\r\n\r\n'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['trailers without end', `0\r\n${'A: b\r\n'.repeat(20_000)}`],
  ])('inside its chunks, because of %s, is reset after the head', async (_name, bytes) => {
    const { edge, service } = await scripted((socket, _request, connection) => {
      const chunks = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n${bytes}`;
      socket.write(connection === 0 ? chunks : OK);
    });
    const answer = edge.request(get());
    await eventually(() => answer.over);
    expect(answer).toMatchObject({ status: 200, ended: false, reset: { code: ResetCode.UpstreamProtocol } });
    const next = edge.request(get());
    await eventually(() => next.over);
    expect([next.text, service.sockets.length]).toEqual(['ok', 2]);
  });

  it('loses only the trailers that must not come late', async () => {
    const { edge } = await scripted((socket) => {
      const trailers = 'X-Sum: 7\r\nSet-Cookie: a=1\r\nLocation: /\r\nConnection: X-Sum\r\n';
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`);
    });
    const answer = edge.request(get());
    await eventually(() => answer.over);
    expect(answer.ended).toBe(true);
    expect(answer.trailers ?? '').not.toMatch(/set-cookie|location|connection/i);
  });

  it('and comes one byte after the other is given up when its head takes too long', async () => {
    let drip: NodeJS.Timeout | undefined;
    const { edge } = await scripted(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nA: ');
        drip = setInterval(() => socket.write('b'), 20);
      },
      { upstream: { firstByteTimeout: '400ms' } },
    );
    const answer = edge.request(get());
    await eventually(() => answer.over);
    clearInterval(drip);
    expect(answer.reset?.code).toBe(ResetCode.UpstreamTimeout);
  });

  it('to an upgrade, because it switches to something else, is reset', async () => {
    const { edge } = await scripted((socket) => {
      socket.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
    });
    const answer = edge.request(get('/', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), { open: true });
    await eventually(() => answer.over);
    expect(answer.reset?.code).toBe(ResetCode.UpstreamProtocol);
  });
});

describe('bytes that no request asked for', () => {
  const FORGED = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged';

  it('behind an answer never become the answer to the next request', async () => {
    const { edge, service } = await scripted((socket, _request, connection) => {
      socket.write(connection === 0 ? OK + FORGED : OK);
    });
    for (let turn = 0; turn < 2; turn++) {
      const answer = edge.request(get());
      await eventually(() => answer.over);
      expect(answer.text).toBe('ok');
    }
    expect(service.sockets).toHaveLength(2);
  });

  it('on an unused connection close it', async () => {
    const { edge, agent, service } = await scripted((socket) => socket.write(OK));
    const first = edge.request(get());
    await eventually(() => first.over && agent.counters.upstreamIdle === 1);
    service.sockets[0]?.write(FORGED);
    await eventually(() => agent.counters.upstreamOpen === 0);
    const next = edge.request(get());
    await eventually(() => next.over);
    expect(next.text).toBe('ok');
    expect(agent.counters.upstreamIdle).toBe(1);
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'],
    ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nno'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nno'],
  ])('behind the head of an answer to %s without body close its connection', async (method, bytes) => {
    const { edge, service } = await scripted((socket) => socket.write(bytes));
    for (let turn = 0; turn < 2; turn++) {
      const answer = edge.request(`${method} / HTTP/1.1\r\nHost: app.test\r\n\r\n`);
      await eventually(() => answer.over);
      expect(answer).toMatchObject({ ended: true, bytes: 0 });
    }
    expect(service.sockets).toHaveLength(2);
  });
});

describe('a kept-alive connection that its service closes with the next request', () => {
  const closesTheSecond: Script = (socket, request, connection) => {
    if (connection === 0 && request === 1) socket.resetAndDestroy();
    else socket.write(OK);
  };

  it('costs an idempotent request nothing: it goes out again on a new one', async () => {
    const { edge, agent } = await scripted(closesTheSecond);
    for (let turn = 0; turn < 2; turn++) {
      const answer = edge.request(get());
      await eventually(() => answer.over);
      expect(answer).toMatchObject({ text: 'ok', reset: undefined });
    }
    expect(agent.counters.repeats).toBe(1);
  });

  it('costs one with a small body nothing either', async () => {
    const bodies: string[] = [];
    const service = await RawService.start((socket, received, connection) => {
      bodies[connection] = received;
      if (received.endsWith('again') && connection === 0) socket.resetAndDestroy();
      else if (received.endsWith('again') || received.endsWith('\r\n\r\n')) socket.write(OK);
    });
    const attached = await attachAgent(`http://127.0.0.1:${service.port}`);
    stops.push(() => service.stop(), attached.stop);
    const first = attached.edge.request(get());
    await eventually(() => first.over);
    const put = attached.edge.request(post('Content-Length: 5\r\n', 'PUT'), { body: 'again' });
    await eventually(() => put.over);
    expect(put.text).toBe('ok');
    expect(bodies[1]).toMatch(/^PUT \/ HTTP\/1\.1\r\n[^]*\r\n\r\nagain$/);
  });

  it('makes one fail that might have been carried out', async () => {
    const { edge, agent } = await scripted(closesTheSecond);
    const first = edge.request(get());
    await eventually(() => first.over);
    const second = edge.request(post('Content-Length: 0\r\n'));
    await eventually(() => second.over);
    expect(second.reset?.code).toBe(ResetCode.UpstreamLost);
    expect(agent.counters.repeats).toBe(0);
  });

  it('is not risked for a request that must not be sent twice', async () => {
    const { edge, service, agent } = await scripted((socket) => socket.write(OK));
    const ask = async (head: string): Promise<number> => {
      const answer = edge.request(head);
      await eventually(() => answer.over);
      return service.sockets.length;
    };
    expect(await ask(get())).toBe(1);
    expect(await ask(post('Content-Length: 0\r\n'))).toBe(1);
    const usedAt = performance.now();
    await eventually(() => performance.now() - usedAt > 1_300);
    expect(await ask(get())).toBe(1);
    expect(await ask(post('Content-Length: 0\r\n'))).toBe(1);
    await eventually(() => performance.now() - usedAt > 2_900);
    expect(await ask(post('Content-Length: 0\r\n'))).toBe(2);
    expect(agent.counters.upstreamIdle).toBe(2);
  });

  it('is tried once only', async () => {
    const { edge, agent } = await scripted((socket, request, connection) => {
      if (connection === 0 && request === 0) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const first = edge.request(get());
    await eventually(() => first.over);
    const second = edge.request(get());
    await eventually(() => second.over);
    expect(second.reset?.code).toBe(ResetCode.UpstreamLost);
    expect(agent.counters.repeats).toBe(1);
  });
});

describe('an answer before the request is complete', () => {
  it('is passed on whole, the rest of the request is taken, and the connection closed', async () => {
    const service = await RawService.start((socket, received) => {
      if (received.includes('\r\n\r\n'))
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nfull');
    });
    const attached = await attachAgent(`http://127.0.0.1:${service.port}`);
    stops.push(() => service.stop(), attached.stop);
    const total = 1 << 20;
    const answer = attached.edge.request(post(`Content-Length: ${total}\r\n`), { open: true });
    await eventually(() => answer.ended);
    expect(answer).toMatchObject({ status: 413, text: 'full', reset: undefined });
    let sent = 0;
    const part = Buffer.alloc(65_536);
    const upload = (): void => {
      while (sent < total) {
        sent += part.length;
        if (!answer.stream!.sendData(part, 0, part.length, sent === total)) return;
      }
    };
    answer.onDrain = upload;
    upload();
    await eventually(() => answer.stream?.closed);
    expect(answer.reset).toBe(undefined);
    await eventually(() => attached.agent.counters.upstreamOpen === 0);
  });

  it('lets the request go on while the answer does', async () => {
    const service = await RawService.start((socket, received, _connection) => {
      if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n');
      else socket.write(received.slice(-4));
    });
    const attached = await attachAgent(`http://127.0.0.1:${service.port}`);
    stops.push(() => service.stop(), attached.stop);
    const answer = attached.edge.request(post('Content-Length: 8\r\n'), { open: true });
    await eventually(() => answer.status === 200);
    answer.send('ping');
    await eventually(() => answer.text === 'ping');
    answer.send('pong', true);
    await eventually(() => answer.over);
    expect(answer).toMatchObject({ text: 'pingpong', ended: true });
    await eventually(() => attached.agent.counters.upstreamIdle === 1);
  });
});

describe('a service that cannot be reached', () => {
  it('makes the request undelivered, so that it may go elsewhere', async () => {
    const { edge, stop } = await attachAgent(`http://127.0.0.1:${await freePort()}`);
    stops.push(stop);
    for (const head of [get(), post('Content-Length: 0\r\n')]) {
      const answer = edge.request(head);
      await eventually(() => answer.over);
      expect(answer.reset).toEqual({ code: ResetCode.NotDelivered, text: 'ECONNREFUSED' });
    }
  });

  it('because its name is unknown makes it undelivered as well', async () => {
    const { edge, stop } = await attachAgent('http://nobody.invalid:80');
    stops.push(stop);
    const answer = edge.request(get());
    await eventually(() => answer.over, { timeoutMs: 15_000 });
    expect(answer.reset?.code).toBe(ResetCode.NotDelivered);
  });
});

describe('a request that is not proper HTTP', () => {
  it.each([
    ['two framings', post('Content-Length: 1\r\nTransfer-Encoding: chunked\r\n')],
    ['a tunnel through the service', 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ])('because of %s reaches no service', async (_name, head) => {
    const { edge, agent } = await scripted((socket) => socket.write(OK));
    const answer = edge.request(head);
    await eventually(() => answer.over);
    expect(answer.reset?.code).toBe(ResetCode.Protocol);
    expect(agent.counters.upstreamConnects).toBe(0);
  });

  it.each([
    ['more', 'Content-Length: 2\r\n', 'abc'],
    ['less', 'Content-Length: 9\r\n', 'abc'],
    ['something', '', 'abc'],
  ])('because its body has %s than announced is reset', async (_name, framing, body) => {
    const { edge, agent } = await scripted(() => undefined);
    const answer = edge.request(post(framing), { body });
    await eventually(() => answer.over);
    expect(answer.reset?.code).toBe(ResetCode.Protocol);
    await eventually(() => agent.counters.upstreamOpen === 0);
  });
});
