import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { bulkDownload } from './bulk-download.ts';
import { Stage } from './stage.ts';

const BODY = Buffer.alloc(1 << 20);

describe('bulkDownload', () => {
  it('counts the bodies of all streams, those of the warm-up apart', async () => {
    await using stage = new Stage();
    const served = { bytes: 0, hosts: new Set<string | undefined>() };
    await using server = createServer((request, response) => {
      served.hosts.add(request.headers.host);
      served.bytes += BODY.length;
      response.end(BODY);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const load = { streams: 3, seconds: 1, warmSeconds: 0.3, path: '/' };
    const result = await bulkDownload(stage, { port, hostname: 'files.test' }, load);
    expect(result.errors).toBe(0);
    expect(result.bytes).toBeGreaterThan(0);
    expect(result.allBytes).toBeGreaterThan(result.bytes);
    expect(result.allBytes).toBeLessThanOrEqual(served.bytes);
    expect(served.hosts).toEqual(new Set(['files.test']));
  });
});
