import type { Listed, Page } from '@culvert/registry';
import type { ApiAnswer } from './api.ts';
import { numberParameter } from './request-body.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

export function pageOf(query: URLSearchParams): Page {
  const limit = numberParameter(query, 'limit', { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT });
  const cursor = query.get('cursor');
  return { limit, ...(cursor === null || cursor === '' ? {} : { cursor }) };
}

/** A page under the list's own name; `cursor` is there when the list goes on. */
export function listing<T>(
  name: string,
  { items, cursor }: Listed<T>,
  view: (item: T) => unknown,
): ApiAnswer {
  return { status: 200, body: { [name]: items.map(view), ...(cursor === undefined ? {} : { cursor }) } };
}
