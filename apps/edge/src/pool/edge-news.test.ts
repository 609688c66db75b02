import { Kind, decodeEdges } from '@culvert/wire';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EdgeNews } from './edge-news.ts';
import { fakeLink, sessionOf } from '../testing/sessions.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Sessions that remember which edges they were told of last, and how often they were told. */
function agents(count: number) {
  const told = new Map<string, string[]>();
  const sessions = Array.from({ length: count }, (_, n) => {
    const heard: string[] = [];
    told.set(`${n}`, heard);
    const sendControl = (kind: Kind, payload: Buffer): void => {
      expect(kind).toBe(Kind.Edges);
      heard.push(
        decodeEdges(payload)
          .map(({ id }) => id)
          .join(),
      );
    };
    return sessionOf({ id: `${n}`, links: [Object.assign(fakeLink(), { sendControl })] });
  });
  const heard = () => [...told.values()];
  return { sessions, heard, count: () => heard().filter(({ length }) => length > 0).length };
}

const edges = (...ids: string[]) => ids.map((id) => ({ id, region: 'eu', address: `${id}.test:7000` }));

describe('news of edges', () => {
  it('reach a few agents at once', () => {
    const { sessions, heard } = agents(20);
    new EdgeNews().tell(sessions, edges('a', 'b'));
    expect(heard()).toEqual(Array.from({ length: 20 }, () => ['a,b']));
  });

  it('reach many a few at a time, so that not all of them dial at once', () => {
    const { sessions, count } = agents(1_000);
    const news = new EdgeNews();
    news.tell(sessions, edges('a'));
    expect(count()).toBeLessThan(50);
    vi.advanceTimersByTime(1_000);
    expect(count()).toBeGreaterThan(400);
    expect(count()).toBeLessThan(600);
    vi.advanceTimersByTime(1_500);
    expect(count()).toBe(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that change meanwhile are told to everybody, the last word last', () => {
    const { sessions, heard } = agents(100);
    const news = new EdgeNews();
    news.tell(sessions, edges('a'));
    news.tell(sessions, edges('a', 'b'));
    vi.advanceTimersByTime(60_000);
    expect(heard().every((words) => words.at(-1) === 'a,b')).toBe(true);
    expect(heard().every(({ length }) => length <= 2)).toBe(true);
  });

  it('end with the edge', () => {
    const { sessions, count } = agents(100);
    const news = new EdgeNews();
    news.tell(sessions, edges('a'));
    news.stop();
    vi.advanceTimersByTime(60_000);
    expect(count()).toBe(25);
    expect(vi.getTimerCount()).toBe(0);
  });
});
