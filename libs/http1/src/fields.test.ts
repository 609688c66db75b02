import { describe, expect, it } from 'vitest';
import { addField, FieldError, fieldsOf, getField, removeField, setField } from './index.ts';

const BLOCK = 'A: 1\r\nb:2 \r\na:\t3\r\nC:\r\n';

describe('a block of fields', () => {
  it('lists names as they came and values without white space around them', () => {
    expect([...fieldsOf(BLOCK)]).toEqual([
      ['A', '1'],
      ['b', '2'],
      ['a', '3'],
      ['C', ''],
    ]);
    expect([...fieldsOf('')]).toEqual([]);
  });

  it('joins the lines of a name, whatever their case', () => {
    expect(getField(BLOCK, 'a')).toBe('1, 3');
    expect(getField(BLOCK, 'C')).toBe('');
    expect(getField(BLOCK, 'AA')).toBeUndefined();
  });

  it('loses, gains and replaces lines and leaves the others byte for byte', () => {
    expect(removeField(BLOCK, 'A')).toBe('b:2 \r\nC:\r\n');
    expect(addField(BLOCK, 'D', ' 4 ')).toBe(`${BLOCK}D: 4\r\n`);
    expect(setField(BLOCK, 'B', '5')).toBe('A: 1\r\na:\t3\r\nC:\r\nB: 5\r\n');
  });

  it.each([
    ['a b', 'x'],
    ['', 'x'],
    ['a\r\nb', 'x'],
    ['a', 'x\r\nb: c'],
    ['a', 'x\0'],
    ['a', '\u0161'],
  ])('cannot be injected into by %j: %j', (name, value) => {
    expect(() => setField(BLOCK, name, value)).toThrow(FieldError);
  });
});
