import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { formatAddress } from './address.ts';
import { AddressInUseError, listen, ListenFailedError } from './listen.ts';

describe('listen', () => {
  const servers: Server[] = [];
  const server = (): Server => {
    const created = createServer();
    servers.push(created);
    return created;
  };
  afterEach(() => {
    for (const each of servers.splice(0)) each.close();
  });

  it('resolves with the port that was assigned', async () => {
    const address = await listen(server(), { host: '127.0.0.1', port: 0 }, 'admin');
    expect(address.host).toBe('127.0.0.1');
    expect(address.port).toBeGreaterThan(0);
  });

  it('listens on all addresses when the host is empty', async () => {
    const all = server();
    const address = await listen(all, { host: '', port: 0 }, 'admin');
    expect(address.host).toBe('');
    expect(all.address()).toMatchObject({ address: expect.stringMatching(/^(::|0\.0\.0\.0)$/) as string });
  });

  it('names what wanted an address that is in use', async () => {
    const taken = await listen(server(), { host: '127.0.0.1', port: 0 }, 'first');
    const failure = listen(server(), taken, 'entry point');
    await expect(failure).rejects.toBeInstanceOf(AddressInUseError);
    await expect(failure).rejects.toMatchObject({ what: 'entry point', address: formatAddress(taken) });
  });

  it('says that an address is not one of this machine', async () => {
    const failure = listen(server(), { host: '192.0.2.1', port: 0 }, 'peers');
    await expect(failure).rejects.toBeInstanceOf(ListenFailedError);
    await expect(failure).rejects.toMatchObject({ code: 'EADDRNOTAVAIL', address: '192.0.2.1:0' });
  });
});

describe('formatAddress', () => {
  it.each([
    [{ host: '', port: 8080 }, ':8080'],
    [{ host: '127.0.0.1', port: 80 }, '127.0.0.1:80'],
    [{ host: '::1', port: 80 }, '[::1]:80'],
  ])('writes %o as %s', (address, text) => {
    expect(formatAddress(address)).toBe(text);
  });
});
