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

/** The same while a head is read: filled line by line, since a copy for each line costs more than all the rest of it. */
export class ForwardedLines implements ForwardedFields {
  for: string | undefined = undefined;
  host: string | undefined = undefined;
  proto: string | undefined = undefined;
  port: string | undefined = undefined;
  realIp: string | undefined = undefined;
  forwarded: string | undefined = undefined;
  others = '';
}

/** The value of a field that may have had an earlier line. */
export function joined(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier}, ${value}`;
}
