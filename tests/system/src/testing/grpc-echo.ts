import type { MethodDefinition } from '@grpc/grpc-js';

type Method = MethodDefinition<Buffer, Buffer>;

const asIs = (message: Buffer): Buffer => message;

function method(name: string, requestStream: boolean, responseStream: boolean): Method {
  return {
    path: `/culvert.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** A gRPC service of the four kinds of call, whose messages are bytes. */
export const ECHO = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  repeat: method('Repeat', false, true),
  chat: method('Chat', true, true),
} as const;

/** What no service implements. */
export const MISSING = method('Missing', false, false);
