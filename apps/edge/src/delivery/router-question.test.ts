import {
  MemoryBus,
  MemorySignals,
  NoRespondersError,
  RESOLVE,
  SignalsTimeoutError,
  everyRouter,
} from '@culvert/signals';
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

it('a router that hangs is not waited for while another one answers', async () => {
  const bus = new MemoryBus();
  const hung = new MemorySignals(bus);
  hung.respond(RESOLVE, () => new Promise(() => undefined), { queue: 'routers' });
  hung.respond(everyRouter(RESOLVE), () => new Promise(() => undefined));
  new MemorySignals(bus).respond(everyRouter(RESOLVE), () => GOOD);
  // Much less than the time after which it would be given up.
  expect(await askRouters(new MemorySignals(bus), RESOLVE, {}, 60_000)).toEqual(GOOD);
});

it('where all routers hang, that is known when the time is over', async () => {
  const bus = new MemoryBus();
  const hung = new MemorySignals(bus);
  for (const subject of [RESOLVE, everyRouter(RESOLVE)])
    hung.respond(subject, () => new Promise(() => undefined));
  const asking = askRouters(new MemorySignals(bus), RESOLVE, {}, 1_000);
  await expect(asking).rejects.toBeInstanceOf(SignalsTimeoutError);
});

it('where there is no router, that is known at once', async () => {
  await expect(start().ask()).rejects.toBeInstanceOf(NoRespondersError);
});
