const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
/** Timers of Node hold 31 bits; a longer one would fire at once. */
const MAX_MILLISECONDS = 2 ** 31 - 1;

/** `500ms`, `30s`, `2m`, `1h` in ms; `undefined` for other texts and for more than 24 days. */
export function parseDuration(text: string): number | undefined {
  return scaled(DURATION.exec(text), MILLISECONDS, MAX_MILLISECONDS);
}

const SIZE = /^(\d+(?:\.\d+)?)(B|[kK](?:i?B)?|M(?:i?B)?|G(?:i?B)?)$/;
const BYTES: Readonly<Record<string, number>> = { B: 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** `512B`, `64KiB`, `16k`, `1MiB`, `2GiB` in bytes, always by powers of 1024; `undefined` for other texts. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match !== null) match[2] = (match[2] ?? '').charAt(0).replace('K', 'k');
  return scaled(match, BYTES, Number.MAX_SAFE_INTEGER);
}

function scaled(
  match: RegExpExecArray | null,
  units: Readonly<Record<string, number>>,
  max: number,
): number | undefined {
  if (match === null) return undefined;
  const value = Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? NaN));
  return value <= max ? value : undefined;
}
