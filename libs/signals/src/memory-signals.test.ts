import { expect, it } from 'vitest';
import { MemoryBus } from './memory-bus.ts';
import { MemorySignals } from './memory-signals.ts';
import { signalsContract } from './signals.contract.ts';

let bus = new MemoryBus();
let members = 0;

signalsContract('MemorySignals', () => {
  if (members === 0) bus = new MemoryBus();
  members += 1;
  const signals = new MemorySignals(bus);
  signals.onState(() => (members -= 1));
  return Promise.resolve(signals);
});

it('a handler that throws is reported with its subject', async () => {
  const told: unknown[] = [];
  const signals = new MemorySignals(new MemoryBus(), {
    onHandlerError: (error, subject) => told.push([error, subject]),
  });
  const error = new RangeError('no');
  const done = new Promise<void>((resolve) => {
    signals.subscribe('news', () => {
      setImmediate(resolve);
      throw error;
    });
  });
  signals.publish('news', null);
  await done;
  expect(told).toEqual([[error, 'news']]);
});
