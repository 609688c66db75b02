import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { BenchFault } from './fault.ts';
import { answers, HeldConnection, type Address } from './held-connection.ts';

async function serve(onRequest: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => socket.on('data', () => onRequest(socket)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

function addressOf(server: Server): Address {
  return { port: (server.address() as AddressInfo).port, hostname: 'app.test' };
}

describe('HeldConnection', () => {
  it('carries one exchange after the other, also when an answer comes in pieces', async () => {
    const pieces = ['HTTP/1.1 20', '0 OK\r\nContent-Length: 5\r\n', '\r\nhel', 'lo'];
    await using server = await serve((socket) => pieces.forEach((piece) => socket.write(piece)));
    const connection = await HeldConnection.open(addressOf(server));
    expect([await connection.get(), await connection.get()]).toEqual([200, 200]);
    connection.close();
  });

  it('fails an exchange that the other side hangs up in', async () => {
    await using server = await serve((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe'),
    );
    const connection = await HeldConnection.open(addressOf(server));
    await expect(connection.get()).rejects.toThrow(BenchFault);
  });

  it('fails an exchange that nobody answers in time', async () => {
    await using server = await serve(() => undefined);
    const connection = await HeldConnection.open(addressOf(server));
    await expect(connection.get(50)).rejects.toThrow(BenchFault);
  });
});

describe('answers', () => {
  it('is true of a 200 only', async () => {
    await using good = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    await using bad = await serve((socket) => socket.write('HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n'));
    expect(await answers(addressOf(good))).toBe(true);
    expect(await answers(addressOf(bad))).toBeUndefined();
  });
});
