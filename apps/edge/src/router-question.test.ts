import { MemoryBus, MemorySignals, NoRespondersError, RESOLVE, everyRouter } from '@culvert/signals';
import { expect, it, onTestFinished, vi } from 'vitest';
import { askRouters } from './router-question.ts';

const UNAVAILABLE = { error: 'registry_unavailable' };
const GOOD = { routes: [] };

/** Routers that answer so; those of the group are asked in some order. */
function start(...answers: object[]) {
  const bus = new MemoryBus();
  const signals = new MemorySignals(bus);
  const asked = { one: 0, all: 0 };
  for (const answer of answers) {
    const router = new MemorySignals(bus);
    router.respond(RESOLVE, () => (asked.one++, answer), { queue: 'routers' });
    router.respond(everyRouter(RESOLVE), () => (asked.all++, answer));
  }
  return { asked, ask: () => askRouters(signals, RESOLVE, {}, 1_000) };
}

it('one router is asked where it knows', async () => {
  const { ask, asked } = start(GOOD, GOOD);
  expect(await ask()).toEqual(GOOD);
  expect(asked).toEqual({ one: 1, all: 0 });
});

it('a router that has lost the registry never wins against one that has not', async () => {
  const { ask } = start(UNAVAILABLE, UNAVAILABLE, GOOD);
  for (let n = 0; n < 20; n++) expect(await ask()).toEqual(GOOD);
});

it('where all have lost it, that is the answer, soon', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let answer: unknown;
  void start(UNAVAILABLE, UNAVAILABLE)
    .ask()
    .then((given) => (answer = given));
  for (let passed = 0; passed < 900 && answer === undefined; passed += 10)
    await vi.advanceTimersByTimeAsync(10);
  expect(answer).toEqual(UNAVAILABLE);
});

it('where there is no router, that is known at once', async () => {
  await expect(start().ask()).rejects.toBeInstanceOf(NoRespondersError);
});
