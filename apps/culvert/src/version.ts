import { readFileSync } from 'node:fs';

/** Version of culvert, from the package file beside the sources. */
export const VERSION = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
