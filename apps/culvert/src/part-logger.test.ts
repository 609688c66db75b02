import { createLogger } from '@culvert/telemetry';
import { expect, it } from 'vitest';
import { partLogger } from './part-logger.ts';

it('the log of a part never says that the process is ready', async () => {
  const lines: string[] = [];
  const logger = await createLogger({ service: 'up', write: (line) => void lines.push(line) });
  const part = partLogger(logger, 'edge');
  part.info('ready');
  part.with({ more: 1 }).info('ready');
  part.info('draining');
  logger.info('ready');
  const told = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .map(({ msg, part }) => [msg, part]);
  expect(told).toEqual([
    ['part ready', 'edge'],
    ['part ready', 'edge'],
    ['draining', 'edge'],
    ['ready', undefined],
  ]);
});
