import { describe, expect, it } from 'vitest';
import { livePart, LiveSettings, PartRefusedError, type LiveParts } from './live-settings.ts';
import type { ReadFile } from './settings-file.ts';

interface Settings {
  readonly id: string;
  readonly limits: { readonly size: number };
  readonly links?: { readonly listen: string; readonly tls?: string };
}

const START: Settings = { id: 'a', limits: { size: 1 }, links: { listen: ':1' } };

/** As a file that says nothing but its settings would be read. */
function file(settings: Settings): ReadFile<Settings> {
  return { file: 'edge.yml', settings, written: settings, lineOf: (path) => path.length };
}

/** A service that can change its limits and the certificate of its links. */
function stage(parts?: LiveParts<Settings>) {
  const used: unknown[] = [];
  const live = new LiveSettings<Settings>(
    file(START),
    parts ?? [
      livePart(['limits'], ({ limits }) => void used.push(limits)),
      livePart(['links.tls'], ({ links }) => void used.push(links)),
    ],
  );
  return { live, used };
}

describe('settings of a running service', () => {
  it('are taken over where they have changed, and only there', async () => {
    const { live, used } = stage();
    const change = await live.take(file({ ...START, limits: { size: 2 } }));
    expect(change).toEqual({ applied: ['limits.size'], needRestart: [] });
    expect(used).toEqual([{ size: 2 }]);
  });

  it('stay as they are where nothing can change them, and say so each time', async () => {
    const { live, used } = stage();
    const next = file({ id: 'b', limits: { size: 2 }, links: { listen: ':2', tls: 'cert' } });
    expect(await live.take(next)).toEqual({
      applied: ['limits.size', 'links.tls'],
      needRestart: ['id', 'links.listen'],
    });
    expect(used).toEqual([{ size: 2 }, { listen: ':1', tls: 'cert' }]);
    expect(await live.take(next)).toEqual({ applied: [], needRestart: ['id', 'links.listen'] });
  });

  it('do not lose a section that only a restart could take away', async () => {
    const { live, used } = stage();
    const { links: _, ...without } = START;
    expect(await live.take(file({ ...without, limits: { size: 2 } }))).toMatchObject({
      needRestart: ['links'],
    });
    expect(await live.take(file({ ...START, links: { listen: ':1', tls: 'cert' } }))).toMatchObject({
      applied: ['limits.size', 'links.tls'],
    });
    expect(used.at(-1)).toEqual({ listen: ':1', tls: 'cert' });
  });

  it('are all refused when one part cannot be had, and what was made ready is given back', async () => {
    const discarded: string[] = [];
    const used: string[] = [];
    const { live } = stage([
      {
        keys: ['limits'],
        prepare: () => ({ commit: () => void used.push('no'), discard: () => void discarded.push('limits') }),
      },
      { keys: ['links.tls'], prepare: () => Promise.reject(new Error('no such file')) },
    ]);
    const next = file({ ...START, limits: { size: 2 }, links: { listen: ':1', tls: 'cert' } });
    const refusal = live.take(next);
    await expect(refusal).rejects.toThrow(PartRefusedError);
    await expect(refusal).rejects.toThrow('edge.yml:2: links.tls: no such file');
    expect({ used, discarded }).toEqual({ used: [], discarded: ['limits'] });
    // It is a change still.
    await expect(live.take(next)).rejects.toThrow(PartRefusedError);
  });

  it('are looked at again where they stand for other files, changed or not', async () => {
    const asked: boolean[] = [];
    const { live } = stage([
      {
        keys: ['limits'],
        always: true,
        prepare: (_, changed) => ({ commit: () => void asked.push(changed) }),
      },
    ]);
    expect(await live.take(file(START))).toEqual({ applied: [], needRestart: [] });
    await live.take(file({ ...START, limits: { size: 2 } }));
    expect(asked).toEqual([false, true]);
  });

  it('belong to several parts, each of which is changed once', async () => {
    const used: string[] = [];
    const { live } = stage([
      livePart(['id', 'limits'], ({ id }) => void used.push(id)),
      livePart(['limits'], ({ limits }) => void used.push(`${limits.size}`)),
    ]);
    await live.take(file({ ...START, id: 'b', limits: { size: 2 } }));
    expect(used).toEqual(['b', '2']);
  });
});
