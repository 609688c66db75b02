import { ServerProcess } from './server-process.ts';

/** A running nats-server. */
export interface NatsServer {
  readonly process: ServerProcess;
  readonly url: string;
}

/** Starts nats-server on a free loopback port; `args` are added to its command line. */
export async function startNats(
  options: { readonly args?: readonly string[]; readonly port?: number } = {},
): Promise<NatsServer> {
  const server = await ServerProcess.start(
    {
      command: 'nats-server',
      args: (port) => ['-a', '127.0.0.1', '-p', String(port), ...(options.args ?? [])],
      greeting: '',
      expect: 'INFO ',
    },
    options.port,
  );
  return { process: server, url: `nats://127.0.0.1:${server.port}` };
}
