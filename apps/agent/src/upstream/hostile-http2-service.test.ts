import { eventually } from '@culvert/testkit';
import { ResetCode } from '@culvert/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { attachAgent, get, post } from '../testing/attached-agent.ts';
import {
  END_STREAM,
  FrameService,
  type FrameConnection,
  type FrameServiceOptions,
} from '../testing/frame-service.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function scripted(
  onHead: FrameServiceOptions['onHead'],
  options: Omit<FrameServiceOptions, 'onHead'> = {},
) {
  const service = await FrameService.start({ ...options, onHead: onHead ?? (() => undefined) });
  stops.push(() => service.stop());
  const attached = await attachAgent(service.url);
  stops.push(attached.stop);
  return { ...attached, service };
}

const over = (answer: { over: boolean }) => eventually(() => answer.over);
const OK = [[':status', '200']] as const;
const NO_ERROR = 0;

type Script = (connection: FrameConnection, stream: number) => void;

describe('an HTTP/2 answer that is cut short', () => {
  const cases: [string, Script][] = [
    ['by a reset before it', (connection, stream) => connection.reset(stream, 2)],
    [
      'by a reset inside it',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.data(stream, 'half');
        connection.reset(stream, 2);
      },
    ],
    [
      'by a reset that claims that nothing is wrong',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.data(stream, 'half');
        connection.reset(stream, NO_ERROR);
      },
    ],
    [
      'by a cancellation',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.data(stream, 'half');
        connection.reset(stream, 8);
      },
    ],
    [
      'by the end of its connection',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.data(stream, 'half');
        connection.socket.end();
      },
    ],
    [
      'by a connection that is given up in anger',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.data(stream, 'half');
        connection.goAway(stream, 2);
      },
    ],
    [
      'by a reset after an interim one',
      (connection, stream) => {
        connection.head(stream, [[':status', '103']]);
        connection.reset(stream, 2);
      },
    ],
  ];

  it.each(cases)('%s is reset, never ended', async (_name, script) => {
    const { edge } = await scripted(script);
    const answer = edge.request(post('Content-Length: 0\r\n'));
    await over(answer);
    expect(answer).toMatchObject({ ended: false, reset: { code: ResetCode.UpstreamLost } });
  });
});

