import { afterEach, describe, expect, it } from 'vitest';
import { NoRespondersError, SignalsDownError, SignalsTimeoutError } from './signals.ts';
import type { Signals } from './signals.ts';

const TIMEOUT = { timeoutMs: 5_000 };

/** Runs the laws of `Signals`. `connect` makes connected members of one bus that nobody else uses. */
export function signalsContract(name: string, connect: () => Promise<Signals>): void {
  describe(`${name} as signals`, () => {
    const open: Signals[] = [];
    const member = async (): Promise<Signals> => {
      const signals = await connect();
      open.push(signals);
      return signals;
    };
    afterEach(async () => {
      await Promise.all(open.splice(0).map((signals) => signals.close()));
    });

    it('a message reaches every subscriber of its subject and no other', async () => {
      const [a, b] = [await member(), await member()];
      const heard: string[] = [];
      a.subscribe('pool.x', (message) => heard.push(`a ${JSON.stringify(message)}`));
      b.subscribe('pool.x', (message) => heard.push(`b ${JSON.stringify(message)}`));
      b.subscribe('pool.y', () => heard.push('y'));
      await settled(a, b);
      a.publish('pool.x', { size: 1 });
      await settled(a, b);
      expect(heard.sort()).toEqual(['a {"size":1}', 'b {"size":1}']);
    });

    it.each([
      ['pool.*', 'pool.x', 'hears'],
      ['pool.*', 'pool.x.y', 'ignores'],
      ['pool.*', 'pool', 'ignores'],
      ['*.x', 'pool.x', 'hears'],
      ['pool.>', 'pool.x.y', 'hears'],
      ['pool.>', 'pool', 'ignores'],
    ])('a subscription of %s, sent %s, %s it', async (pattern, subject, verdict) => {
      const a = await member();
      const heard: string[] = [];
      a.subscribe(pattern, (_, actual) => heard.push(actual));
      await settled(a);
      a.publish(subject, null);
      await settled(a);
      expect(heard).toEqual(verdict === 'hears' ? [subject] : []);
    });

    it('messages of one sender arrive in order', async () => {
      const [a, b] = [await member(), await member()];
      const heard: unknown[] = [];
      b.subscribe('counted', (message) => heard.push(message));
      await settled(a, b);
      const sent = Array.from({ length: 100 }, (_, at) => at);
      for (const at of sent) a.publish('counted', at);
      await settled(a, b);
      expect(heard).toEqual(sent);
    });

    it('receivers do not share objects with the sender, and undefined members vanish', async () => {
      const a = await member();
      const message = { inner: { value: 1 }, absent: undefined };
      const heard: unknown[] = [];
      a.subscribe('copied', (copy) => heard.push(copy));
      await settled(a);
      a.publish('copied', message);
      message.inner.value = 2;
      await settled(a);
      expect(heard).toEqual([{ inner: { value: 1 } }]);
      expect(Object.keys(heard[0] as object)).toEqual(['inner']);
    });

    it('handlers never run inside the call that publishes', async () => {
      const a = await member();
      let inside = true;
      const seen: boolean[] = [];
      a.subscribe('later', () => seen.push(inside));
      await settled(a);
      a.publish('later', null);
      inside = false;
      await settled(a);
      expect(seen).toEqual([false]);
    });

    it('one member of a queue group takes each message, and all members take part', async () => {
      const members = [await member(), await member(), await member()];
      const taken = members.map(() => 0);
      members.forEach((signals, at) => {
        signals.subscribe('work', () => (taken[at] = (taken[at] ?? 0) + 1), { queue: 'routers' });
      });
      await settled(...members);
      const sender = await member();
      for (let at = 0; at < 300; at++) sender.publish('work', at);
      await settled(sender, ...members);
      expect(taken.reduce((sum, count) => sum + count)).toBe(300);
      expect(Math.min(...taken)).toBeGreaterThan(0);
    });

    it('a request gets the answer of one responder', async () => {
      const [a, b] = [await member(), await member()];
      b.respond('double', async (message) => Promise.resolve(Number(message) * 2), { queue: 'routers' });
      await settled(b);
      expect(await a.request('double', 21, TIMEOUT)).toBe(42);
    });

    it('a responder on a wildcard is told the subject that was asked', async () => {
      const a = await member();
      a.respond('holders.*', (_, subject) => subject);
      await settled(a);
      expect(await a.request('holders.t1', null, TIMEOUT)).toBe('holders.t1');
    });

    it('a request that nobody answers fails at once', async () => {
      const a = await member();
      const started = performance.now();
      const asking = a.request('nobody', null, { timeoutMs: 60_000 });
      await expect(asking).rejects.toBeInstanceOf(NoRespondersError);
      expect(performance.now() - started).toBeLessThan(5_000);
    });

    it('a subject has no responder any more once its subscription has ended', async () => {
      const a = await member();
      const subscription = a.respond('brief', () => 'here');
      await settled(a);
      expect(await a.request('brief', null, TIMEOUT)).toBe('here');
      subscription.unsubscribe();
      await settled(a);
      await expect(a.request('brief', null, TIMEOUT)).rejects.toBeInstanceOf(NoRespondersError);
    });

    it('a responder that throws leaves the request unanswered', async () => {
      const a = await member();
      a.respond('broken', () => Promise.reject(new RangeError('no')));
      await settled(a);
      const asking = a.request('broken', null, { timeoutMs: 50 });
      await expect(asking).rejects.toBeInstanceOf(SignalsTimeoutError);
    });

    it('gathering hands over the answers of all responders', async () => {
      const members = [await member(), await member(), await member()];
      members.forEach((signals, at) => signals.respond('holders.t1', () => at));
      await settled(...members);
      const replies: unknown[] = [];
      const options = { windowMs: 300, onReply: (reply: unknown) => replies.push(reply) };
      await members[0]?.gather('holders.t1', null, options);
      expect(replies.sort()).toEqual([0, 1, 2]);
    });

    it('gathering where nobody answers the subject fails at once', async () => {
      const a = await member();
      const started = performance.now();
      const asking = a.gather('holders.none', null, { windowMs: 60_000, onReply: () => undefined });
      await expect(asking).rejects.toBeInstanceOf(NoRespondersError);
      expect(performance.now() - started).toBeLessThan(5_000);
    });

    it('gathering from responders that stay silent fails when the window closes', async () => {
      const a = await member();
      a.respond('silent', () => Promise.reject(new RangeError('no')));
      await settled(a);
      const asking = a.gather('silent', null, { windowMs: 50, onReply: () => undefined });
      await expect(asking).rejects.toBeInstanceOf(SignalsTimeoutError);
    });

    it('after close it hears nothing, drops what is published and refuses requests', async () => {
      const [a, b] = [await member(), await member()];
      const heard: unknown[] = [];
      const states: string[] = [];
      a.subscribe('news', (message) => heard.push(message));
      a.onState((state) => states.push(state));
      await settled(a);
      await a.close();
      b.publish('news', 1);
      a.publish('news', 2);
      await settled(b);
      expect(heard).toEqual([]);
      expect(a.state).toBe('disconnected');
      expect(states).toEqual(['disconnected']);
      await expect(a.request('news', null, TIMEOUT)).rejects.toBeInstanceOf(SignalsDownError);
    });
  });
}

/** Resolves when what each member sent or subscribed before has taken effect at every member. */
async function settled(...members: readonly Signals[]): Promise<void> {
  for (const signals of members) {
    // The bus keeps the order of one member's commands and answers them in turn.
    await expect(signals.request('settle.nobody', null, TIMEOUT)).rejects.toBeInstanceOf(NoRespondersError);
  }
  await new Promise((resolve) => setImmediate(resolve));
}
