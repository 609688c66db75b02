import { BadCursorError } from './registry.ts';

/** A place in a list, opaque to whoever pages through it. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws BadCursorError unless it is a cursor of that many parts */
export function decodeCursor(cursor: string, parts: number): string[] {
  try {
    const decoded: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    const fits = Array.isArray(decoded) && decoded.length === parts;
    if (fits && decoded.every((part) => typeof part === 'string')) return decoded;
  } catch (cause) {
    throw new BadCursorError(cursor, { cause });
  }
  throw new BadCursorError(cursor);
}
