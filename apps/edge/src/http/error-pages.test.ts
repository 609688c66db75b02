import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSettings } from '@culvert/settings';
import { afterAll, describe, expect, it } from 'vitest';
import { ErrorPages } from './error-pages.ts';
import { edgeSchema } from '../settings.ts';
import { startInstallation } from '../testing/edge-kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'pages-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const VALUES = { status: '503', title: 'T', code: 'c', reason: '<"a" & \'b\'>', request_id: 'r', host: 'h' };

describe('an error page', () => {
  it.each([
    [
      'html',
      '<p class={x: 1}>{reason}</p>{{code}}',
      '<p class={x: 1}>&#60;&#34;a&#34; &#38; &#39;b&#39;&#62;</p>{c}',
    ],
    ['json', '{"error": {"code": "{code}", "status": {status}, "why": "{reason}"}}', undefined],
    ['text', '{status} {title}: {reason} {request_id} {host}', '503 T: <"a" & \'b\'> r h'],
  ] as const)('%s is filled, each value as its kind wants it', (kind, text, filled) => {
    const body = new ErrorPages({ [kind]: file('page', text) }).body(kind, VALUES)!;
    if (filled === undefined) {
      expect(JSON.parse(body)).toEqual({ error: { code: 'c', status: 503, why: VALUES.reason } });
    } else expect(body).toBe(filled);
  });

  it('of a kind that has no file is the edge’s own', () => {
    expect(new ErrorPages({ text: file('page', 'x') }).body('html', VALUES)).toBeUndefined();
  });

  it('keeps its UTF-8', () => {
    const body = new ErrorPages({ text: file('page', 'déjà {code}') }).body('text', VALUES)!;
    expect(Buffer.from(body, 'latin1').toString('utf8')).toBe('déjà c');
  });
});

describe('the settings refuse a page', () => {
  const check = (kind: string, name: string) => () =>
    parseSettings(`id: eu-1\nentryPoints: [{ listen: ":0" }]\nerrors:\n  ${kind}: ${name}`, edgeSchema, {
      file: join(folder, 'edge.yml'),
      env: {},
    });

  it('that is not there', () => {
    expect(check('html', 'missing.html')).toThrow(
      /edge\.yml:4: errors\.html: .*missing\.html cannot be read/,
    );
  });

  it('with a placeholder that means nothing', () => {
    file('odd.html', '<p>{resaon}</p>');
    expect(check('html', 'odd.html')).toThrow(
      /errors\.html: .*odd\.html: unknown placeholder \{resaon\}; known are/,
    );
  });

  it('that would be no JSON', () => {
    file('odd.json', '{"error": {reason}}');
    expect(check('json', 'odd.json')).toThrow(/errors\.json: .*odd\.json is not JSON/);
  });

  it('that is too large', () => {
    file('large.txt', 'x'.repeat(70_000));
    expect(check('text', 'large.txt')).toThrow('has more than 65536 bytes');
  });
});

it('an edge answers with the pages that it was given, by what the client accepts', async () => {
  const errors = {
    html: file('a.html', '<h1>{host}: {code} é</h1>'),
    json: file('a.json', '{"c": "{code}"}'),
  };
  const { edge } = await startInstallation({ errors });
  const client = await edge.connect();
  client.request('GET /', ['Accept: text/html']);
  const html = await client.response();
  expect(html.fields).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-culvert-error': 'no_agent',
  });
  expect(Buffer.from(html.body, 'latin1').toString()).toBe('<h1>app.test: no_agent é</h1>');
  client.request('GET /', ['Accept: application/json']);
  expect(JSON.parse((await client.response()).body)).toEqual({ c: 'no_agent' });
  client.request('GET /');
  expect((await client.response()).body).toMatch(/^503 No agent: /);
  client.send('BAD\r\n\r\n');
  expect((await client.response()).body).toMatch(/^400 Bad request: /);
});
