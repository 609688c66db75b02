/**
 * What a request said about earlier hops, taken out of its fields: worthless from strangers, and appended to
 * when the peer is trusted. Repeated lines are joined by `, `, values are otherwise as they came.
 */
export interface ForwardedFields {
  readonly for: string | undefined;
  readonly host: string | undefined;
  readonly proto: string | undefined;
  readonly port: string | undefined;
  readonly realIp: string | undefined;
  /** RFC 7239. */
  readonly forwarded: string | undefined;
  /** All other `X-Forwarded-…` lines, each with its CRLF. */
  readonly others: string;
}

export const NOT_FORWARDED: ForwardedFields = Object.freeze({
  for: undefined,
  host: undefined,
  proto: undefined,
  port: undefined,
  realIp: undefined,
  forwarded: undefined,
  others: '',
});

/** `before` with one more line of `key`. */
export function forwardedWith(
  before: ForwardedFields,
  key: Exclude<keyof ForwardedFields, 'others'>,
  value: string,
): ForwardedFields {
  const earlier = before[key];
  return { ...before, [key]: earlier === undefined ? value : `${earlier}, ${value}` };
}
