import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileWatch } from './file-watch.ts';

const INTERVAL = 10;

describe('a watched file', () => {
  let folder: string;
  let watch: FileWatch;
  let changes: number;
  let waiter: PromiseWithResolvers<void>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'culvert-watch-'));
    changes = 0;
    waiter = Promise.withResolvers();
  });
  afterEach(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });

  const observe = (...files: string[]): void => {
    watch = new FileWatch({
      files,
      interval: INTERVAL,
      onChange: () => {
        changes++;
        waiter.resolve();
        waiter = Promise.withResolvers();
      },
    });
  };
  /** Time for several looks: that nothing is told is nothing that could be awaited. */
  const looks = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10 * INTERVAL));
  const path = (name: string): string => join(folder, name);

  it('is told of when it is written in place', async () => {
    writeFileSync(path('a'), '1');
    observe(path('a'));
    const told = waiter.promise;
    writeFileSync(path('a'), '2');
    await told;
    await looks();
    expect(changes).toBe(1);
  });

  it('is told of when another one is renamed over it, again and again', async () => {
    writeFileSync(path('a'), '1');
    observe(path('a'));
    for (const text of ['2', '3']) {
      const told = waiter.promise;
      writeFileSync(path('draft'), text);
      renameSync(path('draft'), path('a'));
      await told;
    }
    expect(changes).toBe(2);
  });

  it('is told of when a link in its path leads elsewhere', async () => {
    for (const name of ['old', 'new']) {
      mkdirSync(path(name));
      writeFileSync(join(path(name), 'a'), '1');
    }
    symlinkSync('old', path('current'));
    observe(path('current/a'));
    const told = waiter.promise;
    symlinkSync('new', path('next'));
    renameSync(path('next'), path('current'));
    await told;
    expect(changes).toBe(1);
  });

  it('is told of when it comes and when it goes', async () => {
    observe(path('a'));
    const come = waiter.promise;
    writeFileSync(path('a'), '1');
    await come;
    const gone = waiter.promise;
    rmSync(path('a'));
    await gone;
    expect(changes).toBe(2);
  });

  it('is not told of while nothing happens, nor because others are watched from now on', async () => {
    writeFileSync(path('a'), '1');
    writeFileSync(path('b'), '1');
    observe(path('a'));
    watch.watch([path('b')]);
    await looks();
    expect(changes).toBe(0);
    const told = waiter.promise;
    writeFileSync(path('b'), '2');
    await told;
    expect(changes).toBe(1);
  });
});
