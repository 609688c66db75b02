import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@culvert/testkit';
import { own } from './index.ts';
import type { SocketOwner } from './index.ts';

/** Writes down what it is told; `keepsReading` is what it answers to a read. */
class Recorder implements SocketOwner {
  readonly name: string;
  readonly calls: string[] = [];
  text = '';
  bytes = 0;
  keepsReading: boolean | undefined;
  buffers = new Set<Buffer>();
  onRead: () => void = () => undefined;

  constructor(name = 'owner') {
    this.name = name;
  }

  onSocketRead(bytes: number, buffer: Buffer): boolean | void {
    this.text += buffer.toString('latin1', 0, bytes);
    this.bytes += bytes;
    this.buffers.add(buffer);
    this.onRead();
    return this.keepsReading;
  }
  onSocketDrain(): void {
    this.calls.push('drain');
  }
  onSocketEnd(): void {
    this.calls.push('end');
  }
  onSocketClose(): void {
    this.calls.push('close');
  }
}

let server: Server;
let client: Socket;
let accepted: Socket;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
});
afterEach(async () => {
  client.destroy();
  accepted.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function owned(socket: Socket, owner: Recorder): Recorder {
  own(socket, owner);
  socket.resume();
  return owner;
}

describe('the owner of a socket', () => {
  it('is given its bytes, its end and its close', async () => {
    const owner = owned(accepted, new Recorder());
    client.end('hello');
    await eventually(() => owner.calls.includes('end'));
    expect(owner.text).toBe('hello');
    accepted.end();
    await eventually(() => owner.calls.includes('close'));
    expect(owner.calls).toEqual(['end', 'close']);
  });

  it('is told of a drain after it was told to wait', async () => {
    const owner = owned(accepted, new Recorder());
    while (accepted.write(Buffer.alloc(100_000)));
    expect(owner.calls).toEqual([]);
    client.resume();
    await eventually(() => owner.calls.includes('drain'));
  });

  it('is told of a close when the connection breaks, and nothing is thrown', async () => {
    const owner = owned(accepted, new Recorder());
    client.resetAndDestroy();
    await eventually(() => owner.calls.includes('close'));
    expect(owner.calls.filter((call) => call === 'close')).toHaveLength(1);
  });

  it('stops the reading by returning false, until the socket is resumed', async () => {
    const owner = new Recorder();
    owner.keepsReading = false;
    owned(accepted, owner);
    client.write('first');
    await eventually(() => owner.text === 'first');
    client.write(Buffer.alloc(64_000_000, 'x'));
    await eventually(() => client.writableLength > 0);
    expect(owner.bytes).toBe(5);
    owner.keepsReading = undefined;
    accepted.resume();
    await eventually(() => owner.bytes === 64_000_005);
  });

  it('may pause and resume the socket at any time', async () => {
    const owner = owned(accepted, new Recorder());
    owner.onRead = () => {
      accepted.pause();
      setImmediate(() => accepted.resume());
    };
    client.write(Buffer.alloc(1_000_000, 'x'));
    await eventually(() => owner.bytes === 1_000_000);
  });

  it('may be replaced in the middle of a read: the next one gets what follows', async () => {
    const [first, second] = [new Recorder('first'), new Recorder('second')];
    first.onRead = () => own(accepted, second);
    owned(accepted, first);
    client.write('one');
    await eventually(() => first.text === 'one');
    client.end('two');
    await eventually(() => second.calls.includes('end'));
    expect([first.text, second.text]).toEqual(['one', 'two']);
    expect(first.calls).toEqual([]);
  });

  it('shares one buffer with the owners of other sockets', async () => {
    const [near, far] = [owned(accepted, new Recorder()), owned(client, new Recorder())];
    client.write('to accepted');
    accepted.write('to client');
    await eventually(() => near.text === 'to accepted' && far.text === 'to client');
    expect(near.buffers).toEqual(far.buffers);
    expect(near.buffers.size).toBe(1);
  });

  it('reads the same from a stream that is no plain socket', async () => {
    const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const owner = new Recorder();
    owner.keepsReading = false;
    own(stream as Socket, owner);
    stream.push('first');
    await eventually(() => owner.text === 'first');
    stream.push('second');
    expect(stream.isPaused()).toBe(true);
    owner.keepsReading = true;
    stream.resume();
    await eventually(() => owner.text === 'firstsecond');
    stream.destroy();
    await eventually(() => owner.calls.includes('close'));
  });
});