describe('an HTTP/2 answer that is not proper', () => {
  const whole = (...fields: (readonly [string, string])[]): Script => {
    return (connection, stream) => connection.head(stream, fields, END_STREAM);
  };
  const cases: [string, Script][] = [
    ['no status', whole(['x-a', 'b'])],
    ['a status of two digits', whole([':status', '99'])],
    ['a status of four digits', whole([':status', '1000'])],
    ['a status that is no number', whole([':status', 'abc'])],
    ['a status beyond 599', whole([':status', '600'])],
    ['a switch of protocols', (connection, stream) => connection.head(stream, [[':status', '101']])],
    ['nothing but an interim answer', whole([':status', '103'])],
    ['a name in capitals', whole(...OK, ['X-A', 'b'])],
    ['a field of a connection', whole(...OK, ['connection', 'close'])],
    ['a transfer coding', whole(...OK, ['transfer-encoding', 'chunked'])],
    ['two lengths', whole(...OK, ['content-length', '0'], ['content-length', '1'])],
    ['a length that is no number', whole(...OK, ['content-length', '+1'])],
    ['a length without a body', whole(...OK, ['content-length', '2'])],
    ['a pseudo-field of a request', whole(...OK, [':path', '/'])],
    ['a pseudo-field behind others', whole(['x-a', 'b'], ...OK)],
    ['a body before its head', (connection, stream) => connection.data(stream, 'early')],
    [
      'endless interim answers',
      (connection, stream) => {
        for (let at = 0; at < 40; at++) connection.head(stream, [[':status', '103']]);
      },
    ],
    ['too many fields', whole(...OK, ...Array.from({ length: 2_000 }, (_, at) => [`x-${at}`, 'y'] as const))],
    [
      'a field without end',
      whole(...OK, ...Array.from({ length: 8 }, () => ['x-a', 'y'.repeat(9_000)] as const)),
    ],
  ];

  it.each(cases)('because of %s is reset, with nothing of it passed on', async (_name, script) => {
    const { edge } = await scripted(script);
    const answer = edge.request(post('Content-Length: 0\r\n'));
    await over(answer);
    expect(answer.ended).toBe(false);
    expect([ResetCode.UpstreamProtocol, ResetCode.UpstreamLost]).toContain(answer.reset?.code);
    expect(answer.heads.filter((head) => !head.startsWith('HTTP/1.1 103 '))).toEqual([]);
  });

  const late: [string, Script][] = [
    [
      'more than announced',
      (connection, stream) => {
        connection.head(stream, [...OK, ['content-length', '2']]);
        connection.data(stream, 'more', END_STREAM);
      },
    ],
    [
      'less than announced',
      (connection, stream) => {
        connection.head(stream, [...OK, ['content-length', '9']]);
        connection.data(stream, 'less', END_STREAM);
      },
    ],
    [
      'trailers that frame',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.head(stream, [['content-length', '4']], END_STREAM);
      },
    ],
    [
      'a status in its trailers',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.head(stream, [[':status', '200']], END_STREAM);
      },
    ],
    [
      'a second head',
      (connection, stream) => {
        connection.head(stream, OK);
        connection.head(stream, [['x-a', 'b']]);
      },
    ],
  ];

  it.each(late)('because of %s is reset after its head, never ended', async (_name, script) => {
    const { edge } = await scripted(script);
    const answer = edge.request(post('Content-Length: 0\r\n'));
    await over(answer);
    expect(answer).toMatchObject({ ended: false, status: 200 });
    expect([ResetCode.UpstreamProtocol, ResetCode.UpstreamLost]).toContain(answer.reset?.code);
  });

  it.each([
    ['a space in its name', 'x a', 'b'],
    ['a colon in its name', 'set-cookie: c', 'b'],
    ['a line end in its value', 'x-a', 'b\r\nset-cookie: c'],
    ['a NUL in its value', 'x-a', 'b\0set-cookie'],
  ])('loses a field with %s', async (_name, name, value) => {
    const { edge } = await scripted((connection, stream) => {
      connection.head(stream, [...OK, [name, value], ['x-b', 'c']], END_STREAM);
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ ended: true, heads: [expect.not.stringContaining('cookie')] });
    expect(answer.heads[0]).toContain('x-b: c\r\n');
  });

  it('loses only the trailers that must not come late', async () => {
    const { edge } = await scripted((connection, stream) => {
      connection.head(stream, OK);
      connection.head(
        stream,
        [
          ['x-sum', '7'],
          ['set-cookie', 'a=1'],
          ['location', '/'],
        ],
        END_STREAM,
      );
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ ended: true, trailers: 'x-sum: 7\r\n' });
  });

  it('ends as well with trailers that are none', async () => {
    const { edge } = await scripted((connection, stream) => {
      connection.head(stream, OK);
      connection.data(stream, 'body', 0);
      connection.head(stream, [], END_STREAM);
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ ended: true, text: 'body', reset: undefined });
  });

  it('to a HEAD ends with its head, whatever follows', async () => {
    const { edge } = await scripted((connection, stream) => {
      connection.head(stream, [...OK, ['content-length', '4']]);
      connection.data(stream, 'body', END_STREAM);
    });
    const answer = edge.request('HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    await over(answer);
    expect(answer).toMatchObject({ bytes: 0 });
  });

  it('costs the other streams of its connection nothing', async () => {
    const { edge, service } = await scripted((connection, stream, nth) => {
      if (nth === 0) connection.head(stream, [...OK, ['X-A', 'b']], END_STREAM);
      else connection.head(stream, OK, END_STREAM);
    });
    const bad = edge.request(get());
    const good = edge.request(get());
    await eventually(() => bad.over && good.over);
    expect(bad.reset?.code).toBe(ResetCode.UpstreamProtocol);
    expect(good).toMatchObject({ status: 200, ended: true });
    expect(service.connections).toHaveLength(1);
  });

  it('that is pushed unasked reaches nobody', async () => {
    const { edge } = await scripted((connection, stream) => {
      connection.frame(5, 4, stream, Buffer.from([0, 0, 0, 2]));
      connection.head(stream, OK, END_STREAM);
    });
    const answer = edge.request(post('Content-Length: 0\r\n'));
    await over(answer);
    expect(answer.ended).toBe(false);
  });
});

