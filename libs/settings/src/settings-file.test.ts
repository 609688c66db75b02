import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { count, duration, filePath, flag, listenAddress, name, secret, sizeAsWritten } from './fields.ts';
import { SettingsError } from './settings-error.ts';
import { parseSettings, readSettings, readValue } from './settings-file.ts';
import {
  either,
  list,
  mapped,
  mapping,
  oneOrMany,
  optional,
  optionalList,
  optionalSection,
  section,
} from './structure.ts';
import { natsUrl } from './urls.ts';

const schema = (folder: string) =>
  section(
    'a test',
    {
      id: name('what it is called'),
      listen: listenAddress('where it listens', ':8080'),
      token: optional(secret('what is shown')),
      nats: optional(oneOrMany('servers', natsUrl('one server'))),
      cert: optional(filePath('a certificate', folder)),
      limits: optionalSection('limits', { links: count('links', 4), wait: duration('waiting', '30s') }),
      rules: optionalList('rules', section('one', { to: name('where to') })),
      store: optional(
        either<[string, readonly string[], string]>(
          'store',
          name('one'),
          list('several', name('one')),
          mapped(section('named', { master: name('master') }), ({ master }) => master),
        ),
      ),
    },
    function* ({ id, rules }) {
      if (id === 'lonely' && rules.length > 0) yield { path: ['rules'], message: 'not for a lonely one' };
    },
  );

const parse = (text: string, env = {}) => parseSettings(text, schema, { file: '/etc/culvert/test.yml', env });

