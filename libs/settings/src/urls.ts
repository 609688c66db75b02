import { textField } from './field.ts';
import type { Schema } from './schema.ts';

/** A URL may carry a password, so messages never repeat it. */
function urlField(
  type: string,
  schemes: readonly string[],
  example: string,
  description: string,
): Schema<string> {
  const parse = (text: string): string | undefined => {
    const url = URL.parse(text.includes('://') ? text : `${schemes[0] ?? ''}://${text}`);
    const fits = url !== null && url.hostname !== '' && schemes.includes(url.protocol.slice(0, -1));
    return fits ? text : undefined;
  };
  return textField({ type, expected: `an address such as "${example}"`, parse, hidden: true }, description);
}

/** `nats://[user:password@]host:port` or `tls://...`, as it was written. */
export const natsUrl = (description: string): Schema<string> =>
  urlField('nats url', ['nats', 'tls'], 'nats://127.0.0.1:4222', description);

/** `redis://[user:password@]host:port[/database]` or `rediss://...` (TLS), as it was written. */
export const redisUrl = (description: string): Schema<string> =>
  urlField('redis url', ['redis', 'rediss'], 'redis://127.0.0.1:6379', description);
