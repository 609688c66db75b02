import type { Case, Visit } from './cases/case.ts';
import type { Contestant } from './contestants/contestant.ts';
import type { Options } from './options.ts';
import { quiet } from './quiet.ts';
import type { Run } from './record.ts';
import { Running } from './running.ts';
import type { Stage } from './stage.ts';
import { isNoisy } from './statistics.ts';
import type { Upstream } from './upstream.ts';

export interface Season {
  readonly stage: Stage;
  readonly upstream: Upstream;
  readonly contestants: readonly Contestant[];
  readonly cases: readonly Case[];
  readonly options: Options;
  /** Told of every run as it ends. */
  readonly onRun: (run: Run) => void;
}

/** Lets all contestants take turns, each started afresh; every other round in reverse order. */
export async function play(season: Season): Promise<void> {
  for (let round = 1; round <= season.options.rounds; round += 1) {
    const order = round % 2 === 1 ? season.contestants : season.contestants.toReversed();
    for (const contestant of order) await turn(season, contestant, round);
  }
}

async function turn(season: Season, contestant: Contestant, round: number): Promise<void> {
  const cases = season.cases.filter(({ name }) => contestant.only?.includes(name) ?? true);
  const shared = cases.filter(({ start }) => start === 'shared');
  const alone = cases.filter(({ start }) => start === 'own');
  if (shared.length > 0) await perform(season, contestant, round, shared);
  for (const one of alone) await perform(season, contestant, round, [one]);
}

/** Starts a contestant once and runs some cases with it; a failure is a run of its own and ends only this. */
async function perform(
  season: Season,
  contestant: Contestant,
  round: number,
  cases: readonly Case[],
): Promise<void> {
  let running: Running | undefined;
  try {
    running = await Running.start(season.stage, contestant, season.upstream);
    const visit = visitOf(season, contestant, running);
    for (const one of cases) {
      if (one.needs !== undefined && !running.skills.has(one.needs)) continue;
      if (one.start === 'shared' || running.roles.length > 0) await attempt(season, one, visit, round);
    }
  } catch (error) {
    season.onRun(failure(contestant, 'start', round, error));
  } finally {
    await running?.stop();
  }
}

function visitOf({ stage, upstream, options }: Season, contestant: Contestant, running: Running): Visit {
  return { stage, contestant, upstream, running, seconds: options.seconds, warmSeconds: options.warmSeconds };
}

/** Runs one case, and again while other work disturbs it, as often as the options allow. */
async function attempt(season: Season, one: Case, visit: Visit, round: number): Promise<void> {
  const repeats = one.start === 'shared' ? season.options.repeats : 0;
  for (let number = 1; number <= 1 + repeats; number += 1) {
    await quiet(season.options.patienceSeconds);
    const run = await measure(one, visit, round, number);
    season.onRun(run);
    if (run.error !== undefined || !isNoisy(run)) return;
  }
}

async function measure(one: Case, visit: Visit, round: number, number: number): Promise<Run> {
  try {
    const { figures, noise } = await one.measure(visit);
    return { contestant: visit.contestant.name, case: one.name, round, attempt: number, noise, figures };
  } catch (error) {
    return failure(visit.contestant, one.name, round, error);
  }
}

function failure({ name }: Contestant, title: string, round: number, error: unknown): Run {
  const reason = error instanceof Error ? error.message : String(error);
  return { contestant: name, case: title, round, attempt: 1, noise: 0, figures: {}, error: reason };
}
