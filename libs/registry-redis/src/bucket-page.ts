import { BadCursorError, decodeCursor, encodeCursor } from '@culvert/registry';
import type { Listed, Page } from '@culvert/registry';
import type { BucketMap } from './bucket-map.ts';

/** How the items of one field come out of its value, in the order of their ids. */
export interface Decode<T> {
  (value: string, field: string): readonly { readonly id: string; readonly item: T }[];
}

/** One page of the items in the given maps, one map after the other. */
export async function bucketPage<T>(
  maps: readonly (readonly [map: BucketMap, decode: Decode<T>])[],
  { limit, cursor }: Page,
): Promise<Listed<T>> {
  const after = placeOf(cursor);
  const items: T[] = [];
  let last = after;
  for (const [at, [map, decode]] of maps.entries()) {
    if (at < after.map) continue;
    const resume = at === after.map ? after : START;
    for await (const entry of map.from(resume.bucket, resume.field)) {
      for (const { id, item } of decode(entry.value, entry.field)) {
        if (resume.field === entry.field && id <= resume.id) continue;
        if (items.length === limit) return { items, cursor: cursorOf(last) };
        items.push(item);
        last = { map: at, bucket: entry.bucket, field: entry.field, id };
      }
    }
  }
  return { items };
}

/** The last item that was shown. */
interface Place {
  readonly map: number;
  readonly bucket: number;
  readonly field: string;
  readonly id: string;
}

const START: Place = { map: 0, bucket: 0, field: '', id: '' };

function placeOf(cursor: string | undefined): Place {
  if (cursor === undefined) return START;
  const [map = '', bucket = '', field = '', id = ''] = decodeCursor(cursor, 4);
  const place = { map: Number(map), bucket: Number(bucket), field, id };
  if (!Number.isInteger(place.map) || !Number.isInteger(place.bucket) || place.bucket < 0) {
    throw new BadCursorError(cursor);
  }
  return place;
}

function cursorOf({ map, bucket, field, id }: Place): string {
  return encodeCursor([String(map), String(bucket), field, id]);
}
