import { describe, expect, it } from 'vitest';
import { ErrorPages } from './error-pages.ts';
import { answerText } from './own-answer.ts';
import { REFUSALS, refusalAnswer } from './refusal.ts';
import type { RefusalCode } from './refusal.ts';
import { readResponse } from '../testing/response.ts';

const CONTEXT = {
  requestId: 'r-1',
  accept: undefined,
  hostname: 'app.test',
  pages: new ErrorPages({}),
  method: 'GET',
  keepAlive: true,
};
const respond = (code: RefusalCode, more: object = {}, reason = 'because') => {
  const context = { ...CONTEXT, ...more };
  const bytes = Buffer.from(answerText(refusalAnswer({ code, reason }, context), context), 'latin1');
  const response = readResponse(bytes, 0, true, 'method' in more ? 'without body' : 'by head')!;
  expect(response.end).toBe(bytes.length);
  return response;
};

describe('a refusal', () => {
  it.each(Object.keys(REFUSALS) as RefusalCode[])('with %s always names its code and the request', (code) => {
    const response = respond(code);
    expect(response.status).toBe(REFUSALS[code].status);
    expect(response.fields).toMatchObject({
      'x-culvert-error': code,
      'x-request-id': 'r-1',
      'cache-control': 'no-store',
    });
    expect(response.fields['connection']).toBeUndefined();
    expect(response.status === 503).toBe(response.fields['retry-after'] !== undefined);
    expect(response.body).toContain('because');
  });

  it.each([
    ['application/json', 'application/json'],
    ['application/problem+json, */*', 'application/json'],
    ['application/json, text/html', 'application/json'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html'],
    ['text/html, application/json', 'text/html'],
    ['application/json;q=0.5, text/html', 'text/html'],
    ['text/html; q=0.1, Application/JSON; charset=utf-8; q=0.9', 'application/json'],
    ['text/plain, application/json', 'application/json'],
    ['application/json;q=0, text/html;q=0', 'text/plain'],
    ['application/json;q=x', 'text/plain'],
    ['*/*', 'text/plain'],
    ['image/png', 'text/plain'],
    [undefined, 'text/plain'],
  ])('for a client that accepts %s is %s', (accept, type) => {
    expect(respond('no_agent', { accept }).fields['content-type']).toBe(`${type}; charset=utf-8`);
  });

  it('in JSON has the form of the API’s errors', () => {
    const { body } = respond('no_agent', { accept: 'application/json' });
    expect(JSON.parse(body)).toEqual({ error: { code: 'no_agent', message: 'because', requestId: 'r-1' } });
  });

  it.each(['text/html', 'application/json', 'text/plain'])(
    'as %s never becomes markup, nor anything but ASCII',
    (accept) => {
      const { body } = respond('unknown_hostname', { accept }, '<script>alert("é\u0000\r\n")</script>');
      if (accept === 'text/html') expect(body).not.toContain('<script>');
      expect(body).toMatch(/^[\n\x20-\x7e]*$/);
      if (accept === 'application/json') JSON.parse(body);
    },
  );

  it('to HEAD has the head only', () => {
    const response = respond('no_agent', { method: 'HEAD' });
    expect(Number(response.fields['content-length'])).toBeGreaterThan(0);
  });

  it('says so when it is the last on its connection', () => {
    expect(respond('bad_request', { keepAlive: false }).fields['connection']).toBe('close');
  });
});
