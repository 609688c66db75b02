import type { SessionInfo, SessionsMessage } from './messages.ts';

/** Keeps a message far below the 1 MB that a NATS server takes by default. */
export const SESSIONS_PER_MESSAGE = 500;

/**
 * All sessions of an edge as messages: the first replaces what was known, the others add to it. `nextSeq` gives
 * the number of each message in turn.
 */
export function sessionMessages(
  edge: string,
  boot: string,
  sessions: readonly SessionInfo[],
  nextSeq: () => number,
): SessionsMessage[] {
  const first = sessions.slice(0, SESSIONS_PER_MESSAGE);
  const messages: SessionsMessage[] = [{ edge, boot, seq: nextSeq(), mode: 'all', sessions: first }];
  for (let at = SESSIONS_PER_MESSAGE; at < sessions.length; at += SESSIONS_PER_MESSAGE) {
    const up = sessions.slice(at, at + SESSIONS_PER_MESSAGE);
    messages.push({ edge, boot, seq: nextSeq(), mode: 'change', up, down: [] });
  }
  return messages;
}
