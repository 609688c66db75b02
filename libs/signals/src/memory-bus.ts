/** Takes one message as JSON text; `reply` is there when the sender awaits an answer. */
export type Deliver = (json: string, subject: string, reply: ((json: string) => void) | undefined) => void;

interface Entry {
  readonly pattern: string;
  readonly queue: string | undefined;
  readonly deliver: Deliver;
}

/**
 * The bus that `MemorySignals` of one process share. It matches subjects as NATS does: `*` is one token, `>` at
 * the end the rest, and a queue group is known by pattern and name. Messages travel as JSON text and arrive in
 * the order they were sent, never within the call that sends them.
 */
export class MemoryBus {
  /** Literal subjects are found directly: there may be one for each tunnel. */
  readonly #literal = new Map<string, Set<Entry>>();
  readonly #wildcard = new Set<Entry>();
  #turn = 0;

  add(pattern: string, queue: string | undefined, deliver: Deliver): () => void {
    const entry = { pattern, queue, deliver };
    if (isWildcard(pattern)) {
      this.#wildcard.add(entry);
      return () => void this.#wildcard.delete(entry);
    }
    const entries = this.#literal.get(pattern) ?? new Set<Entry>();
    this.#literal.set(pattern, entries.add(entry));
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#literal.get(pattern) === entries) this.#literal.delete(pattern);
    };
  }

  /** Hands the message to all plain subscribers and one member of each queue group; returns how many they are. */
  send(subject: string, json: string, reply?: (json: string) => void): number {
    const receivers = this.#receivers(subject);
    for (const { deliver } of receivers) setImmediate(deliver, json, subject, reply);
    return receivers.length;
  }

  #receivers(subject: string): Entry[] {
    const plain: Entry[] = [];
    const groups = new Map<string, Entry[]>();
    for (const entry of this.#matching(subject)) {
      if (entry.queue === undefined) {
        plain.push(entry);
        continue;
      }
      const group = `${entry.pattern} ${entry.queue}`;
      groups.set(group, [...(groups.get(group) ?? []), entry]);
    }
    this.#turn += 1;
    for (const members of groups.values()) {
      const member = members[this.#turn % members.length];
      if (member !== undefined) plain.push(member);
    }
    return plain;
  }

  *#matching(subject: string): Generator<Entry> {
    yield* this.#literal.get(subject) ?? [];
    for (const entry of this.#wildcard) if (matches(entry.pattern, subject)) yield entry;
  }
}

function isWildcard(pattern: string): boolean {
  return pattern.split('.').some((token) => token === '*' || token === '>');
}

function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  if (wanted.at(-1) === '>') {
    return (
      tokens.length >= wanted.length && wanted.slice(0, -1).every((token, at) => covers(token, tokens[at]))
    );
  }
  return tokens.length === wanted.length && wanted.every((token, at) => covers(token, tokens[at]));
}

const covers = (wanted: string, token: string | undefined): boolean => wanted === '*' || wanted === token;
