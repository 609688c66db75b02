/** An answer of the edge's own, framed by nobody yet. */
export interface OwnAnswer {
  readonly status: number;
  readonly reason: string;
  /** Field lines, each with its CRLF; Content-Length is among them. */
  readonly fields: string;
  /** Latin1. */
  readonly body: string;
  /** Whether the client was told to come back later, so that nothing is taken of it for a while. */
  readonly rests?: boolean;
}

/** As a complete HTTP/1.1 response, latin1. */
export function answerText(
  { status, reason, fields, body }: OwnAnswer,
  request: { readonly method: string; readonly keepAlive: boolean },
): string {
  const connection = request.keepAlive ? '' : 'Connection: close\r\n';
  return `HTTP/1.1 ${status} ${reason}\r\n${fields}${connection}\r\n${request.method === 'HEAD' ? '' : body}`;
}
