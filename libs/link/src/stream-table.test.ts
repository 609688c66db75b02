import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamTable } from './stream-table.ts';
import type { LinkStream } from './stream.ts';

const streamOf = (id: number) => ({ id }) as LinkStream;

it('a table of streams holds what a map of them would, whatever the ids', () => {
  const id = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 0x3fff_ffff }));
  const steps = fc.array(fc.record({ id, adds: fc.boolean() }), { maxLength: 600 });
  fc.assert(
    fc.property(steps, (plan) => {
      const table = new StreamTable();
      const map = new Map<number, LinkStream>();
      for (const step of plan) {
        if (!step.adds) {
          table.delete(step.id);
          map.delete(step.id);
        } else if (!map.has(step.id)) {
          const stream = streamOf(step.id);
          table.add(stream);
          map.set(step.id, stream);
        }
        expect(table.get(step.id)).toBe(map.get(step.id));
        expect(table.size).toBe(map.size);
      }
      for (const [key, stream] of map) expect(table.get(key)).toBe(stream);
      expect(new Set(table.all())).toEqual(new Set(map.values()));
    }),
  );
});

it('ids that count up by two have slots of their own, however many streams come and go', () => {
  const table = new StreamTable();
  for (let id = 1; id < 400_000; id += 2) {
    expect(table.isCrowded(id)).toBe(false);
    table.add(streamOf(id));
    if (id > 40) table.delete(id - 40);
  }
  expect(table.size).toBe(20);
});
