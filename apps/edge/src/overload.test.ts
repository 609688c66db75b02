import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { connect } from 'node:tls';
import { eventually } from '@culvert/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Overload } from './overload.ts';
import { startInstallation, startWithAgent } from './testing/edge-kit.ts';

const LIMITS = { requests: 100, lag: 250 };

/** How many of a hundred new requests are refused. */
const refusedOf100 = (overload: Overload): number =>
  Array.from({ length: 100 }, () => overload.refuses(1)).filter(Boolean).length;

function laggard(samples: number, lag = 500): Overload {
  const overload = new Overload(LIMITS);
  for (let n = 0; n < samples; n++) overload.observe(lag, lag + 100);
  return overload;
}

describe('what an edge refuses of what is new', () => {
  it('is nothing while the event loop is late for once, however late', () => {
    const overload = laggard(2, 10_000);
    overload.observe(0, 100);
    overload.observe(10_000, 10_100);
    expect([overload.share, overload.watermark, refusedOf100(overload)]).toEqual([0, 100, 0]);
  });

  it('is a share that grows while it stays late, evenly, and never all', () => {
    const shares = [3, 4, 6, 100].map((samples) => laggard(samples).share);
    expect(shares).toEqual(shares.toSorted((one, other) => one - other));
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares.at(-1)).toBe(0.95);
    const overload = laggard(4);
    expect(refusedOf100(overload)).toBeCloseTo(100 * overload.share, -0.5);
    expect(overload.watermark).toBe(0);
  });

  it('grows faster the later it is', () => {
    expect(laggard(3, 400).share).toBeLessThan(laggard(3, 500).share);
  });

  it('goes back to nothing once it is in time again', () => {
    const changes: boolean[] = [];
    const overload = new Overload(LIMITS, (shedding) => void changes.push(shedding));
    for (let n = 0; n < 10; n++) overload.observe(500, 600);
    for (let n = 0; n < 50; n++) overload.observe(0, 100);
    expect([overload.share, overload.watermark, changes]).toEqual([0, 100, [true, false]]);
  });

  it('is nothing because of lag where that is not limited, also from now on', () => {
    const overload = laggard(10);
    overload.limit({ requests: 7, lag: 0 });
    overload.observe(10_000, 10_100);
    expect([overload.share, overload.watermark, overload.refuses(7), overload.refuses(8)]).toEqual([
      0,
      7,
      false,
      true,
    ]);
  });
});

describe('an edge with as many requests under way as it may have', () => {
  it('answers the next one with 503 and when to come back, and serves again once one is over', async () => {
    const { edge, agent, client } = await startWithAgent({ limits: { requests: 1 } });
    client.request('GET /first');
    const first = await agent.next();
    const second = await edge.connect();
    second.request('GET /second');
    const refused = await second.response();
    expect([refused.status, refused.fields['x-culvert-error'], refused.fields['retry-after']]).toEqual([
      503,
      'overloaded',
      '1',
    ]);
    first.ok();
    expect((await client.response()).status).toBe(200);
    agent.serve = (stream) => void stream.ok();
    client.request('GET /third');
    expect((await client.response()).status).toBe(200);
    expect(await edge.metric('culvert_edge_refusals_total', 'overloaded')).toBe(1);
    expect(agent.streams).toHaveLength(2);
  });

  it('takes the next request of a client that does not wait on the same connection, after a rest', async () => {
    const { edge, agent, client } = await startWithAgent({ limits: { requests: 1 } });
    client.request('GET /first');
    const first = await agent.next();
    const hasty = await edge.connect();
    const asked = performance.now();
    hasty.request('GET /1').request('GET /2');
    expect((await hasty.response()).status).toBe(503);
    first.ok();
    await client.response();
    agent.serve = (stream) => void stream.ok();
    expect((await hasty.response()).status).toBe(200);
    expect(performance.now() - asked).toBeGreaterThan(800);
    hasty.request('GET /3');
    expect((await hasty.response()).status).toBe(200);
    expect(agent.streams.map(({ head }) => head.slice(4, 6))).toEqual(['/f', '/2', '/3']);
  });
});

