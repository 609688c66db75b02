import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { h2load, type H2Load } from '../h2load.ts';
import { GRPC_PATH } from '../names.ts';
import { grpcMessage } from '../upstream.ts';
import { column, type Case, type Visit } from './case.ts';
import { measureLoad } from './cost.ts';
import { COLUMNS, COMPARED } from './requests.ts';

const SHAPE = { connections: 8, streams: 16 };
const HTTP2_COLUMNS = COLUMNS.map((one) => (one.title === 'p50 ms' ? column('mean ms', 'mean', 2) : one));

/** A page over HTTP/2 with TLS; the service speaks HTTP/1.1. */
export const h2 = http2('h2', 'HTTP/2 over TLS, 8 connections with 16 requests at a time each, 5 bytes', {
  needs: 'tls',
  load: () => ({ path: '/' }),
});

/** A call with one message each way and trailers; the service speaks HTTP/2. */
export const grpc = http2(
  'grpc',
  'gRPC unary calls over TLS, 8 connections with 16 at a time each, 5 bytes',
  {
    needs: 'grpc',
    load: (visit) => {
      const body = join(visit.stage.room('grpc'), 'message');
      writeFileSync(body, grpcMessage('world'));
      return { path: GRPC_PATH, body, headers: ['content-type: application/grpc', 'te: trailers'] };
    },
  },
);

function http2(
  name: string,
  title: string,
  how: {
    readonly needs: 'tls' | 'grpc';
    readonly load: (visit: Visit) => Pick<H2Load, 'path' | 'body' | 'headers'>;
  },
): Case {
  return {
    name,
    title,
    start: 'shared',
    needs: how.needs,
    columns: HTTP2_COLUMNS,
    compared: COMPARED,
    measure(visit) {
      const load = { ...SHAPE, ...how.load(visit) };
      const { tlsPort } = visit.running;
      return measureLoad(visit, (seconds) => h2load(visit.stage, tlsPort, { ...load, seconds }));
    },
  };
}
