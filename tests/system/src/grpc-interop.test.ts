import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerProcess } from '@culvert/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goPrograms } from './testing/go-programs.ts';
import { Installation, SHOP } from './testing/installation.ts';

const INTEROP = 'google.golang.org/grpc/interop';
const found = await goPrograms('grpc-interop', 'v1.85.0', [`${INTEROP}/client`, `${INTEROP}/server`]);
/** gRPC's own cases, but those about credentials of clouds and those for which its server is not made. */
const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
];
/** So that the server shows that it is there: the beginning of HTTP/2, and of the SETTINGS that answer it. */
const GREETING = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

if ('missing' in found) {
  describe.skip(`the interoperability cases of gRPC (${found.missing})`, () => it('pass', () => undefined));
} else {
  const program = (name: string): string => join(found.folder, name);

  describe("the interoperability cases of gRPC, with Go's client and server", () => {
    let site: Installation;
    let server: ServerProcess;
    beforeAll(async () => {
      server = await ServerProcess.start({
        command: program('server'),
        args: (port) => [`--port=${port}`],
        greeting: GREETING,
        expect: '\0\0',
      });
      // The client names its server by the name that it dials.
      site = await Installation.start({ routes: [{ hostname: '127.0.0.1', tunnel: SHOP }] });
      await site.attach({ links: 2, ingress: [{ service: `h2c://127.0.0.1:${server.port}` }] });
    });
    afterAll(async () => {
      await site?.stop();
      await server?.stop();
    });

    it.each(CASES)('%s', async (name) => {
      const { host, port } = site.edge(0).http;
      const args = [`--server_host=${host}`, `--server_port=${port}`, `--test_case=${name}`];
      await expect(promisify(execFile)(program('client'), args, { timeout: 25_000 })).resolves.toBeDefined();
    });
  });
}
