import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Authority, eventually, freePort } from '@culvert/testkit';
import { Agent, Client, Pool, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { MIB, bulk } from './testing/bulk.ts';
import { Installation, SHOP } from './testing/installation.ts';

const run = promisify(execFile);

let folder: string;
let ca: string;
let site: Installation;
let service: Server;
const ports = { clear: 0, tls: 0 };
type Way = keyof typeof ports;
const CONTENT = Buffer.from('0123456789'.repeat(1_000));
const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: 32 * MIB,
  perMessageDeflate: { threshold: 0 },
});

/** Answers with what was asked; `/range` honours Range, `/upload` tells the length. */
function serve(): Server {
  const server = createServer((request, response) => {
    let length = 0;
    request.on('data', (chunk: Buffer) => (length += chunk.length));
    request.on('end', () => {
      const { method, url, httpVersion } = request;
      const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
      if (url === '/range' && range !== null) {
        const [from, to] = [Number(range[1]), Number(range[2])];
        const part = CONTENT.subarray(from, to + 1);
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${CONTENT.length}` }).end(part);
      } else if (url === '/content')
        response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
      else response.end(JSON.stringify({ method, url, length, httpVersion }));
    });
  });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => undefined);
      webSocket.on('message', (data: Buffer, isBinary) => {
        const asked = isBinary ? null : /^close (\d+)$/.exec(data.toString('latin1', 0, 20));
        if (asked === null) webSocket.send(data, { binary: isBinary });
        else webSocket.close(Number(asked[1]), 'as asked');
      });
    });
  });
  return server;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'culvert-clients-'));
  const authority = new Authority(folder);
  ca = authority.file;
  const { cert, key } = authority.issue('shop', 'DNS:shop.test');
  ports.clear = await freePort();
  ports.tls = await freePort();
  service = serve();
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  site = await Installation.start({
    routes: [{ hostname: 'shop.test', tunnel: SHOP }],
    edge: {
      entryPoints: [
        { listen: `127.0.0.1:${ports.clear}` },
        { listen: `127.0.0.1:${ports.tls}`, tls: { certificates: [{ cert, key }] } },
      ],
    },
  });
  await site.attach({
    ingress: [{ service: `http://127.0.0.1:${(service.address() as AddressInfo).port}` }],
  });
});
afterAll(async () => {
  await site.stop();
  service.closeAllConnections();
  service.close();
  rmSync(folder, { recursive: true });
});

const urlOf = (way: Way, path: string): string =>
  `${way === 'tls' ? 'https' : 'http'}://shop.test:${ports[way]}${path}`;
const WAYS: [string, Way, string[]][] = [
  ['HTTP/1.0', 'clear', ['--http1.0']],
  ['HTTP/1.1', 'clear', ['--http1.1']],
  ['HTTP/2 in clear', 'clear', ['--http2-prior-knowledge']],
  ['HTTP/1.1 over TLS', 'tls', ['--http1.1']],
  ['HTTP/2 over TLS', 'tls', ['--http2']],
];

describe.each(WAYS)('curl by %s', (version, way, options) => {
  const curl = async (paths: readonly string[], ...more: string[]): Promise<string> => {
    const resolve = ['--resolve', `shop.test:${ports[way]}:127.0.0.1`];
    const urls = paths.map((path) => urlOf(way, path));
    const { stdout } = await run('curl', ['-sS', '--cacert', ca, ...resolve, ...options, ...more, ...urls]);
    return stdout;
  };

  it('gets an answer', async () => {
    expect(JSON.parse(await curl(['/hello?x=1']))).toMatchObject({ method: 'GET', url: '/hello?x=1' });
  });

  // curl 7.88 cannot do that with prior knowledge, whatever the server.
  it.skipIf(options.includes('--http2-prior-knowledge'))('uses its connection again', async () => {
    const told = await curl(['/1', '/2', '/3'], '-w', '\n%{num_connects}\n');
    const connects = told.split('\n').filter((line) => /^\d$/.test(line));
    expect(connects).toEqual(version === 'HTTP/1.0' ? ['1', '1', '1'] : ['1', '0', '0']);
  });

  it('uploads, also when it waits for 100 first, and without telling the length', async () => {
    const file = join(folder, 'upload');
    writeFileSync(file, Buffer.alloc(3 * MIB, 'u'));
    const ways =
      version === 'HTTP/1.0'
        ? [[]]
        : [[], ['-H', 'Expect: 100-continue'], ['-H', 'Transfer-Encoding: chunked']];
    for (const more of ways) {
      expect(JSON.parse(await curl(['/upload'], '-T', file, ...more))).toMatchObject({
        method: 'PUT',
        length: 3 * MIB,
      });
    }
  });

  it('gets ranges', async () => {
    expect(await curl(['/range'], '-r', '5-24', '-w', '%{http_code}')).toBe('56789012345678901234206');
  });

  it('gets heads alone', async () => {
    const head = (await curl(['/content'], '-I')).toLowerCase();
    expect(head).toMatch(/^http\/\S+ 200/);
    expect(head).toContain('content-length: 10000\r\n');
  });
});

describe.each([['clear'], ['tls']] as [Way][])('in %s', (way) => {
  const connect = (): { rejectUnauthorized: boolean; ca: Buffer; servername: string; lookup: never } =>
    ({
      ca: readFileSync(ca),
      servername: 'shop.test',
      rejectUnauthorized: true,
      lookup: (_: string, __: object, done: (error: null, found: object[]) => void) =>
        done(null, [{ address: '127.0.0.1', family: 4 }]),
    }) as never;

  it('fetch speaks HTTP/1.1, and HTTP/2 where ALPN says so', async () => {
    const dispatcher = new Agent({ allowH2: true, connect: connect() });
    onTestFinished(() => dispatcher.close());
    for (const body of [undefined, 'small', Buffer.alloc(2 * MIB)]) {
      const response = await fetch(urlOf(way, '/f'), {
        dispatcher,
        ...(body === undefined ? {} : { method: 'POST', body }),
      });
      expect(await response.json()).toMatchObject({ url: '/f', length: body?.length ?? 0 });
    }
    const streamed = await fetch(urlOf(way, '/f'), {
      dispatcher,
      method: 'POST',
      body: bulk(MIB) as never,
      duplex: 'half',
    });
    expect(await streamed.json()).toMatchObject({ length: MIB });
  });

  it('undici gets pipelined requests answered, each with its own', async () => {
    const client = new Client(new URL(urlOf(way, '/')).origin, {
      pipelining: 16,
      allowH2: false,
      connect: connect(),
    });
    onTestFinished(() => client.close());
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, at) => {
        const { body } = await client.request({ path: `/p${at}`, method: 'GET' });
        return ((await body.json()) as { url: string }).url;
      }),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, at) => `/p${at}`));
  });

  it('undici gets what it asks on many connections', async () => {
    const pool = new Pool(new URL(urlOf(way, '/')).origin, {
      connections: 20,
      allowH2: true,
      connect: connect(),
    });
    onTestFinished(() => pool.close());
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, at) => {
        const { body } = await pool.request({ path: `/q${at}`, method: 'PUT', body: 'x'.repeat(at * 50) });
        return (await body.json()) as { url: string; length: number };
      }),
    );
    expect(answers.map(({ url, length }) => [url, length])).toEqual(
      answers.map((_, at) => [`/q${at}`, at * 50]),
    );
  });

  /** As a browser has it: what comes back, and the close. */
  async function open(options: object = {}): Promise<WebSocket> {
    const webSocket = new WebSocket(urlOf(way, '/ws').replace(/^http/, 'ws'), {
      ...connect(),
      maxPayload: 32 * MIB,
      ...options,
    });
    webSocket.on('error', () => undefined);
    onTestFinished(() => webSocket.terminate());
    await new Promise((resolve, reject) => webSocket.once('open', resolve).once('error', reject));
    return webSocket;
  }
  const echoed = (webSocket: WebSocket): Promise<{ data: Buffer; binary: boolean }> =>
    new Promise((resolve) =>
      webSocket.once('message', (data, binary) => resolve({ data: data as Buffer, binary })),
    );

  it.each([true, false])(
    'a WebSocket carries messages of all sizes, compressed: %s',
    async (perMessageDeflate) => {
      const webSocket = await open({ perMessageDeflate });
      for (const size of [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537, MIB, 16 * MIB]) {
        for (const binary of [true, false]) {
          const message = Buffer.alloc(size, 'äöü€😀');
          const text = binary ? message : Buffer.from('a'.repeat(size));
          const heard = echoed(webSocket);
          webSocket.send(text, { binary, compress: perMessageDeflate });
          const { data, binary: was } = await heard;
          expect([was, data.length, data.equals(text)]).toEqual([binary, size, true]);
        }
      }
    },
  );

  it('a WebSocket carries fragments, pings between them, and every character', async () => {
    const webSocket = await open({ perMessageDeflate: false });
    const pongs: string[] = [];
    webSocket.on('pong', (data) => pongs.push(data.toString()));
    const heard = echoed(webSocket);
    const parts = ['κόσμε', '\u0000', '\ud83d\ude00', 'ﬀ'.repeat(1_000), ''];
    parts.forEach((part, at) => {
      webSocket.send(part, { binary: false, fin: at === parts.length - 1 });
      webSocket.ping(`${at}`);
    });
    expect((await heard).data.toString()).toBe(parts.join(''));
    await eventually(() => pongs.length === parts.length);
    expect(pongs).toEqual(['0', '1', '2', '3', '4']);
  });

  it('a WebSocket carries codes and reasons of either close', async () => {
    for (const code of [1_000, 1_001, 1_011, 3_000, 4_999]) {
      const [asked, told] = [await open(), await open()];
      const closes = [asked, told].map(
        (one) =>
          new Promise((resolve) => one.once('close', (...close) => resolve([close[0], String(close[1])]))),
      );
      asked.send(`close ${code}`);
      told.close(code, 'as asked');
      expect(await Promise.all(closes)).toEqual([
        [code, 'as asked'],
        [code, 'as asked'],
      ]);
    }
  });

  it('a WebSocket that breaks its protocol is closed as the service says', async () => {
    const cases: [string, number][] = [
      ['c1820000000061ff', 1_002], // a reserved bit
      ['83800000000000', 1_002], // a reserved opcode
      ['81820000000080ff', 1_007], // no UTF-8
      ['8102ffff', 1_002], // not masked
      ['8882000000000000', 1_002], // a close code that there is not
    ];
    for (const [frame, code] of cases) {
      const webSocket = await open({ perMessageDeflate: false });
      const closed = new Promise((resolve) => webSocket.once('close', resolve));
      (webSocket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
        Buffer.from(frame, 'hex'),
      );
      expect([frame, await closed]).toEqual([frame, code]);
    }
  });
});

it('wrk gets nothing but answers', async (context) => {
  const wrk = await run('wrk', ['--version']).catch((error: { code?: unknown }) => error.code !== 'ENOENT');
  if (wrk === false) return context.skip('wrk is not installed');
  const { stdout } = await run('wrk', [
    '-t1',
    '-c16',
    '-d2s',
    '-H',
    'Host: shop.test',
    `http://127.0.0.1:${ports.clear}/wrk`,
  ]);
  expect(stdout).toMatch(/[1-9]\d* requests in/);
  expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
});

it('h2load gets nothing but answers over TLS', async (context) => {
  const found = await run('h2load', ['--version']).catch(() => undefined);
  if (found === undefined) return context.skip('h2load is not installed');
  const options = ['-n', '1000', '-c', '5', '-m', '10', '--connect-to', `127.0.0.1:${ports.tls}`];
  const { stdout } = await run('h2load', [...options, urlOf('tls', '/load')]);
  expect(stdout).toMatch(/1000 done, 1000 succeeded, 0 failed, 0 errored/);
});
