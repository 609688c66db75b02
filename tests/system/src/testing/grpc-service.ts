import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  sendUnaryData,
  ServerUnaryCall,
} from '@grpc/grpc-js';
import { ECHO } from './grpc-echo.ts';

export const MAX_MESSAGE = 16 << 20;

/** A real gRPC service: echoes in all four kinds of call, and tells what it has seen of them. */
export class GrpcService {
  /** Calls whose clients have gone, in order. */
  readonly cancelled: string[] = [];
  /** Calls that wait for ever, until their client gives them up. */
  waiting = 0;
  readonly #server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE,
    'grpc.max_send_message_length': MAX_MESSAGE,
  });
  #port = 0;

  static async start(certificate?: { readonly cert: Buffer; readonly key: Buffer }): Promise<GrpcService> {
    const service = new GrpcService();
    service.#server.addService(ECHO, {
      unary: service.#unary,
      collect: service.#collect,
      repeat: service.#repeat,
      chat: service.#chat,
    });
    const credentials =
      certificate === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(null, [{ cert_chain: certificate.cert, private_key: certificate.key }]);
    service.#port = await new Promise<number>((resolve, reject) => {
      service.#server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    return service;
  }

  get port(): number {
    return this.#port;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Echoes metadata `x-*` as initial and trailing metadata; `fail` and `wait` do what they say. */
  readonly #unary: handleUnaryCall<Buffer, Buffer> = (call, respond) => {
    const text = call.request.length < 100 ? call.request.toString() : '';
    if (text === 'fail') return this.#fail(respond);
    if (text === 'wait') return this.#wait(call);
    const [initial, trailing] = [new Metadata(), new Metadata()];
    initial.set('x-initial', call.metadata.get('x-sent')[0] ?? 'nothing');
    for (const value of call.metadata.get('x-sent-bin')) trailing.add('x-trailing-bin', value);
    call.sendMetadata(initial);
    respond(null, call.request, trailing);
  };

  readonly #collect: handleClientStreamingCall<Buffer, Buffer> = (call, respond) => {
    const parts: Buffer[] = [];
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('end', () => respond(null, Buffer.concat(parts)));
  };

  readonly #repeat: handleServerStreamingCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => this.cancelled.push('repeat'));
    const times = Number(call.request.toString());
    for (let at = 0; at < times; at++) call.write(Buffer.from(`${at}`));
    if (times > 0) call.end();
    else call.write(Buffer.from('begun'));
  };

  readonly #chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('data', (part: Buffer) => call.write(part));
    call.on('end', () => call.end());
  };

  #fail(respond: sendUnaryData<Buffer>): void {
    const metadata = new Metadata();
    metadata.set('x-why', 'asked for');
    respond({ code: status.FAILED_PRECONDITION, details: 'not så: 50%', metadata });
  }

  #wait(call: ServerUnaryCall<Buffer, Buffer>): void {
    this.waiting++;
    call.on('cancelled', () => this.cancelled.push('unary'));
  }
}
