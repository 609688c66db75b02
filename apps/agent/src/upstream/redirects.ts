import { fieldsOf, Http1Error, hostnameOf, type RequestHead, type ResponseHead } from '@culvert/http1';
import { isLoopback } from '@culvert/settings';
import type { Endpoint } from './endpoint.ts';

/** `refuse` makes them a failure of the service. */
export type RedirectMode = 'map' | 'refuse';

export interface RedirectOptions {
  readonly mode: RedirectMode;
  readonly endpoint: Endpoint;
  /** The Host that the service is given in place of the client's, if it is. */
  readonly host: string | undefined;
}

const NAMES = /^(?:location|content-location):/im;
const URL_FORM = /^(?:(https?):)?\/\/([^/?#\\]*)(.*)$/is;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0'];

/** Whether an answer of this status leads somewhere. */
export function leads(status: number): boolean {
  return status === 201 || (status >= 300 && status < 400 && status !== 304);
}

/**
 * Answers that lead to the address of the service itself, which means nothing to the public: to be led to where the
 * client asked.
 */
export class Redirects {
  readonly #mode: RedirectMode;
  /** `host:port` as the service may write itself. */
  readonly #own: ReadonlySet<string>;

  constructor({ mode, endpoint, host }: RedirectOptions) {
    this.#mode = mode;
    this.#own = new Set([...ownNames(endpoint), ...hostNames(host)]);
  }

  /** The answer as it may be passed on. @throws Http1Error when it is refused */
  checked(answer: ResponseHead, request: RequestHead): ResponseHead {
    if (!NAMES.test(answer.fields)) return answer;
    let fields = '';
    let changed = false;
    for (const [name, value] of fieldsOf(answer.fields)) {
      const mapped = NAMES.test(`${name}:`) ? this.#mapped(value, request) : undefined;
      changed ||= mapped !== undefined;
      fields += `${name}: ${mapped ?? value}\r\n`;
    }
    return changed ? { ...answer, fields } : answer;
  }

  /** Undefined where the URL leads anywhere else. */
  #mapped(url: string, request: RequestHead): string | undefined {
    const [, scheme, authority = '', rest = ''] = URL_FORM.exec(url) ?? [];
    if (authority === '' || !this.#isOwn(scheme?.toLowerCase(), authority)) return undefined;
    if (this.#mode === 'refuse') throw new Http1Error('upstream_protocol', 'redirect to the service itself');
    const origin = publicOrigin(request);
    return scheme === undefined ? `//${origin.host}${rest}` : `${origin.scheme}://${origin.host}${rest}`;
  }

  #isOwn(scheme: string | undefined, authority: string): boolean {
    const place = authority.slice(authority.lastIndexOf('@') + 1);
    const hostname = hostnameOf(place);
    if (hostname === undefined) return false;
    const [, port] = /:(\d+)$/.exec(place) ?? [];
    if (port !== undefined) return this.#own.has(`${hostname}:${Number(port)}`);
    if (scheme !== undefined) return this.#own.has(`${hostname}:${DEFAULT_PORTS[scheme]}`);
    return this.#own.has(`${hostname}:80`) || this.#own.has(`${hostname}:443`);
  }
}

function ownNames(endpoint: Endpoint): string[] {
  if (endpoint.kind === 'unix') return ['localhost:80'];
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host.toLowerCase();
  const hosts = isLoopback(endpoint.host) || endpoint.host === '0.0.0.0' ? [host, ...LOOPBACK] : [host];
  return hosts.map((each) => `${each}:${endpoint.port}`);
}

/** A Host without a port stands for what it is by either scheme. */
function hostNames(host: string | undefined): string[] {
  const hostname = host === undefined ? undefined : hostnameOf(host);
  if (host === undefined || hostname === undefined) return [];
  const [, port] = /:(\d+)$/.exec(host) ?? [];
  return port === undefined ? [`${hostname}:80`, `${hostname}:443`] : [`${hostname}:${Number(port)}`];
}

/** What the client asked for, as the edge tells it. */
function publicOrigin({ forwarded, host }: RequestHead): { readonly scheme: string; readonly host: string } {
  const scheme = first(forwarded.proto);
  const asked = first(forwarded.host);
  return {
    scheme: scheme === 'https' ? scheme : 'http',
    host: asked !== undefined && hostnameOf(asked) !== undefined ? asked : host,
  };
}

function first(list: string | undefined): string | undefined {
  return list?.split(',')[0]?.trim();
}
