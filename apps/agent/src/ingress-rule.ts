import { resolve } from 'node:path';
import { hostnameOf } from '@culvert/http1';
import {
  choice,
  count,
  duration,
  either,
  filePath,
  flag,
  hostnamePattern,
  optional,
  pathRule,
  section,
  textField,
  type Output,
  type Schema,
} from '@culvert/settings';
import { parseService, type Service } from './service.ts';

export type IngressRule = Output<ReturnType<typeof ingressRule>>;

/** One rule of an agent: what leads where, and how the service wants to be spoken to. */
export const ingressRule = (folder: string) =>
  section(
    'one rule',
    {
      hostname: optional(hostnamePattern('which hostnames; absent: all')),
      path: optional(pathRule('which paths; absent: all')),
      service: service(folder),
      http2: optional(
        either<[boolean, 'auto']>(
          'HTTP/2 to a service of https:// or unix: true, or auto (what a service of https:// agrees to); absent: HTTP/1.1',
          flag('always or never'),
          choice<'auto'>('what the service agrees to', ['auto']),
        ),
      ),
      tls: optional(upstreamTls(folder)),
      hostHeader: optional(hostHeader()),
      redirects: optional(
        choice<'map' | 'pass' | 'refuse'>(
          'answers that lead to the address of the service itself',
          ['map', 'pass', 'refuse'],
          'map',
        ),
      ),
      proxyProtocol: optional(
        choice<'v1' | 'v2'>('tells the service who the client is, in front of everything else', ['v1', 'v2']),
      ),
      connectTimeout: optional(duration("for a connection to be made; absent: the agent's")),
      firstByteTimeout: optional(duration("for an answer to begin; absent: the agent's")),
      keepAlive: optional(duration("how long an unused connection is kept; absent: the agent's")),
      maxIdle: optional(
        count("unused connections that are kept; absent: the agent's", undefined, { min: 0 }),
      ),
      maxRequests: optional(count("requests and connections at a time; absent: the agent's")),
    },
    checkRule,
  );

const service = (folder: string): Schema<Service> =>
  textField(
    {
      type: 'service',
      expected:
        'a service such as "http://127.0.0.1:3000", "https://...", "h2c://...", "tcp://127.0.0.1:22", "unix:/run/app.sock" or "http_status:404"',
      parse: (text) => parseService(text, (path) => resolve(folder, path)),
    },
    'where to forward',
  );

const upstreamTls = (folder: string) =>
  section('TLS to a service of https://', {
    ca: optional(filePath("authorities that vouch for the service, PEM; absent: the system's", folder)),
    verify: optional(flag("whether the service's certificate is verified", true)),
    serverName: optional(serverName()),
    cert: optional(filePath("the agent's own certificate chain, PEM, for services that ask for one", folder)),
    key: optional(filePath('its private key, PEM', folder)),
    minVersion: optional(choice<'1.2' | '1.3'>('the oldest version that is spoken', ['1.2', '1.3'], '1.2')),
  });

/** A name, or the word for "that of the request". */
const serverName = (): Schema<string> =>
  textField(
    {
      type: 'hostname | {host}',
      expected: 'a hostname, or "{host}" for that of the request',
      parse: (text) => (text === '{host}' || isPlainName(text) ? text.toLowerCase() : undefined),
    },
    "the name that is asked for, and verified; absent: the service's host",
  );

const hostHeader = (): Schema<string> =>
  textField(
    {
      type: 'host | service',
      expected: 'a host, with its port where it needs one, or "service" for that of the service',
      parse: (text) => (text !== '' && hostnameOf(text) !== undefined ? text : undefined),
    },
    'Host of requests to the service; absent: as the client sent it',
  );

function isPlainName(text: string): boolean {
  return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(text);
}

type Kind = Service['kind'];
interface Checked {
  readonly service: Service;
  readonly http2?: boolean | 'auto';
  readonly tls?: { readonly cert?: string; readonly key?: string };
  readonly [key: string]: unknown;
}

const HTTP: readonly Kind[] = ['http', 'https', 'h2c', 'unix'];
/** Which services a key is about. */
const ABOUT: Readonly<Record<string, readonly Kind[]>> = {
  http2: ['https', 'unix'],
  tls: ['https'],
  hostHeader: HTTP,
  redirects: HTTP,
  proxyProtocol: ['http', 'tcp', 'unix'],
  connectTimeout: [...HTTP, 'tcp'],
  firstByteTimeout: HTTP,
  keepAlive: HTTP,
  maxIdle: HTTP,
  maxRequests: [...HTTP, 'tcp'],
};

function* checkRule(rule: Checked) {
  const { kind } = rule.service;
  for (const [key, kinds] of Object.entries(ABOUT)) {
    if (rule[key] !== undefined && !kinds.includes(kind))
      yield { path: [key], message: `has no meaning for a service of ${kindText(kind)}` };
  }
  if (kind === 'unix' && rule.http2 === 'auto')
    yield { path: ['http2'], message: '"auto" is agreed on in TLS: write true or false' };
  if (rule.proxyProtocol !== undefined && rule.http2 === true)
    yield { path: ['proxyProtocol'], message: 'one connection of HTTP/2 carries many clients' };
  if ((rule.tls?.cert === undefined) !== (rule.tls?.key === undefined))
    yield { path: ['tls'], message: '"cert" and "key" go together' };
}

function kindText(kind: Kind): string {
  if (kind === 'status') return 'http_status:';
  return kind === 'unix' ? 'unix:' : `${kind}://`;
}
