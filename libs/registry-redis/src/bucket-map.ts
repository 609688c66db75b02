import { crc32 } from 'node:zlib';
import { RegistryDownError } from '@culvert/registry';
import type { Keys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';

/** Somebody else changed the same field this many times in a row: far more than people and agents do. */
const SWAP_ATTEMPTS = 64;

export interface BucketEntry {
  readonly bucket: number;
  readonly field: string;
  readonly value: string;
}

/**
 * A large map in Redis: fields are spread over many small hashes, which cost far less than a key each, and a
 * bitmap says which of them to read when everything is listed. Values are never empty.
 */
export class BucketMap {
  readonly #link: RedisLink;
  readonly #keys: Keys;
  readonly #name: string;
  readonly #buckets: number;

  constructor(link: RedisLink, keys: Keys, name: string, buckets: number) {
    this.#link = link;
    this.#keys = keys;
    this.#name = name;
    this.#buckets = buckets;
  }

  async get(field: string): Promise<string | undefined> {
    const value = await this.#link.run((redis) => redis.hget(this.#hash(this.bucketOf(field)), field));
    return value ?? undefined;
  }

  async put(field: string, value: string): Promise<void> {
    await this.#occupy(field);
    await this.#link.run((redis) => redis.hset(this.#hash(this.bucketOf(field)), field, value));
  }

  /** Returns what was there. */
  async remove(field: string): Promise<string | undefined> {
    const present = await this.get(field);
    if (present === undefined) return undefined;
    return (await this.swap(field, present, undefined)) ? present : this.remove(field);
  }

  /** Changes a field unless it has another value than expected; undefined stands for no field. */
  async swap(field: string, expected: string | undefined, next: string | undefined): Promise<boolean> {
    if (next !== undefined) await this.#occupy(field);
    const hash = this.#hash(this.bucketOf(field));
    const swapped = await this.#link.run((redis) => redis.swap(hash, field, expected ?? '', next ?? ''));
    return swapped === 1;
  }

  /** Changes a field by a function of its value, which is called again when somebody else was faster. */
  async update(field: string, change: (present: string | undefined) => string | undefined): Promise<void> {
    for (let attempt = 0; attempt < SWAP_ATTEMPTS; attempt++) {
      const present = await this.get(field);
      const next = change(present);
      if (next === present || (await this.swap(field, present, next))) return;
    }
    throw new RegistryDownError();
  }

  /** All entries from a place on, by bucket and field. */
  async *from(bucket = 0, field = ''): AsyncGenerator<BucketEntry> {
    for (const one of await this.#occupied(bucket)) {
      const hash = await this.#link.run((redis) => redis.hgetall(this.#hash(one)));
      for (const at of Object.keys(hash).sort()) {
        const value = hash[at];
        if (value !== undefined && (one > bucket || at >= field)) yield { bucket: one, field: at, value };
      }
    }
  }

  bucketOf(field: string): number {
    return crc32(field) % this.#buckets;
  }

  async #occupied(first: number): Promise<number[]> {
    const bitmap = await this.#link.run((redis) => redis.getBuffer(this.#keys.occupied(this.#name)));
    if (bitmap === null) return [];
    const found: number[] = [];
    for (let bucket = first; bucket < bitmap.length * 8; bucket++) {
      // Redis counts the bits of a byte from its highest.
      if (((bitmap[bucket >> 3] ?? 0) & (0x80 >> (bucket & 7))) !== 0) found.push(bucket);
    }
    return found;
  }

  /** Before the field itself, so that no field is ever missing in a list. */
  async #occupy(field: string): Promise<void> {
    await this.#link.run((redis) => redis.setbit(this.#keys.occupied(this.#name), this.bucketOf(field), 1));
  }

  #hash(bucket: number): string {
    return this.#keys.bucket(this.#name, bucket);
  }
}
