import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDemoService, type DemoService } from './demo-service.ts';

describe('the demo service', () => {
  let service: DemoService;
  let url = '';
  beforeAll(async () => {
    service = await startDemoService();
    url = `http://127.0.0.1:${service.address.port}/some/path?a=b`;
  });
  afterAll(() => service.close());

  it('tells in text what reached it', async () => {
    const response = await fetch(url, { headers: { 'x-test': 'yes' } });
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(text).toContain('GET /some/path?a=b');
    expect(text).toContain('x-test: yes');
  });

  it('tells the same as a page to browsers, with everything from outside escaped', async () => {
    const response = await fetch(url, { headers: { accept: 'text/html', 'x-test': '<script>' } });
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(text).toContain('&lt;script&gt;');
    expect(text).not.toContain('<script>');
  });

  it('answers HEAD and POST', async () => {
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
    const posted = await fetch(url, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(await posted.text()).toContain('POST /some/path');
  });
});
