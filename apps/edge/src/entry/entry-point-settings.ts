import { fieldRuleProblem } from '@culvert/routing';
import {
  choice,
  count,
  either,
  filePath,
  flag,
  listenAddress,
  mapped,
  optional,
  port,
  section,
  text,
  tlsSection,
  type SettingsOf,
} from '@culvert/settings';

/** Browsers' list of hosts that are asked over TLS alone takes nobody who promises it for less. */
const YEAR_SECONDS = 31_536_000;
const HTTPS_PORT = 443;

export type EntryPointSettings = SettingsOf<typeof entryPoint>;

export const entryPoint = (folder: string) =>
  section(
    'sniffs HTTP/1, h2c and TLS',
    {
      listen: listenAddress('where the public arrives'),
      http2: flag('whether HTTP/2 is spoken', true),
      connect: flag(
        "whether CONNECT over HTTP/1.1 opens a raw stream to the hostname's `tcp://` rule",
        false,
      ),
      proxyProtocol: choice<'accept' | 'require' | 'off'>(
        'headers of the PROXY protocol, version 1 or 2, which count from trusted proxies only',
        ['accept', 'require', 'off'],
        'accept',
      ),
      tls: optional(tls(folder)),
      redirectToHttps: optional(redirectToHttps()),
      hsts: optional(hsts()),
    },
    function* (settings) {
      if (settings.hsts !== undefined && settings.tls === undefined) {
        yield { path: ['hsts'], message: 'needs "tls": in clear nobody may say so' };
      }
    },
  );

const tls = (folder: string) =>
  section(
    'certificates; TLS is terminated, but for routes that pass it through; absent: all of it is passed through',
    {
      ...tlsSection(folder).shape,
      clientCertificates: optional(clientCertificates(folder)),
    },
  );

const clientCertificates = (folder: string) =>
  section(
    'certificates of clients; absent: they are not asked for one',
    {
      ca: filePath('authorities that vouch for clients, PEM', folder),
      mode: choice<'request' | 'require'>(
        'whether a client may do without; one that shows a certificate which is not vouched for is never served',
        ['request', 'require'],
        'require',
      ),
      subjectHeader: optional(text('field that tells services the subject, such as X-Client-Cert-Subject')),
      fingerprintHeader: optional(
        text('field that tells services the SHA-256 in hex, such as X-Client-Cert-Fingerprint'),
      ),
    },
    function* ({ subjectHeader, fingerprintHeader }) {
      for (const [key, name] of Object.entries({ subjectHeader, fingerprintHeader })) {
        const problem = name === undefined ? undefined : fieldRuleProblem('request', 'add', name);
        if (problem !== undefined) yield { path: [key], message: problem };
      }
    },
  );

const redirectToHttps = () =>
  mapped(
    either(
      'where requests in clear are sent to: true is port 443, otherwise the public port of HTTPS',
      flag('the usual port'),
      port('another port'),
    ),
    (value) => (value === true ? HTTPS_PORT : value === false ? undefined : value),
  );

const hsts = () =>
  section(
    'Strict-Transport-Security on all that is answered over TLS, instead of what services say; absent: what they say',
    {
      maxAge: count('seconds for which browsers insist on TLS; 0 ends it', YEAR_SECONDS, { min: 0 }),
      includeSubDomains: flag('also for all names below', false),
      preload: flag('whether browsers may have it built in', false),
    },
    function* ({ maxAge, includeSubDomains, preload }) {
      if (preload && (!includeSubDomains || maxAge < YEAR_SECONDS)) {
        yield { path: ['preload'], message: 'needs "includeSubDomains" and a "maxAge" of a year or more' };
      }
    },
  );
