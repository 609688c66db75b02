import type { IncomingMessage } from 'node:http';
import { checkValue, SettingsError } from '@culvert/settings';
import type { SettingsOf, SettingsSchema } from '@culvert/settings';
import { ApiError, invalid } from './api-error.ts';

const MAX_BODY_BYTES = 65_536;
const JSON_TYPE = /^application\/json\s*(;|$)/i;

/** Reads a JSON body and checks it by the rules of the configuration file. */
export async function readBody<S extends SettingsSchema>(
  request: IncomingMessage,
  schema: S,
): Promise<SettingsOf<S>> {
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new ApiError(415, 'unsupported_media_type', 'the body must be application/json');
  }
  const value = parse(await readText(request));
  try {
    return checkValue(value, schema(''), 'body') as SettingsOf<S>;
  } catch (cause) {
    if (!(cause instanceof SettingsError)) throw cause;
    const message = cause.problems
      .map(({ key, message: text }) => (key === '' ? text : `${key}: ${text}`))
      .join('; ');
    throw new ApiError(422, 'invalid', message, { cause });
  }
}

/** The value of a query parameter as a whole number within bounds. */
export function numberParameter(
  query: URLSearchParams,
  name: string,
  { min, max, fallback }: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = query.get(name);
  if (text === null) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw invalid(
    'invalid_parameter',
    `${name} must be a number from ${min} to ${max}, not ${JSON.stringify(text)}`,
  );
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(400, 'bad_request', 'the body is not JSON', { cause });
  }
}

/** The rest of the body is not read, so the connection cannot be used again. */
function tooLarge(): ApiError {
  const headers = { connection: 'close' };
  return new ApiError(413, 'too_large', `the body exceeds ${MAX_BODY_BYTES} bytes`, { headers });
}
