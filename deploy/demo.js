/** The service behind the demo tunnel: says which hostname it was asked for, and by whom. */
import { createServer } from 'node:http';

createServer((request, response) => {
  const { host, 'x-forwarded-for': client } = request.headers;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(
    `Hello from behind the tunnel.\n${request.method} ${request.url}\nhost ${host}, client ${client}\n`,
  );
}).listen(3000);

process.once('SIGTERM', () => process.exit(0));
