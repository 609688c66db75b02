import { connect } from 'node:net';
import { once } from 'node:events';
import { AddressInUseError } from '@culvert/lifecycle';
import { afterEach, describe, expect, it } from 'vitest';
import { startAdminServer, type AdminServer, type AdminServerOptions } from './admin-server.ts';
import { silentLogger } from './logger.ts';
import { Metrics } from './metrics.ts';

const listen = { host: '127.0.0.1', port: 0 };

describe('startAdminServer', () => {
  const running: AdminServer[] = [];
  const start = async (
    options: Partial<AdminServerOptions> = {},
  ): Promise<(path: string) => Promise<Response>> => {
    const server = await startAdminServer({
      listen,
      ready: () => true,
      metrics: new Metrics(),
      logger: silentLogger,
      ...options,
    });
    running.push(server);
    return (path) => fetch(`http://127.0.0.1:${server.address.port}${path}`);
  };
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  it('says that it is alive whether or not the service is ready', async () => {
    const get = await start({ ready: () => 'draining' });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('tells why the service is not ready', async () => {
    let state: true | string = 'draining';
    const get = await start({ ready: () => state });
    const refused = await get('/readyz?verbose');
    expect([refused.status, await refused.text()]).toEqual([503, 'draining\n']);
    state = true;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('serves the metrics as they are at that moment', async () => {
    const metrics = new Metrics();
    let requests = 0;
    metrics.counter('requests_total', 'requests', () => requests);
    const get = await start({ metrics });
    requests = 41;
    expect(await (await get('/metrics')).text()).toContain('requests_total 41\n');
    requests = 42;
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await response.text()).toContain('requests_total 42\n');
  });

  it('serves what the service tells of itself as JSON, and nothing where it tells nothing', async () => {
    const get = await start({ status: () => ({ links: 2 }) });
    const response = await get('/status');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({ links: 2 });
    expect((await (await start())('/status')).status).toBe(404);
  });

  it('leaves other paths to the handler and answers 404 in JSON where that passes', async () => {
    const get = await start({
      handler: async (request, response) => {
        if (request.url !== '/api') return false;
        response.end('mine');
        return true;
      },
    });
    expect(await (await get('/api')).text()).toBe('mine');
    const missing = await get('/nothing');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual({ error: { code: 'not_found', message: 'nothing at /nothing' } });
  });

  it('answers 500 when the handler fails, and keeps serving', async () => {
    const get = await start({ handler: () => Promise.reject(new RangeError('broken')) });
    const failed = await get('/api');
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({ error: { code: 'internal' } });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('names itself when its address is in use', async () => {
    await start();
    const taken = running[0]?.address ?? listen;
    const failure = startAdminServer({
      listen: taken,
      ready: () => true,
      metrics: new Metrics(),
      logger: silentLogger,
    });
    await expect(failure).rejects.toBeInstanceOf(AddressInUseError);
    await expect(failure).rejects.toMatchObject({ what: 'admin' });
  });

  it('closes also while a client has sent half a request', async () => {
    await start();
    const server = running.pop() as AdminServer;
    const socket = connect(server.address.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write('GET /healthz HTTP/1.1\r\n');
    const gone = new Promise((resolve) => socket.once('close', resolve));
    await server.close();
    await gone;
  });
});