describe('an HTTP/2 answer of known length', () => {
  it('is complete with its last byte, also when its stream is then reset in place of being ended', async () => {
    const { edge } = await scripted((connection, stream) => {
      connection.head(stream, [...OK, ['content-length', '4']]);
      connection.data(stream, 'full');
      connection.reset(stream, NO_ERROR);
    });
    const answer = edge.request(get());
    await over(answer);
    expect(answer).toMatchObject({ text: 'full', ended: true });
  });
});

describe('a connection that is going away', () => {
  it('has the requests that it has not looked at served on another', async () => {
    const { edge, service, agent } = await scripted((connection, stream) => {
      const first = service.connections[0] === connection;
      if (!first) connection.head(stream, OK, END_STREAM);
      // Three are under way; only the first was taken.
      else if (stream === 5) connection.goAway(1, NO_ERROR);
    });
    const answers = Array.from({ length: 3 }, () =>
      edge.request(post('Content-Length: 4\r\n'), { body: 'body' }),
    );
    await eventually(() => answers[1]?.over && answers[2]?.over);
    expect(answers[1]).toMatchObject({ status: 200, ended: true });
    expect(answers[2]).toMatchObject({ status: 200, ended: true });
    expect(answers[0]?.over).toBe(false);
    expect(agent.counters.repeats).toBe(2);
    service.connections[0]?.head(1, OK, END_STREAM);
    await over(answers[0]!);
    expect(answers[0]).toMatchObject({ status: 200, ended: true });
  });

  it('in anger loses the requests that it has looked at, and not the others', async () => {
    const { edge, service } = await scripted((connection, stream) => {
      if (service.connections[0] !== connection) connection.head(stream, OK, END_STREAM);
      else if (stream === 3) connection.goAway(1, 11);
    });
    const [looked, not] = [
      edge.request(post('Content-Length: 0\r\n')),
      edge.request(post('Content-Length: 0\r\n')),
    ];
    await eventually(() => looked.over && not.over);
    expect(looked.reset?.code).toBe(ResetCode.UpstreamLost);
    expect(not).toMatchObject({ status: 200, ended: true });
  });

  it('before it takes anything leaves requests undelivered after the second time', async () => {
    const { edge, service } = await scripted((connection) => connection.goAway(0, NO_ERROR));
    const answer = edge.request(get());
    await over(answer);
    expect(answer.reset?.code).toBe(ResetCode.NotDelivered);
    expect(service.connections).toHaveLength(2);
  });

  it('without a word is found out by a ping with its next request after a silence, and not before', async () => {
    const { edge, service } = await scripted((connection, stream) => {
      if (!connection.mute) connection.head(stream, OK, END_STREAM);
    });
    await over(edge.request(get()));
    const [first] = service.connections;
    const usedAt = performance.now();
    await eventually(() => performance.now() - usedAt > 10_500, { timeoutMs: 15_000 });
    expect(first!.pings).toBe(0);
    first!.mute = true;
    const lost = edge.request(post('Content-Length: 0\r\n'));
    await eventually(() => lost.over, { timeoutMs: 10_000 });
    expect(lost.reset).toEqual({ code: ResetCode.UpstreamLost, text: 'no answer to a ping' });
    expect(first!.pings).toBe(1);
    const next = edge.request(get());
    await over(next);
    expect(next.status).toBe(200);
    expect(service.connections).toHaveLength(2);
  }, 60_000);

  it('takes nothing for now, so requests wait until it does', async () => {
    const { edge, service } = await scripted(
      (connection, stream) => connection.head(stream, OK, END_STREAM),
      { settings: [[3, 0]] },
    );
    const answer = edge.request(get());
    await eventually(() => service.connections.length === 1);
    await eventually(() => (service.connections[0]?.socket.bytesRead ?? 0) > 60);
    expect(answer.over).toBe(false);
    service.connections[0]?.settings([[3, 10]]);
    await over(answer);
    expect(answer.status).toBe(200);
    expect(service.connections).toHaveLength(1);
  });
});
