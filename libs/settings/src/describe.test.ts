import { describe, expect, it } from 'vitest';
import { describeSettings, keysOf } from './describe.ts';
import { count, duration, name } from './fields.ts';
import { either, list, mapped, oneOrMany, optional, optionalSection, section } from './structure.ts';

const schema = section('a test', {
  id: name('what it is called'),
  wait: duration('how long it waits', '30s'),
  tags: optional(oneOrMany('tags', name('one tag'))),
  limits: optionalSection('limits', { links: count('links', 4) }),
  rules: list('rules', section('one', { to: optional(name('where to')) })),
  store: either<[string, string]>(
    'a store',
    name('one'),
    mapped(section('named', { master: name('the master') }), ({ master }) => master),
  ),
});

describe('describeSettings', () => {
  it('tells type, default, need and meaning of each key', () => {
    const rows = describeSettings(schema).map(({ key, type, required, ...rest }) => [
      key,
      type,
      required,
      rest.default,
    ]);
    expect(rows).toEqual([
      ['id', 'name', true, undefined],
      ['wait', 'duration', false, '30s'],
      ['tags', 'name | list of name', false, undefined],
      ['limits', 'section', false, undefined],
      ['limits.links', 'number', false, '4'],
      ['rules', 'list', true, undefined],
      ['rules[].to', 'name', false, undefined],
      ['store', 'name | section', true, undefined],
      ['store.master', 'name', true, undefined],
    ]);
    expect(describeSettings(schema).every(({ description }) => description !== '')).toBe(true);
  });
});

describe('keysOf', () => {
  it('lists the keys at the top', () => {
    expect(keysOf(schema)).toEqual(['id', 'wait', 'tags', 'limits', 'rules', 'store']);
  });
});
