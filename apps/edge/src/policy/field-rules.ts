import { fieldLine } from '@culvert/http1';
import { fieldRuleProblem, parseTemplate, TemplateError } from '@culvert/routing';
import type { FieldAction, MessageKind, Segment } from '@culvert/routing';
import type { HeaderRules } from '@culvert/signals';
import { filled } from './request-facts.ts';
import type { RequestFacts } from './request-facts.ts';

interface Line {
  readonly name: string;
  readonly value: readonly Segment[];
}

/** Header rules of a route, compiled once. */
export class FieldRules {
  /** The authority that the service is asked for, where a rule sets one. */
  readonly host: readonly Segment[] | undefined;
  readonly #kind: MessageKind;
  /** Names that are removed, or set and so removed before; as `plain` has them. */
  readonly #gone = new Set<string>();
  readonly #removed = new Set<string>();
  /** Beginnings of names that are removed. */
  readonly #beginnings: string[] = [];
  readonly #lines: Line[] = [];

  /** Throws TemplateError for rules that this edge does not understand. */
  constructor(kind: MessageKind, { set = {}, add = {}, remove = [] }: HeaderRules) {
    this.#kind = kind;
    for (const name of remove) this.#remove(checked(kind, 'remove', name));
    for (const [name, value] of Object.entries(set)) {
      if (kind === 'request' && plain(name) === 'host') {
        this.host = parseTemplate(value);
        continue;
      }
      this.#gone.add(plain(checked(kind, 'set', name)));
      this.#lines.push({ name, value: parseTemplate(value) });
    }
    for (const [name, values] of Object.entries(add)) {
      checked(kind, 'add', name);
      for (const value of [values].flat()) this.#lines.push({ name, value: parseTemplate(value) });
    }
  }

  /** A block of field lines as the rules have it: removed, then set, then added. */
  apply(fields: string, facts: RequestFacts): string {
    let changed = this.#without(fields, this.#gone);
    for (const { name, value } of this.#lines) changed += fieldLine(name, filled(value, facts));
    return changed;
  }

  /** The same for what is no head of its own: interim responses and trailers lose what a head would lose. */
  removeFrom(fields: string): string {
    return this.#without(fields, this.#removed);
  }

  #remove(name: string): void {
    if (name.endsWith('*')) this.#beginnings.push(plain(name.slice(0, -1)));
    else {
      this.#gone.add(plain(name));
      this.#removed.add(plain(name));
    }
  }

  #without(fields: string, names: ReadonlySet<string>): string {
    if (names.size === 0 && this.#beginnings.length === 0) return fields;
    let left = '';
    for (let at = 0; at < fields.length;) {
      const end = fields.indexOf('\r\n', at) + 2;
      const name = plain(fields.slice(at, fields.indexOf(':', at)));
      if (!names.has(name) && !this.#beginsGone(name)) left += fields.slice(at, end);
      at = end;
    }
    return left;
  }

  #beginsGone(name: string): boolean {
    if (!this.#beginnings.some((beginning) => name.startsWith(beginning))) return false;
    // A pattern is not about what no rule may name.
    return fieldRuleProblem(this.#kind, 'remove', name) === undefined;
  }
}

/** Case does not matter, and to CGI-like services neither does `_` for `-`. */
const plain = (name: string): string => name.toLowerCase().replaceAll('_', '-');

function checked(kind: MessageKind, action: FieldAction, name: string): string {
  const problem = fieldRuleProblem(kind, action, name);
  if (problem !== undefined) throw new TemplateError(`${JSON.stringify(name)} ${problem}`);
  return name;
}
