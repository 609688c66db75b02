import { readFileSync } from 'node:fs';
import { choice, duration, filePath, flag, listenAddress } from './fields.ts';
import { list, optional, section, optionalSection } from './structure.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** What every service's file may say of its log. */
export const logSection = () =>
  optionalSection('the log, JSON lines on the standard output', {
    level: choice('least important lines that are written', LEVELS, 'info'),
  });

/** How long a service of any kind may drain. */
export const drainTimeout = () => duration('how long running work may go on after SIGTERM or SIGINT', '30s');

/** Whether a second process may be started on the same ports. */
export const reusePort = () =>
  flag('whether another process with this key may listen on the same ports, such as the next version', false);

/** Where a service that has no API of its own serves its state. */
export const adminSection = () =>
  section('/healthz, /readyz, /metrics and /status; absent: not served', {
    listen: listenAddress('where the admin server listens'),
  });

/** The certificates of a listener that speaks TLS. */
export const tlsSection = (folder: string) =>
  section('certificates; absent: no TLS', {
    certificates: list(
      'the one whose names cover what the other side asks for is shown, otherwise the first',
      section('one certificate', {
        cert: filePath('certificate chain, PEM', folder),
        key: filePath('private key, PEM', folder),
      }),
      { min: 1 },
    ),
    minVersion: choice<'1.2' | '1.3'>('oldest version of TLS that is spoken', ['1.2', '1.3'], '1.2'),
  });

/** How this process proves what it connects to, and itself, over TLS; the address says that TLS is spoken. */
export const clientTlsSection = (what: string, folder: string) =>
  section(
    `certificates towards ${what}; absent: the system's authorities`,
    {
      ca: optional(filePath("authorities that vouch for it, PEM; absent: the system's", folder)),
      cert: optional(filePath('certificate chain that is shown to it, PEM', folder)),
      key: optional(filePath("that certificate's private key, PEM", folder)),
    },
    function* (tls) {
      if ((tls.cert === undefined) !== (tls.key === undefined)) {
        yield { path: [], message: 'needs both "cert" and "key", or neither' };
      }
    },
  );

/** What a section made by `clientTlsSection` says: paths of files, or their contents. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The contents of the files. Throws what reading them throws. */
export function readClientTls(files: ClientTls | undefined): { readonly tls?: ClientTls } {
  if (files === undefined) return {};
  const contents = Object.entries(files as Record<string, string>).map(([name, file]) => [
    name,
    readFileSync(file, 'utf8'),
  ]);
  return { tls: Object.fromEntries(contents) as ClientTls };
}
