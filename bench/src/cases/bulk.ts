import { BenchFault } from '../fault.ts';
import { bulkDownload } from '../bulk-download.ts';
import { column, sumColumn, type Case, type Taken, type Visit } from './case.ts';
import { cpuFigures, memoryFigures, meteredVisit } from './cost.ts';

const COLUMNS = [
  column('MB/s', 'megabytes'),
  column('server CPU s/GB', 'cpuServer', 2),
  column('agent CPU s/GB', 'cpuAgent', 2),
  column('upstream CPU s/GB', 'cpuUpstream', 2),
  column('server MiB', 'rssServer'),
  column('agent MiB', 'rssAgent'),
  column('errors', 'errors'),
];

const COMPARED = [
  column('MB/s', 'megabytes'),
  sumColumn('CPU of server + agent', ['cpuServer', 'cpuAgent'], 2),
];

export const bulk1 = bulk('bulk1', 'download of 100 MiB, again and again, 1 at a time', 1);
export const bulk8 = bulk('bulk8', 'download of 100 MiB, again and again, 8 at a time', 8);

function bulk(name: string, title: string, streams: number): Case {
  const measure = (visit: Visit): Promise<Taken> => measureBulk(visit, streams);
  return { name, title, start: 'shared', columns: COLUMNS, compared: COMPARED, measure };
}

// The meter sees the warm-up too, so CPU is divided by all bytes, and speed taken after it only.
async function measureBulk(visit: Visit, streams: number): Promise<Taken> {
  const load = { streams, seconds: visit.seconds, warmSeconds: 0.7, path: '/100m' };
  const { result, usage } = await meteredVisit(visit, () => bulkDownload(visit.stage, visit.running, load));
  if (result.bytes === 0) throw new BenchFault(`nothing was downloaded, ${result.errors} connections failed`);
  const figures = {
    megabytes: result.bytes / result.seconds / 1e6,
    errors: result.errors,
    ...cpuFigures(visit, usage, result.allBytes, 1e9),
    ...memoryFigures(visit, usage),
  };
  return { figures, noise: usage.noise };
}
