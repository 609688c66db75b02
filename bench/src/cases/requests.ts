import type { Skill } from '../contestants/contestant.ts';
import { wrk, type Load } from '../wrk.ts';
import { column, sumColumn, type Case, type Taken, type Visit } from './case.ts';
import { measureLoad } from './cost.ts';

interface Shape extends Pick<Load, 'connections' | 'connection' | 'tls'> {
  readonly needs?: Skill;
}

/** Of a case that sends requests. */
export const COLUMNS = [
  column('req/s', 'perSecond'),
  column('p50 ms', 'p50', 2),
  column('p99 ms', 'p99', 1),
  column('server µs/req', 'cpuServer', 1),
  column('agent µs/req', 'cpuAgent', 1),
  column('control µs/req', 'cpuControl', 1),
  column('upstream µs/req', 'cpuUpstream', 1),
  column('server MiB', 'rssServer'),
  column('agent MiB', 'rssAgent'),
  column('errors', 'errors'),
];

export const COMPARED = [
  sumColumn('CPU of server + agent', ['cpuServer', 'cpuAgent'], 1),
  column('req/s', 'perSecond'),
];

export const c64 = requests('c64', '64 kept-alive connections, 5 bytes', {
  connections: 64,
  connection: 'keep-alive',
});
export const c1 = requests('c1', '1 kept-alive connection, 5 bytes', {
  connections: 1,
  connection: 'keep-alive',
});
export const c512 = requests('c512', '512 kept-alive connections, 5 bytes', {
  connections: 512,
  connection: 'keep-alive',
});
export const close = requests('close', 'a new connection each request, 64 at a time, 5 bytes', {
  connections: 64,
  connection: 'close',
});

export const tls64 = requests('tls64', 'TLS terminated, 64 kept-alive connections, 5 bytes', {
  connections: 64,
  connection: 'keep-alive',
  tls: true,
});
export const tlsclose = requests('tlsclose', 'a new TLS connection each request, 64 at a time, 5 bytes', {
  connections: 64,
  connection: 'close',
  tls: true,
});

/** For those that share the port among several processes, and for comparison their own kind with one. */
export const workers = requests('workers', 'one process and several, 64 kept-alive connections, 5 bytes', {
  connections: 64,
  connection: 'keep-alive',
  needs: 'workers',
});

function requests(name: string, title: string, { needs, ...shape }: Shape): Case {
  const measure = (visit: Visit): Promise<Taken> => measureRequests(visit, { ...shape, path: '/' });
  const needed = needs ?? (shape.tls === true ? 'tls' : undefined);
  const skill = needed === undefined ? {} : { needs: needed };
  return { name, title, start: 'shared', ...skill, columns: COLUMNS, compared: COMPARED, measure };
}

async function measureRequests(visit: Visit, load: Omit<Load, 'seconds'>): Promise<Taken> {
  const { port, tlsPort, hostname } = visit.running;
  const address = { port: load.tls === true ? tlsPort : port, hostname };
  return measureLoad(visit, (seconds) => wrk(visit.stage, address, { ...load, seconds }));
}
