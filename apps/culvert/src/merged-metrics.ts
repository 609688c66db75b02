/** One process's metrics in the Prometheus text format. */
export interface WorkerMetrics {
  readonly worker: number;
  readonly text: string;
}

/** All of them as one text: each family once, each sample with the label of its worker. */
export function mergeMetrics(all: readonly WorkerMetrics[]): string {
  const families = new Map<string, { readonly head: string[]; readonly samples: string[] }>();
  for (const { worker, text } of all) {
    let family = '';
    for (const line of text.split('\n')) {
      const [, kind, name] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name !== undefined) family = name;
      const entry = families.get(family) ?? { head: [], samples: [] };
      families.set(family, entry);
      if (kind !== undefined) {
        if (!entry.head.some((known) => known.startsWith(`# ${kind} `))) entry.head.push(line);
      } else if (line !== '' && !line.startsWith('#')) {
        entry.samples.push(labelled(line, worker));
      }
    }
  }
  return [...families.values()].flatMap(({ head, samples }) => [...head, ...samples, '']).join('\n');
}

function labelled(sample: string, worker: number): string {
  const label = `worker="${worker}"`;
  const brace = sample.indexOf('{');
  if (brace !== -1 && brace < sample.indexOf(' ')) {
    const rest = sample.slice(brace + 1);
    return `${sample.slice(0, brace)}{${label}${rest.startsWith('}') ? '' : ','}${rest}`;
  }
  const space = sample.indexOf(' ');
  return `${sample.slice(0, space)}{${label}}${sample.slice(space)}`;
}