function problemsOf(text: string, env = {}): string[] {
  try {
    parse(text, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('parseSettings', () => {
  it('fills in defaults and leaves out what is absent', () => {
    expect(parse('id: a')).toEqual({
      id: 'a',
      listen: { host: '', port: 8080 },
      limits: { links: 4, wait: 30_000 },
      rules: [],
    });
  });

  it('takes the defaults of the keys that a section leaves out', () => {
    expect(parse('id: a\nlimits: { links: 9 }').limits).toEqual({ links: 9, wait: 30_000 });
  });

  it('reads JSON too', () => {
    expect(parse('{\n\t"id": "a",\n\t"limits": {"wait": "2m"}\n}').limits.wait).toBe(120_000);
  });

  it('makes paths relative to the folder of the file', () => {
    expect(parse('id: a\ncert: tls/a.pem').cert).toBe('/etc/culvert/tls/a.pem');
    expect(parse('id: a\ncert: /b.pem').cert).toBe('/b.pem');
  });

  it('takes one value where a list may stand', () => {
    expect(parse('id: a\nnats: nats://n1:4222').nats).toEqual(['nats://n1:4222']);
    expect(parse('id: a\nnats: [nats://n1:4222, n2]').nats).toEqual(['nats://n1:4222', 'n2']);
  });

  it('tells alternatives apart by their kind', () => {
    expect(parse('{id: a, store: x}').store).toBe('x');
    expect(parse('{id: a, store: [x, y]}').store).toEqual(['x', 'y']);
    expect(parse('{id: a, store: {master: m}}').store).toBe('m');
  });

  it('lays values under and over those of the file', () => {
    const layers = { under: { id: 'below', limits: { links: 1 } }, over: { limits: { wait: '1s' } } };
    const settings = parseSettings('limits: { links: 2 }', schema, { file: 'x.yml', ...layers });
    expect([settings.id, settings.limits]).toEqual(['below', { links: 2, wait: 1_000 }]);
  });
});

describe('the environment in a file', () => {
  it('supplies values, also within a text and for numbers', () => {
    const env = { NAME: 'eu', LINKS: '7', TOKEN: 's3cret: {x}' };
    const settings = parse('id: "${NAME}-1"\ntoken: ${TOKEN}\nlimits: { links: "${LINKS}" }', env);
    expect(settings.id).toBe('eu-1');
    expect(settings.token?.reveal()).toBe('s3cret: {x}');
    expect(settings.limits.links).toBe(7);
  });

  it('supplies what is true or false', () => {
    const schema = () => section('s', { on: flag('on', true) });
    const on = (text: string) => parseSettings(text, schema, { file: 'a.yml', env: { YES: 'true' } }).on;
    expect([on('{}'), on('on: false'), on('on: ${YES}')]).toEqual([true, false, true]);
    expect(() => on('on: maybe')).toThrow('a.yml:1: on: expected true or false, not "maybe"');
  });

  it('takes the default of a variable that is unset or empty', () => {
    expect(parse('id: ${NAME:-eu}').id).toBe('eu');
    expect(parse('id: ${NAME:-eu}', { NAME: '' }).id).toBe('eu');
    expect(parse('id: ${NAME:-eu}', { NAME: 'us' }).id).toBe('us');
  });

  it('leaves escaped references and comments alone, and does not search values again', () => {
    const env = { A: '${B}' };
    expect(parse('id: a # ${MISSING}\ntoken: "$${A} ${A}"', env).token?.reveal()).toBe('${A} ${B}');
  });

  it('names the variable that is not set, with line and key, once', () => {
    expect(problemsOf('id: a\nrules:\n  - to: x\n  - to: ${GONE}')).toEqual([
      '/etc/culvert/test.yml:4: rules.1.to: environment variable GONE is not set',
    ]);
  });

  it('refuses what is not a variable', () => {
    expect(problemsOf('id: ${1x}')[0]).toContain('"${1x}" is not a variable\'s name');
  });
});

describe("a section whose keys are the user's own", () => {
  const schema = () =>
    section('s', {
      fields: optional(mapping('fields', name('one'))),
      bytes: optional(sizeAsWritten('bytes', 10)),
    });
  const parse = (text: string) => parseSettings(text, schema, { file: 'a.yml', env: {} });

  it('keeps them as they are', () => {
    expect(parse('fields: { X-A: a, __proto__: b }').fields).toEqual({ 'X-A': 'a', ['__proto__']: 'b' });
  });

  it('names the one that is wrong', () => {
    expect(() => parse('fields:\n  X-A: a\n  X-B: "!"')).toThrow('a.yml:3: fields.X-B: expected a name');
    expect(() => parse('fields:\n  X-A:')).toThrow('a.yml:2: fields.X-A: expected a name');
    expect(() => parse('fields: [a]')).toThrow('a.yml:1: fields: expected a section, not a list');
  });

  it('leaves a size as it was written', () => {
    expect([parse('bytes: 1k').bytes, parse('bytes: 10').bytes]).toEqual(['1k', 10]);
    expect(() => parse('bytes: 1B')).toThrow('at least 10 bytes');
  });
});

describe('the problems of a file', () => {
  it('are told all at once, each with its line and key', () => {
    expect(
      problemsOf('id: ""\nlisten: 8080\nlimits:\n  links: 0\n  wait: 30\nrules:\n  - {}\n  - 5'),
    ).toEqual([
      '/etc/culvert/test.yml:1: id: expected a name of up to 64 letters, digits, ".", "_" and "-", not ""',
      '/etc/culvert/test.yml:2: listen: expected an address such as ":8080", "127.0.0.1:8080" or "[::1]:8080", not the number 8080',
      '/etc/culvert/test.yml:4: limits.links: expected a whole number from 1, not 0',
      '/etc/culvert/test.yml:5: limits.wait: expected a duration with its unit such as "500ms", "30s", "2m" or "1h", not the number 30',
      '/etc/culvert/test.yml:7: rules.0.to: is required: where to',
      '/etc/culvert/test.yml:8: rules.1: expected a section with keys of its own, not the number 5',
    ]);
  });

  it('suggest the key that was meant', () => {
    expect(problemsOf('id: a\nlimits:\n  lnks: 3\n  colour: 4')).toEqual([
      '/etc/culvert/test.yml:3: limits.lnks: unknown key; did you mean "links"?',
      '/etc/culvert/test.yml:4: limits.colour: unknown key; known here: links, wait',
    ]);
  });

  it('name a required key that is missing', () => {
    expect(problemsOf('')).toEqual(['/etc/culvert/test.yml:1: id: is required: what it is called']);
    expect(problemsOf('id:')).toEqual([expect.stringContaining(':1: id: expected a name')]);
  });

  it('are those of the alternative that was meant', () => {
    expect(problemsOf('{id: a, store: [x, "!"]}')).toEqual([
      expect.stringContaining('store.1: expected a name'),
    ]);
    expect(problemsOf('{id: a, store: {mastr: m}}')).toEqual([
      expect.stringContaining('store.master: is required'),
      expect.stringContaining('store.mastr: unknown key; did you mean "master"?'),
    ]);
    expect(problemsOf('{id: a, store: 5}')).toEqual([
      expect.stringContaining('store: cannot be the number 5'),
    ]);
  });

  it('include keys that do not go together', () => {
    expect(problemsOf('id: lonely\nrules: [{to: x}]')).toEqual([
      '/etc/culvert/test.yml:2: rules: not for a lonely one',
    ]);
  });

  it('include a key that is there twice', () => {
    expect(problemsOf('id: a\nlimits: {}\nid: b')).toEqual([
      '/etc/culvert/test.yml:3: id: is given twice; keys must be unique',
    ]);
    expect(problemsOf('id: a\nrules:\n  - {to: x}\n  - {to: x, to: y}')).toEqual([
      '/etc/culvert/test.yml:4: rules.1.to: is given twice; keys must be unique',
    ]);
  });

  it('include what is not YAML, with a hint about braces', () => {
    expect(problemsOf('id: a\nlimits: ]')[0]).toMatch(/^\/etc\/culvert\/test\.yml:2: /);
    expect(problemsOf('id: a\nlimits: { links: ${X} }')[0]).toContain('quote a value that holds "${...}"');
  });

  it('point into a list that an alias repeats', () => {
    const text = 'id: a\nlimits: &l { links: 2 }\nstore: { master: *l }';
    expect(problemsOf(text)).toEqual([expect.stringMatching(/:3: store\.master: expected a name/) as string]);
  });

  it('include aliases that multiply without bound', () => {
    const layers = Array.from({ length: 12 }, (_, at) => `x${at + 1}: &x${at + 1} [${`*x${at},`.repeat(9)}]`);
    expect(problemsOf(['x0: &x0 a', ...layers].join('\n'))).toEqual([expect.stringContaining('alias')]);
  });

  it('never show a secret', () => {
    const text = 'id: a\ntoken: {hunter2: hunter2}\nnats: ftp://user:hunter2@x';
    expect(problemsOf(text).map((line) => line.split(': ').slice(1).join(': '))).toEqual([
      expect.stringMatching(/^token: expected a secret text, .*, not a section$/) as string,
      expect.stringMatching(/^nats: .* not this value$/) as string,
    ]);
  });
});

describe('readSettings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'culvert-settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('reads a file and the environment of the process', () => {
    const file = join(folder, 'a.yml');
    writeFileSync(file, 'id: a\ncert: b.pem\n');
    expect(readSettings(file, schema)).toMatchObject({ id: 'a', cert: join(folder, 'b.pem') });
    expect(readValue(file)).toEqual({ id: 'a', cert: 'b.pem' });
  });

  it('tells that a file is not there as a problem of that file', () => {
    const file = join(folder, 'none.yml');
    expect(() => readSettings(file, schema)).toThrow(`${file}:1: there is no such file`);
  });
});
