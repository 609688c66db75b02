import { choice, duration, filePath, listenAddress } from './fields.ts';
import { list, section, optionalSection } from './structure.ts';

const LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/** What every service's file may say of its log. */
export const logSection = () =>
  optionalSection('the log, JSON lines on the standard output', {
    level: choice('least important lines that are written', LEVELS, 'info'),
  });

/** How long a service of any kind may drain. */
export const drainTimeout = () => duration('how long running work may go on after SIGTERM or SIGINT', '30s');

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
