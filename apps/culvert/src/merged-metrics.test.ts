import fc from 'fast-check';
import { Metrics } from '@culvert/telemetry';
import { describe, expect, it } from 'vitest';
import { mergeMetrics } from './merged-metrics.ts';

const TEXT = `# HELP a_total what is counted
# TYPE a_total counter
a_total 1

# HELP b what has labels
# TYPE b gauge
b{x="y z"} 2
`;

describe('the metrics of several workers', () => {
  it('are one text, in which each sample names its worker', () => {
    expect(
      mergeMetrics([
        { worker: 1, text: TEXT },
        { worker: 2, text: TEXT },
      ]),
    ).toBe(`# HELP a_total what is counted
# TYPE a_total counter
a_total{worker="1"} 1
a_total{worker="2"} 1

# HELP b what has labels
# TYPE b gauge
b{worker="1",x="y z"} 2
b{worker="2",x="y z"} 2
`);
  });

  it('are none without a worker', () => {
    expect(mergeMetrics([])).toBe('');
  });

  it('keep every sample, whatever its labels say, and each family once', async () => {
    const label = fc.string({ unit: 'binary' });
    const samples = fc.array(fc.record({ label, value: fc.integer() }), { maxLength: 5 });
    const families = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), samples, { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(families, { maxLength: 4 }), async (workers) => {
        const texts = await Promise.all(workers.map(expose));
        const merged = mergeMetrics(texts.map((text, at) => ({ worker: at + 1, text }))).split('\n');
        const wanted = texts.flatMap((text, at) =>
          samplesOf(text).map((sample) => [at + 1, sample] as const),
        );
        const found = merged.filter((line) => line !== '' && !line.startsWith('#'));
        expect(found.map(withoutWorker).sort(byText)).toEqual(wanted.sort(byText));
        const types = merged.filter((line) => line.startsWith('# TYPE '));
        expect(new Set(types).size).toBe(types.length);
      }),
    );
  });
});

type Family = Readonly<Record<string, readonly { readonly label: string; readonly value: number }[]>>;

async function expose(families: Family): Promise<string> {
  const metrics = new Metrics();
  for (const [name, samples] of Object.entries(families))
    metrics.gauge(name, `what is ${name}`, () =>
      samples.map(({ label, value }) => ({ labels: { label }, value })),
    );
  return (await metrics.expose()).text;
}

function samplesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

function withoutWorker(line: string): readonly [number, string] {
  const [, worker] = /^[a-z]+\{worker="(\d+)",/.exec(line) ?? [];
  return [Number(worker), line.replace(`worker="${worker}",`, '')];
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a) < String(b) ? -1 : 1;
}
