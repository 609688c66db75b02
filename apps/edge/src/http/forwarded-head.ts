import { withoutFields } from '@culvert/http1';
import type { RequestHead } from '@culvert/http1';
import type { Client } from '../entry/client.ts';
import type { EntryRules } from '../entry/entry-rules.ts';

/**
 * The head that the agent and the service get: what the edge has understood, and nothing else. What strangers said
 * about earlier hops is gone with the fields that the parser took out.
 */
export function forwardedHead(head: RequestHead, client: Client, requestId: string): string {
  const { rules } = client;
  const fields = rules === undefined ? head.fields : ruledFields(head.fields, rules);
  return (
    `${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.host}\r\n${fields}${client.forwardedFields}` +
    `${hostFields(head, client)}X-Request-Id: ${requestId}\r\n${viaField(head, client)}` +
    `${connectionFields(head)}${framing(head)}\r\n`
  );
}

function ruledFields(fields: string, { withheld, requestFields }: EntryRules): string {
  return (withheld === undefined ? fields : withoutFields(fields, withheld)) + requestFields;
}

function hostFields(head: RequestHead, client: Client): string {
  if (client.forwardedStart === undefined) return `X-Forwarded-Host: ${client.host ?? head.host}\r\n`;
  const xForwarded = client.forwardedFields === '' ? '' : `X-Forwarded-Host: ${client.host ?? head.host}\r\n`;
  return `${xForwarded}${client.forwardedStart}${head.host}"\r\n`;
}

function viaField(head: RequestHead, { via }: Client): string {
  return head.minor === 1 ? via : via.replace('1.1', '1.0');
}

function framing(head: RequestHead): string {
  if (head.body === 'none') return head.contentLength === 0 ? 'Content-Length: 0\r\n' : '';
  return head.body === 'length'
    ? `Content-Length: ${head.contentLength}\r\n`
    : 'Transfer-Encoding: chunked\r\n';
}

function connectionFields(head: RequestHead): string {
  if (head.upgrade === undefined && !head.expectContinue && !head.teTrailers) return '';
  const upgrade = head.upgrade === undefined ? '' : `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  const te = head.teTrailers
    ? `${head.upgrade === undefined ? 'Connection: TE\r\n' : ''}TE: trailers\r\n`
    : '';
  return upgrade + te + (head.expectContinue ? 'Expect: 100-continue\r\n' : '');
}
