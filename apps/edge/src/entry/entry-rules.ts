import { addField, removeField } from '@culvert/http1';
import type { RequestHead } from '@culvert/http1';
import type { OwnAnswer } from '../http/own-answer.ts';
import type { ClientCertificateHeaders } from '../tls/client-certificate.ts';

const HTTPS_PORT = 443;
/** Challenges of certificate authorities are asked for in clear (RFC 8555 §8.3). */
const ACME_PATH = '/.well-known/acme-challenge/';
const HSTS = 'Strict-Transport-Security';

/** What an entry point asks of requests and does to responses, whatever their route. One object a TLS connection. */
export interface EntryRules {
  /** Whether the edge itself is the other end of the connection's TLS. */
  readonly terminates: boolean;
  /** Where requests in clear are sent to; undefined: they are served. */
  readonly httpsPort: number | undefined;
  /** Value of Strict-Transport-Security. */
  readonly hsts: string | undefined;
  /** Names, in lower case, of fields that clients may not send. */
  readonly withheld: ReadonlySet<string> | undefined;
  /** Field lines that services get with each request. */
  readonly requestFields: string;
  /** Whether the connection was made for other hosts than this one. */
  misdirects(hostname: string): boolean;
}

/** Of an entry point that may send requests in clear elsewhere. */
export class PlainRules implements EntryRules {
  readonly terminates = false;
  readonly httpsPort: number | undefined;
  readonly hsts = undefined;
  readonly withheld: ReadonlySet<string> | undefined;
  readonly requestFields = '';

  constructor(httpsPort: number | undefined, withheld: ReadonlySet<string> | undefined) {
    this.httpsPort = httpsPort;
    this.withheld = withheld;
  }

  misdirects(): boolean {
    return false;
  }
}

/** Undefined where the request is served in clear. */
export function httpsRedirect(
  httpsPort: number,
  head: RequestHead,
  requestId: string,
): OwnAnswer | undefined {
  // Without a host, in HTTP/1.0, there is nowhere to send the client to.
  if (head.host === '' || head.path.startsWith(ACME_PATH)) return undefined;
  const host = head.host.replace(/:\d*$/, '');
  const port = httpsPort === HTTPS_PORT ? '' : `:${httpsPort}`;
  // "OPTIONS *" is about the whole host.
  const target = head.target.startsWith('/') ? head.target : '/';
  const fields =
    `Location: https://${host}${port}${target}\r\nContent-Length: 0\r\nCache-Control: no-store\r\n` +
    `X-Request-Id: ${requestId}\r\n`;
  return { status: 308, reason: 'Permanent Redirect', fields, body: '' };
}

/** What is told to a client, with the entry point's Strict-Transport-Security instead of the service's if it has one. */
export function withHsts<Told extends { readonly fields: string }>(
  told: Told,
  rules: EntryRules | undefined,
): Told {
  const hsts = rules?.hsts;
  if (hsts === undefined) return told;
  return { ...told, fields: addField(removeField(told.fields, HSTS), HSTS, hsts) };
}

/** The value of Strict-Transport-Security (RFC 6797 §6.1). */
export function hstsValue(settings: {
  readonly maxAge: number;
  readonly includeSubDomains: boolean;
  readonly preload: boolean;
}): string {
  const { maxAge, includeSubDomains, preload } = settings;
  return `max-age=${maxAge}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
}

/** What any entry point of an edge tells services of client certificates in, no client of another may tell them. */
export function withheldFields(
  entryPoints: readonly { readonly tls?: { readonly clientCertificates?: ClientCertificateHeaders } }[],
): ReadonlySet<string> | undefined {
  const names = entryPoints.flatMap(({ tls }) => {
    const { subjectHeader, fingerprintHeader } = tls?.clientCertificates ?? {};
    return [subjectHeader, fingerprintHeader].filter((name) => name !== undefined);
  });
  return names.length === 0 ? undefined : withheldNames(names);
}

/** `-` and `_` are the same to services that read CGI variables, so that neither spelling gets through. */
export function withheldNames(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => spellings(name.toLowerCase().split(/[-_]/))));
}

function spellings([first = '', ...rest]: readonly string[]): string[] {
  if (rest.length === 0) return [first];
  return spellings(rest).flatMap((end) => [`${first}-${end}`, `${first}_${end}`]);
}
