import {
  compileRewrite,
  ExpressionError,
  fieldRuleProblem,
  parseRedirect,
  parseTemplate,
  RewriteError,
  TemplateError,
} from '@culvert/routing';
import type { FieldAction, MessageKind } from '@culvert/routing';
import {
  choice,
  count,
  durationText,
  either,
  list,
  mapping,
  oneOrMany,
  optional,
  section,
  sizeAsWritten,
  text,
  textField,
} from '@culvert/settings';
import type { RoutePolicy } from '@culvert/signals';

/** Slower than this is no service, bytes a second. */
const MIN_BANDWIDTH = 1_024;
const MAX_VALUE = 4_096;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** What a route may say of its traffic, besides where it leads. */
export const policyKeys = () => ({
  rewrite: optional(rewrite()),
  stripPrefix: optional(prefix()),
  requestHeaders: optional(headerRules('request', 'fields of requests; values may have placeholders')),
  responseHeaders: optional(headerRules('response', 'fields of answers; values may have placeholders')),
  redirect: optional(redirect()),
  query: optional(
    choice<'pass' | 'clean'>('parameters that services read differently pass (the default), or are removed', [
      'pass',
      'clean',
    ]),
  ),
  locations: optional(
    choice<'pass' | 'refuse'>(
      'redirects of the service to internal addresses pass (the default), or are answered 502',
      ['pass', 'refuse'],
    ),
  ),
  maxBody: optional(sizeAsWritten("of a request; absent: the edge's limits.bodySize", 0)),
  bandwidth: optional(bandwidth()),
  timeouts: optional(timeouts()),
});

/** Keys that make no sense for a public port. */
const HTTP_KEYS = [
  'rewrite',
  'stripPrefix',
  'requestHeaders',
  'responseHeaders',
  'redirect',
  'query',
  'locations',
  'maxBody',
] as const satisfies readonly (keyof RoutePolicy)[];

/** Policies that do not go together, or not with raw TCP. */
export function* badPolicy(policy: RoutePolicy, raw: boolean) {
  for (const key of HTTP_KEYS) {
    if (!raw || policy[key] === undefined) continue;
    yield { path: [key], message: 'needs "hostname": the edge does not look into raw TCP' };
  }
  if (policy.rewrite !== undefined && policy.stripPrefix !== undefined) {
    yield { path: ['stripPrefix'], message: 'cannot be told besides "rewrite"' };
  }
}

const rewrite = () =>
  section(
    'another path for the service; the query stays, unless "to" has a "?"',
    {
      from: text('regular expression on the path'),
      to: text('what takes the place of what it matches; "$1" to "$9" are its groups'),
    },
    function* ({ from, to }) {
      const problem = problemOf(() => compileRewrite(from, to));
      if (problem !== undefined) yield problem;
    },
  );

const prefix = () =>
  textField(
    {
      type: 'path',
      expected: 'a path such as "/v1"',
      parse: (text) => (/^(?:\/[^/\s?#%]+)+\/?$/.test(text) ? text : undefined),
    },
    'taken from the front of the path before the service gets it',
  );

const headerRules = (kind: MessageKind, description: string) =>
  section(
    description,
    {
      set: optional(mapping('in place of all fields of the name', fieldValue())),
      add: optional(mapping('besides fields of the name', oneOrMany('values', fieldValue()))),
      remove: optional(
        list('what is removed, before the others apply', text('a name; "X-Debug-*" is all such')),
      ),
    },
    function* ({ set = {}, add = {}, remove = [] }) {
      const values = (entries: Readonly<Record<string, string | readonly string[]>>) =>
        Object.entries(entries);
      for (const [name, value] of values(set)) yield* badField(kind, 'set', name, [value].flat());
      for (const [name, value] of values(add)) yield* badField(kind, 'add', name, [value].flat());
      for (const [at, name] of remove.entries()) {
        const message = fieldRuleProblem(kind, 'remove', name);
        if (message !== undefined)
          yield { path: ['remove', at], message: `${JSON.stringify(name)} ${message}` };
      }
    },
  );

/** May be empty. */
const fieldValue = () =>
  textField(
    {
      type: 'text',
      expected: 'a text without control characters, latin1',
      parse: (value) =>
        value.length <= MAX_VALUE && /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? value : undefined,
    },
    'value',
  );

function* badField(kind: MessageKind, action: FieldAction, name: string, values: readonly string[]) {
  const problem = fieldRuleProblem(kind, action, name);
  if (problem !== undefined) yield { path: [action, name], message: problem };
  for (const value of values) {
    const wrong = problemOf(() => parseTemplate(value));
    if (wrong !== undefined) yield { ...wrong, path: [action, name] };
  }
}

const redirect = () =>
  section(
    'the edge answers itself with a redirect; nothing reaches the tunnel',
    {
      to: text('where to, with placeholders: "https://www.example.com{uri}"'),
      status: count('301, 302, 303, 307 or 308', 308, { min: 301, max: 308 }),
    },
    function* ({ to, status }) {
      if (!REDIRECTS.includes(status)) {
        yield { path: ['status'], message: `must be one of ${REDIRECTS.join(', ')}` };
      }
      const problem = problemOf(() => parseRedirect(to));
      if (problem !== undefined) yield { ...problem, path: ['to'] };
    },
  );

const rate = (description: string) => sizeAsWritten(description, MIN_BANDWIDTH);

const bandwidth = () =>
  either(
    'bytes a second of one request or connection; one number is for each direction',
    rate('for each direction'),
    section('for each direction', {
      up: optional(rate('bytes a second from the client')),
      down: optional(rate('bytes a second to the client')),
    }),
  );

const timeouts = () =>
  section("in place of the edge's own", {
    firstByte: optional(durationText('for an answer to begin, from the end of the request')),
    bodyIdle: optional(
      durationText("for the next bytes of a request's body, and for a client to take some of its answer"),
    ),
    total: optional(durationText('for a request and its whole answer')),
    tunnelIdle: optional(
      durationText('for any byte of a raw or upgraded connection, and of an answer that has begun'),
    ),
  });

/** What is wrong, at the key that is to blame. */
function problemOf(compile: () => unknown): { path: string[]; message: string } | undefined {
  try {
    compile();
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return { path: ['from'], message: error.message };
    if (error instanceof RewriteError) return { path: [error.key], message: error.message };
    if (error instanceof TemplateError) return { path: [], message: error.message };
    throw error;
  }
}
