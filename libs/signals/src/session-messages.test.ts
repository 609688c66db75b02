import { expect, it } from 'vitest';
import { SESSIONS_PER_MESSAGE, sessionMessages } from './session-messages.ts';
import type { SessionInfo } from './messages.ts';

const session = (id: number): SessionInfo => ({
  id: `s${id}`,
  tunnel: '4d21094e-b74c-4916-86c1-d9fa36ea677b',
  agent: 'a1',
  generation: 1,
  edge: 'eu-1',
  links: 4,
  address: '127.0.0.1:5000',
  version: '0.1.0',
  since: 0,
  draining: false,
  digest: 'd'.repeat(64),
  claims: { hostnames: [], ports: [] },
});

it.each([0, 1, SESSIONS_PER_MESSAGE, SESSIONS_PER_MESSAGE + 1, 3 * SESSIONS_PER_MESSAGE])(
  '%i sessions are told once each, the first message replacing what was known',
  (count) => {
    let seq = 7;
    const sessions = Array.from({ length: count }, (_, id) => session(id));
    const [first, ...rest] = sessionMessages('eu-1', 'b1', sessions, () => seq++);
    if (first?.mode !== 'all') expect.fail('the first message is not a full one');
    const added = rest.flatMap((message) => (message.mode === 'change' ? message.up : []));
    expect([...first.sessions, ...added]).toEqual(sessions);
    expect([first, ...rest].map((message) => message.seq)).toEqual(
      rest.reduce((all) => [...all, 7 + all.length], [7]),
    );
    const largest = Math.max(...[first, ...rest].map((message) => JSON.stringify(message).length));
    expect(largest).toBeLessThan(1_000_000);
  },
);
