import type { Contestant, Skill } from '../contestants/contestant.ts';
import type { Running } from '../running.ts';
import type { Stage } from '../stage.ts';
import type { Figures } from '../statistics.ts';
import type { Upstream } from '../upstream.ts';

/** What a case may use to take its figures of one contestant. */
export interface Visit {
  readonly stage: Stage;
  readonly contestant: Contestant;
  readonly upstream: Upstream;
  /** The contestant, up and answering. */
  readonly running: Running;
  /** How long a run lasts, and how long it warms up before. */
  readonly seconds: number;
  readonly warmSeconds: number;
}

/** The figures of one run; `noise` is the share of the machine that something else used. */
export interface Taken {
  readonly figures: Figures;
  readonly noise: number;
}

/** A column of a case's table. */
export interface Column {
  readonly title: string;
  readonly of: (figures: Figures) => number | undefined;
  readonly digits: number;
}

/** Something to measure. Add one in a file here and in `every-case.ts`. */
export interface Case {
  readonly name: string;
  readonly title: string;
  /** `shared`: runs one after the other on one start; `own`: on a start of its own. */
  readonly start: 'shared' | 'own';
  /** Contestants without it are left out; absent: all take part. */
  readonly needs?: Skill;
  readonly columns: readonly Column[];
  /** Columns whose ratio to the contestants of reference is shown. */
  readonly compared: readonly Column[];
  measure(visit: Visit): Promise<Taken>;
}

/** A column that shows one figure as it was taken. */
export function column(title: string, figure: string, digits = 0): Column {
  return { title, of: (figures) => figures[figure], digits };
}

/** A column that adds up figures; absent ones count as nothing, but not all of them. */
export function sumColumn(title: string, names: readonly string[], digits = 0): Column {
  const of = (figures: Figures): number | undefined => {
    const present = names.flatMap((name) => figures[name] ?? []);
    return present.length === 0 ? undefined : present.reduce((sum, value) => sum + value, 0);
  };
  return { title, of, digits };
}
