import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { bytes, grouped } from '../figure.ts';
import type { Simulation } from '../simulation.ts';
import type { TableSize } from '../table-process.ts';

const STAGE = 'table of an edge';

/** What the names cost an edge that has resolved them: a process of its own, so that nothing else is counted. */
export async function measureTable({ size, plane, figures }: Simulation): Promise<void> {
  const child = fork(
    join(import.meta.dirname, '../table-process.ts'),
    [plane.nats.url, String(size.tableNames)],
    {
      execArgv: ['--expose-gc'],
    },
  );
  const [sizes] = (await once(child, 'message')) as [TableSize];
  await once(child, 'exit');
  figures.add(
    STAGE,
    `a hostname, of ${grouped(size.tableNames)} (the most that an edge keeps is 100,000)`,
    bytes(sizes.heap / size.tableNames),
  );
  figures.add(STAGE, 'resident memory that they add', bytes(sizes.resident));
}
