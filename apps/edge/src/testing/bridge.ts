import { connect } from 'node:net';
import { ResetCode } from '@culvert/wire';
import type { StreamDouble } from './stream-double.ts';

/** Joins a stream with a connection to a local service, as an agent does with raw streams. */
export function bridge(stream: StreamDouble, port: number): void {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('data', (chunk: Buffer) => void stream.send(chunk));
  socket.on('end', () => stream.stream.sendEnd());
  socket.on('error', () => stream.stream.reset(ResetCode.UpstreamLost));
  stream.onBytes = (bytes) => void socket.write(bytes);
  stream.onOver = () => void socket.end();
}