describe('a client that asks without waiting', () => {
  const REQUEST = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n';
  const PATIENCE = { timeoutMs: 25_000 };

  /** An edge that answers by itself, and how often it has. */
  const startRedirecting = async () => {
    const { edge } = await startInstallation({
      entryPoints: [{ listen: '127.0.0.1:0', redirectToHttps: true }],
    });
    return { edge, answered: () => edge.metric('culvert_edge_redirects_to_https_total') };
  };

  it('lets others have their turn', async () => {
    const TOTAL = 3_000;
    const { edge, answered } = await startRedirecting();
    const [hasty, other] = [await edge.connect(), await edge.connect()];
    hasty.send(REQUEST.repeat(TOTAL));
    other.request();
    await other.hear('HTTP/1.1 308');
    expect(await answered()).toBeLessThan(TOTAL / 2);
    await eventually(async () => (await answered()) === TOTAL + 1, PATIENCE);
  });

  it('and takes no answers is not read any more, and served on when it takes them after all', async () => {
    const TOTAL = 1_000_000;
    const { edge, answered } = await startRedirecting();
    const { socket } = await edge.connect();
    socket.pause();
    // Far more than the system buffers both ways.
    socket.write(REQUEST.repeat(TOTAL));
    // Edge and client share this process's event loop: what can be read is read in each of its turns.
    const before = await eventually(async () => {
      const soFar = await answered();
      for (let turn = 0; turn < 1_000; turn++) await turnOfTheLoop();
      return soFar > 0 && soFar === (await answered()) && soFar;
    }, PATIENCE);
    expect(before).toBeLessThan(TOTAL / 2);
    socket.resume();
    await eventually(async () => (await answered()) > before, PATIENCE);
  });
});

it('a machine that keeps a process from running makes no overload of the little that it does', async () => {
  const told: boolean[] = [];
  const overload = new Overload({ requests: 100, lag: 100 }, (shedding) => told.push(shedding));
  overload.start();
  onTestFinished(() => overload.stop());
  const held = new Int32Array(new SharedArrayBuffer(4));
  // To the event loop it looks like work; what runs meanwhile is not this process.
  for (let turn = 0; turn < 8; turn++) {
    Atomics.wait(held, 0, 0, 300);
    await turnOfTheLoop();
  }
  expect(told).toEqual([]);
});

describe('an edge whose event loop stays late', () => {
  const LATE = { limits: { lag: '100ms' } };
  const PATIENCE = { timeoutMs: 25_000 };

  /** Until it is told to stop. */
  const keepBusy = (): (() => void) => {
    let busy = true;
    const block = (): void => {
      const end = performance.now() + 300;
      while (performance.now() < end);
      if (busy) setImmediate(block);
    };
    block();
    return () => void (busy = false);
  };

  it('refuses some requests, says so, and recovers', async () => {
    const { edge } = await startInstallation(LATE);
    const stop = keepBusy();
    await eventually(async () => {
      const client = await edge.connect();
      client.request();
      const { fields } = await client.response();
      client.socket.destroy();
      return fields['x-culvert-error'] === 'overloaded' && fields['retry-after'] === '1';
    }, PATIENCE);
    const said = (msg: string): boolean => edge.lines.some((line) => line.msg === msg);
    expect(said('overloaded: some of what is new is refused')).toBe(true);
    expect(await edge.metric('culvert_edge_shed_ratio')).toBeGreaterThan(0);
    stop();
    await eventually(() => said('overload over'), PATIENCE);
    expect(await edge.metric('culvert_edge_shed_ratio')).toBe(0);
  });

  it('resets some TLS connections before they cost a handshake', async () => {
    const { edge } = await startInstallation(LATE);
    const stop = keepBusy();
    const hello = (): void => {
      const socket = connect({ port: edge.httpPort, host: '127.0.0.1', servername: 'app.test' });
      socket.on('error', () => undefined);
    };
    await eventually(async () => {
      hello();
      return (await edge.metric('culvert_edge_refusals_total', 'overloaded')) > 0;
    }, PATIENCE);
    stop();
  });
});
