import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { MethodDefinition, ServiceError } from '@grpc/grpc-js';
import { Authority, eventually } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ECHO, MISSING } from './testing/grpc-echo.ts';
import { GrpcService, MAX_MESSAGE } from './testing/grpc-service.ts';
import { Installation, SHOP } from './testing/installation.ts';

const MIB = 1 << 20;
const HOSTS = { 'in clear': 'clear.example.com', 'in TLS': 'tls.example.com' } as const;

let site: Installation;
const folder = mkdtempSync(join(tmpdir(), 'culvert-grpc-'));
let clear: GrpcService;
let secure: GrpcService;
const clients: Client[] = [];

beforeAll(async () => {
  const authority = new Authority(folder);
  const { cert, key } = authority.issue('service', 'DNS:localhost');
  [clear, secure] = await Promise.all([
    GrpcService.start(),
    GrpcService.start({ cert: readFileSync(cert), key: readFileSync(key) }),
  ]);
  site = await Installation.start({ routes: [{ hostname: '.example.com', tunnel: SHOP }] });
  await site.attach({
    links: 2,
    ingress: [
      { hostname: HOSTS['in clear'], service: `h2c://127.0.0.1:${clear.port}` },
      {
        hostname: HOSTS['in TLS'],
        service: `https://127.0.0.1:${secure.port}`,
        http2: true,
        tls: { ca: authority.file, serverName: 'localhost' },
      },
      { service: 'http_status:404' },
    ],
  });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await site?.stop();
  clear?.stop();
  secure?.stop();
  rmSync(folder, { recursive: true });
});

function clientOf(hostname: string): Client {
  const { host, port } = site.edge(0).http;
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), {
    'grpc.default_authority': hostname,
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE,
    'grpc.enable_retries': 0,
  });
  clients.push(client);
  return client;
}

interface Outcome {
  readonly error: ServiceError | undefined;
  readonly response: Buffer | undefined;
  readonly initial: Metadata;
  readonly trailing: Metadata;
}

function ask(
  client: Client,
  message: Buffer | string,
  options: { metadata?: Metadata; deadlineMs?: number; method?: MethodDefinition<Buffer, Buffer> } = {},
): Promise<Outcome> {
  const { metadata = new Metadata(), deadlineMs = 60_000, method = ECHO.unary } = options;
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve) => {
    let initial = new Metadata();
    let outcome: { error: ServiceError | null; response?: Buffer } | undefined;
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from(message),
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error: ServiceError | null, response?: Buffer) => {
        outcome = { error, ...(response === undefined ? {} : { response }) };
      },
    );
    call.on('metadata', (received) => (initial = received));
    call.on('status', ({ metadata: trailing }) => {
      setImmediate(() =>
        resolve({ error: outcome?.error ?? undefined, response: outcome?.response, initial, trailing }),
      );
    });
  });
}

describe.each(Object.entries(HOSTS))('a gRPC service %s', (_name, hostname) => {
  it('answers a call, with metadata both ways before and after the message', async () => {
    const metadata = new Metadata();
    metadata.set('x-sent', 'a value');
    metadata.add('x-sent-bin', Buffer.from([0, 1, 255]));
    const { error, response, initial, trailing } = await ask(clientOf(hostname), 'hello', { metadata });
    expect(error).toBe(undefined);
    expect(response?.toString()).toBe('hello');
    expect(initial.get('x-initial')).toEqual(['a value']);
    expect(trailing.get('x-trailing-bin')).toEqual([Buffer.from([0, 1, 255])]);
  });

  it('takes a stream of messages', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.collect;
    const collected = Promise.withResolvers<Buffer>();
    const call = clientOf(hostname).makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error: ServiceError | null, response?: Buffer) => {
        if (response === undefined) collected.reject(error ?? new Error('no response'));
        else collected.resolve(response);
      },
    );
    for (let at = 0; at < 500; at++) call.write(Buffer.from(`${at},`));
    call.end();
    expect((await collected.promise).toString()).toBe(
      Array.from({ length: 500 }, (_, at) => `${at},`).join(''),
    );
  });

  it('answers with a stream of messages', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.repeat;
    const call = clientOf(hostname).makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from('500'),
    );
    const messages: string[] = [];
    for await (const message of call) messages.push((message as Buffer).toString());
    expect(messages).toEqual(Array.from({ length: 500 }, (_, at) => `${at}`));
  });

  it('talks both ways at once, each message as soon as it was said', async () => {
    const { path, requestSerialize, responseDeserialize } = ECHO.chat;
    const call = clientOf(hostname).makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const heard: string[] = [];
    let over = false;
    call.on('data', (message: Buffer) => heard.push(message.toString()));
    call.on('end', () => (over = true));
    for (let at = 0; at < 20; at++) {
      call.write(Buffer.from(`${at}`));
      await eventually(() => heard.length === at + 1);
    }
    call.end();
    await eventually(() => over);
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => `${at}`));
  });

  it('tells why a call has failed, also where it does not know the method', async () => {
    const failed = await ask(clientOf(hostname), 'fail');
    expect(failed.error).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'not så: 50%' });
    expect(failed.trailing.get('x-why')).toEqual(['asked for']);
    const missing = await ask(clientOf(hostname), '', { method: MISSING });
    expect(missing.error?.code).toBe(status.UNIMPLEMENTED);
    expect(missing.error?.details).toContain('/culvert.Echo/Missing');
  });

  it('learns that a deadline has passed and that a client has gone', async () => {
    const service = hostname === HOSTS['in TLS'] ? secure : clear;
    const late = await ask(clientOf(hostname), 'wait', { deadlineMs: 500 });
    expect(late.error?.code).toBe(status.DEADLINE_EXCEEDED);
    await eventually(() => service.cancelled.includes('unary'));
    const { path, requestSerialize, responseDeserialize } = ECHO.repeat;
    const call = clientOf(hostname).makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from('0'),
    );
    let code: number | undefined;
    call.on('error', (error: ServiceError) => (code = error.code));
    call.on('data', () => call.cancel());
    await eventually(() => service.cancelled.includes('repeat'));
    await eventually(() => code === status.CANCELLED);
  });

  it('is sent and sends large messages', async () => {
    const message = Buffer.alloc(8 * MIB);
    for (let at = 0; at < message.length; at += 4) message.writeUInt32BE(at, at);
    const { response, error } = await ask(clientOf(hostname), message);
    expect(error).toBe(undefined);
    expect(response?.equals(message)).toBe(true);
  });

  it('answers a hundred calls at a time, each with what it was asked', async () => {
    const client = clientOf(hostname);
    const calls = Array.from({ length: 100 }, (_, at) => ask(client, `${at}:${'x'.repeat(at * 200)}`));
    const answers = await Promise.all(calls);
    expect(answers.map(({ response }) => response?.toString().split(':')[0])).toEqual(
      Array.from({ length: 100 }, (_, at) => `${at}`),
    );
    expect(answers.map(({ response }) => response?.length)).toEqual(
      Array.from({ length: 100 }, (_, at) => `${at}:`.length + at * 200),
    );
  });
});

describe('a call that reaches no service', () => {
  it('fails as unavailable or unimplemented, never as done', async () => {
    const { error } = await ask(clientOf('nowhere.test'), 'hello');
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });
});
