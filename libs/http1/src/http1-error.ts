export type Http1ErrorCode =
  | 'bad_request'
  | 'content_too_large'
  | 'uri_too_long'
  | 'expectation_failed'
  | 'head_too_large'
  | 'not_implemented'
  | 'version_not_supported'
  | 'upstream_protocol';

const STATUS = {
  bad_request: 400,
  content_too_large: 413,
  uri_too_long: 414,
  expectation_failed: 417,
  head_too_large: 431,
  not_implemented: 501,
  version_not_supported: 505,
  upstream_protocol: 502,
} as const satisfies Record<Http1ErrorCode, number>;

/**
 * A message refused. `status` is what to answer the client with; the connection it came on must be closed, since
 * nobody knows where the message ends. `reason` is a fixed phrase, never bytes of the peer.
 */
export class Http1Error extends Error {
  override readonly name = 'Http1Error';
  readonly code: Http1ErrorCode;
  readonly status: number;
  readonly reason: string;

  constructor(code: Http1ErrorCode, reason: string) {
    super(reason);
    this.code = code;
    this.status = STATUS[code];
    this.reason = reason;
  }
}

/** The same refusal seen from the upstream's side: whatever is wrong with a response is the upstream's fault. */
export function asUpstreamError(error: unknown): unknown {
  return error instanceof Http1Error ? new Http1Error('upstream_protocol', error.reason) : error;
}
