import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.ts';

describe('Secret', () => {
  const secret = new Secret('hunter2');

  it('gives its value only to who asks for it', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it('does not show it in texts, JSON or dumps', () => {
    const shown = [
      secret.toString(),
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { depth: 9, showHidden: true }),
    ];
    expect(shown.join()).not.toContain('hunter2');
  });
});
