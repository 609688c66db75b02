import { everyCase } from './cases/every-case.ts';
import type { Book } from './record.ts';
import { entriesOf, table, type Entry } from './report.ts';
import type { Figures } from './statistics.ts';

/** One figure that culvert has to reach: against another contestant's, or against a fixed limit. */
export interface Goal {
  readonly title: string;
  readonly case: string;
  readonly own: (figures: Figures) => number | undefined;
  /** Contestants to compare with, the first one present counts; or a plain limit. */
  readonly against: { readonly names: readonly string[]; readonly of: Goal['own'] } | 'limit';
  /** What the ratio to the other (or with a limit the figure itself) may be at most, or must be at least. */
  readonly bound: { readonly most: number } | { readonly least: number };
}

/** How a goal came out; `skipped` where culvert or all it is compared with have no figures. */
export interface Outcome {
  readonly goal: Goal;
  readonly result: 'pass' | 'miss' | 'skipped';
  readonly value?: number;
  readonly against?: string;
}

const figure = (name: string) => (figures: Figures) => figures[name];
const both = (figures: Figures): number | undefined =>
  figures['cpuServer'] === undefined ? undefined : figures['cpuServer'] + (figures['cpuAgent'] ?? 0);
const server = figure('cpuServer');
const agent = figure('cpuAgent');

const RAW_TUNNELS = ['rathole', 'bore'];

/** The figures to reach within one run of the bench. */
export const goals: readonly Goal[] = [
  ratio('edge CPU a request, to HAProxy', 'c64', server, ['haproxy'], server, { most: 0.9 }),
  ratio('agent CPU a request, to HAProxy', 'c64', agent, ['haproxy'], server, { most: 0.9 }),
  ratio('edge + agent CPU a request, to a raw tunnel', 'c64', both, RAW_TUNNELS, both, { most: 1.25 }),
  ratio('requests/s, to frp', 'c64', figure('perSecond'), ['frp'], figure('perSecond'), { least: 8 }),
  ratio('requests/s, to piko', 'c64', figure('perSecond'), ['piko'], figure('perSecond'), { least: 8 }),
  ratio('p50, to a raw tunnel', 'c1', figure('p50'), RAW_TUNNELS, figure('p50'), { most: 1.5 }),
  ratio('edge CPU a new connection, to HAProxy', 'close', server, ['haproxy'], server, { most: 2 }),
  ratio('edge + agent CPU a new connection, to HAProxy', 'close', both, ['haproxy'], server, { most: 2 }),
  ...['bulk1', 'bulk8'].flatMap((name) => [
    ratio('MB/s, to a raw tunnel', name, figure('megabytes'), RAW_TUNNELS, figure('megabytes'), { least: 1 }),
    ratio('edge CPU a GB, to a raw tunnel', name, server, RAW_TUNNELS, server, { most: 1.3 }),
    ratio('agent CPU a GB, to a raw tunnel', name, agent, RAW_TUNNELS, agent, { most: 1.3 }),
  ]),
  limit('edge just started, MiB', 'start', 'rssServer', { most: 90 }),
  limit('agent just started, MiB', 'start', 'rssAgent', { most: 80 }),
  limit('edge under 512 busy connections, MiB', 'c512', 'rssServer', { most: 160 }),
  limit('edge ready at its second start, ms', 'start', 'serverReady', { most: 700 }),
  limit('edge, KiB an idle connection, warming up counted in', 'idle', 'kibServer', { most: 12 }),
  limit('edge, KiB a further idle connection', 'idle', 'furtherKibServer', { most: 12 }),
  // Of the further connections, as the first ones warm the agent up. "Nothing" as far as resident memory can
  // tell: less than a page for every four connections.
  limit('agent, KiB a further idle connection', 'idle', 'furtherKibAgent', { most: 1 }),
  limit('answers a second to 50 times the clients', 'overload', 'keptShare', { least: 0.8 }),
  limit('answers a second to 10 times the new connections', 'overload', 'closeShare', { least: 0.8 }),
  limit('slowest answer of the admin address, ms', 'overload', 'adminMs', { most: 1_000 }),
];

function ratio(
  title: string,
  name: string,
  own: Goal['own'],
  names: readonly string[],
  of: Goal['own'],
  bound: Goal['bound'],
): Goal {
  return { title, case: name, own, against: { names, of }, bound };
}

function limit(title: string, name: string, own: string, bound: Goal['bound']): Goal {
  return { title, case: name, own: figure(own), against: 'limit', bound };
}

/** Compares what culvert did in a book with the goals. */
export function judge(book: Book, all: readonly Goal[] = goals): readonly Outcome[] {
  const entries = new Map(everyCase.map(({ name }) => [name, entriesOf(book, name)]));
  return all.map((goal) => judgeOne(goal, entries.get(goal.case) ?? []));
}

function judgeOne(goal: Goal, entries: readonly Entry[]): Outcome {
  const own = entries.find(({ contestant }) => contestant === 'culvert');
  const value = own && goal.own(own.figures);
  if (value === undefined) return { goal, result: 'skipped' };
  if (goal.against === 'limit') return { goal, result: holds(goal.bound, value), value };
  const { names, of } = goal.against;
  const other = names.flatMap((name) => entries.find(({ contestant }) => contestant === name) ?? [])[0];
  const reference = other && of(other.figures);
  if (other === undefined || reference === undefined) return { goal, result: 'skipped' };
  const quotient = value / reference;
  return { goal, result: holds(goal.bound, quotient), value: quotient, against: other.contestant };
}

function holds(bound: Goal['bound'], value: number): 'pass' | 'miss' {
  const reached = 'most' in bound ? value <= bound.most : value >= bound.least;
  return reached ? 'pass' : 'miss';
}

/** Writes outcomes as a Markdown table. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ goal, result, value, against }) => [
    `${goal.case}: ${goal.title}`,
    'most' in goal.bound ? `≤ ${goal.bound.most}` : `≥ ${goal.bound.least}`,
    value?.toFixed(2) ?? '—',
    against ?? '',
    result,
  ]);
  return `### Figures to reach\n\n${table(['goal', 'bound', 'reached', 'against', 'result'], rows)}`;
}
