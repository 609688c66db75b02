import { getField } from '@culvert/http1';
import type { RequestHead } from '@culvert/http1';
import type { PlaceholderName, Segment } from '@culvert/routing';
import type { Client } from '../entry/client.ts';

/** What the placeholders of a policy stand for. */
export interface RequestFacts {
  readonly head: RequestHead;
  readonly client: Client;
  readonly requestId: string;
  readonly tunnel: string;
  readonly edge: string;
  readonly region: string;
}

/** The text for one request: latin1, without anything that could end a line. */
export function filled(segments: readonly Segment[], facts: RequestFacts): string {
  let text = '';
  for (const segment of segments) text += typeof segment === 'string' ? segment : valueOf(segment, facts);
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, ' ');
}

export function valueOf(segment: Exclude<Segment, string>, facts: RequestFacts): string {
  if ('requestHeader' in segment) {
    if (segment.requestHeader === 'host') return facts.head.host;
    return getField(facts.head.fields, segment.requestHeader) ?? '';
  }
  return fact(segment.placeholder, facts);
}

function fact(
  name: PlaceholderName,
  { head, client, requestId, tunnel, edge, region }: RequestFacts,
): string {
  switch (name) {
    case 'client_ip':
      return client.address;
    case 'client_port':
      return client.text.slice(client.text.lastIndexOf(':') + 1);
    case 'host':
      return head.hostname;
    case 'method':
      return head.method;
    case 'path':
      return head.path;
    case 'query':
      return head.target.slice(head.path.length + 1);
    case 'uri':
      return head.target;
    case 'scheme':
      return client.proto;
    case 'request_id':
      return requestId;
    case 'tunnel':
      return tunnel;
    case 'edge':
      return edge;
    case 'region':
      return region;
    default:
      return name satisfies never;
  }
}
