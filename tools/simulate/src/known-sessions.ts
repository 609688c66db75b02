import type { Registry } from '@culvert/registry';

const PAGE_LIMIT = 1_000;

/** How many sessions the registry lists. */
export async function knownSessions(registry: Registry): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  do {
    const page = await registry.sessions({ limit: PAGE_LIMIT, ...(cursor === undefined ? {} : { cursor }) });
    count += page.items.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return count;
}
