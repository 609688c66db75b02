/** The middle of a list of numbers (the mean of the two middle ones), or undefined of an empty list. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/** Figures of one run or of several, by name; a figure that was not taken is absent. */
export type Figures = Readonly<Record<string, number>>;

/** Takes the median of each figure over the runs that have it. */
export function medians(runs: readonly Figures[]): Figures {
  const names = new Set(runs.flatMap((run) => Object.keys(run)));
  return Object.fromEntries(
    [...names].map((name) => [name, median(runs.flatMap((run) => run[name] ?? [])) ?? Number.NaN]),
  );
}

/** More other work than this share of the machine makes a run unreliable. */
export const NOISE_LIMIT = 0.12;

/** A run with the share of the machine (0 to 1) that something else used meanwhile. */
export interface Disturbed {
  readonly noise: number;
}

export function isNoisy(run: Disturbed): boolean {
  return run.noise > NOISE_LIMIT;
}

/** What a figure rests on: the clean runs, or where there is none, the least disturbed one. */
export interface Chosen<Run extends Disturbed> {
  readonly runs: readonly Run[];
  readonly clean: boolean;
}

export function chooseRuns<Run extends Disturbed>(runs: readonly Run[]): Chosen<Run> {
  const clean = runs.filter((run) => !isNoisy(run));
  if (clean.length > 0) return { runs: clean, clean: true };
  return { runs: runs.toSorted((a, b) => a.noise - b.noise).slice(0, 1), clean: false };
}
