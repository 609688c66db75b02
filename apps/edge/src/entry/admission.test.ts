import { expect, it } from 'vitest';
import { Admission } from './admission.ts';

it('one address may hold so many connections, and all together so many', () => {
  const admission = new Admission(3, 2);
  expect(['a', 'a', 'a', 'b', 'c'].map((address) => admission.enter(address))).toEqual([
    true,
    true,
    false,
    true,
    false,
  ]);
  expect(admission.open).toBe(3);
});

it('a connection that was left makes room, and one that was refused took none', () => {
  const admission = new Admission(10, 1);
  for (let at = 0; at < 3; at++) {
    expect([admission.enter('a'), admission.enter('a')]).toEqual([true, false]);
    admission.leave('a');
  }
  expect(admission.open).toBe(0);
});
