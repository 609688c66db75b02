import type { Listed, Page, Source, TokenRecord, TunnelRecord } from '@culvert/registry';
import { BucketMap } from './bucket-map.ts';
import { bucketPage } from './bucket-page.ts';
import { RECORD_BUCKETS } from './keys.ts';
import type { Keys } from './keys.ts';
import { packHex, packUuid, unpackHex, unpackUuid } from './packed-hex.ts';
import type { RedisLink } from './redis-link.ts';

/** How records of one kind are stored: by a packed id, as a JSON array. */
interface Coding<T> {
  readonly map: string;
  pack(id: string): string;
  unpack(field: string): string;
  encode(record: T): unknown;
  decode(id: string, stored: unknown): T;
}

/** Records of one kind by id. */
export class RedisRecords<T extends { readonly id: string }> {
  readonly #coding: Coding<T>;
  readonly #map: BucketMap;

  constructor(link: RedisLink, keys: Keys, coding: Coding<T>) {
    this.#coding = coding;
    this.#map = new BucketMap(link, keys, coding.map, RECORD_BUCKETS);
  }

  put(record: T): Promise<void> {
    return this.#map.put(this.#coding.pack(record.id), JSON.stringify(this.#coding.encode(record)));
  }

  async find(id: string): Promise<T | undefined> {
    const stored = await this.#map.get(this.#coding.pack(id));
    return stored === undefined ? undefined : this.#decode(id, stored);
  }

  async remove(id: string): Promise<T | undefined> {
    const stored = await this.#map.remove(this.#coding.pack(id));
    return stored === undefined ? undefined : this.#decode(id, stored);
  }

  list(page: Page): Promise<Listed<T>> {
    const decode = (stored: string, field: string): { id: string; item: T }[] => {
      const id = this.#coding.unpack(field);
      return [{ id, item: this.#decode(id, stored) }];
    };
    return bucketPage([[this.#map, decode]], page);
  }

  #decode(id: string, stored: string): T {
    return this.#coding.decode(id, JSON.parse(stored));
  }
}

export const TUNNELS: Coding<TunnelRecord> = {
  map: 't',
  pack: packUuid,
  unpack: unpackUuid,
  encode: ({ name, createdAt, source }) => [name, createdAt, source],
  decode: (id, stored) => {
    const [name, createdAt, source] = stored as [string, number, Source];
    return { id, name, createdAt, source };
  },
};

type StoredToken = readonly [
  digest: string,
  name: string,
  tunnels: readonly string[] | '*',
  hostnames: readonly string[],
  ports: readonly (readonly [from: number, to: number])[],
  createdAt: number,
  source: Source,
];

export const TOKENS: Coding<TokenRecord> = {
  map: 'k',
  pack: packHex,
  unpack: unpackHex,
  encode: ({ name, digest, tunnels, hostnames, ports, createdAt, source }): StoredToken => {
    const packed = tunnels === '*' ? '*' : tunnels.map(packUuid);
    const ranges = ports.map(({ from, to }) => [from, to] as const);
    return [packHex(digest), name, packed, hostnames, ranges, createdAt, source];
  },
  decode: (id, stored) => {
    const [digest, name, packed, hostnames, ranges, createdAt, source] = stored as StoredToken;
    const tunnels = packed === '*' ? '*' : packed.map(unpackUuid);
    const ports = ranges.map(([from, to]) => ({ from, to }));
    return { id, name, digest: unpackHex(digest), tunnels, hostnames, ports, createdAt, source };
  },
};
