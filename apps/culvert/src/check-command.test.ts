import { describe, expect, it } from 'vitest';
import { kindOf } from './check-command.ts';
import { UsageError } from './failure.ts';

describe('the kind of a configuration', () => {
  it.each([
    [{ id: 'a', entryPoints: [], nats: 'x' }, 'edge'],
    [{ redis: 'x', nats: 'x', routes: [] }, 'router'],
    [{ tunnel: 'x', token: 'x', edges: [], ingress: [] }, 'agent'],
    [{ edge: {} }, 'up'],
  ])('is told by its keys: %j', (value, kind) => {
    expect(kindOf(value, 'x.yml')).toBe(kind);
  });

  it.each([[{}], [undefined], [{ nats: 'x' }], [[1]]])('is not guessed: %j', (value) => {
    expect(() => kindOf(value, 'x.yml')).toThrow(UsageError);
  });
});
