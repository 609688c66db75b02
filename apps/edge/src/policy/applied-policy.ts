import { getField, hostnameOf, removeField } from '@culvert/http1';
import type { ResponseHead } from '@culvert/http1';
import { MAX_HEAD_BYTES } from '@culvert/wire';
import type { OwnAnswer } from '../http/own-answer.ts';
import type { Refusal } from '../http/refusal.ts';
import { withCleanQuery } from './clean-query.ts';
import { isInternalLocation } from './internal-location.ts';
import type { Policy } from './policy.ts';
import { redirectAnswer } from './redirect-answer.ts';
import { filled } from './request-facts.ts';
import type { RequestFacts } from './request-facts.ts';

/** A route's policy at one request and its response. */
export class AppliedPolicy {
  readonly #policy: Policy;
  readonly #facts: RequestFacts;

  constructor(policy: Policy, facts: RequestFacts) {
    this.#policy = policy;
    this.#facts = facts;
  }

  /** Where the edge answers by itself. */
  get ownAnswer(): OwnAnswer | undefined {
    const { redirect } = this.#policy;
    return redirect && this.onAnswer(redirectAnswer(redirect, this.#facts));
  }

  /** The head that the service gets, made of the one that it would get without a policy. */
  requestHead(plain: string): string | Refusal {
    const target = this.#target();
    if (typeof target !== 'string') return target;
    const lineEnd = plain.indexOf('\r\n') + 2;
    const fields = this.#requestFields(plain.slice(lineEnd, -2));
    if (typeof fields !== 'string') return fields;
    const head = `${this.#facts.head.method} ${target} HTTP/1.1\r\n${fields}\r\n`;
    if (head.length <= MAX_HEAD_BYTES) return head;
    return { code: 'head_too_large', reason: 'with what its route adds, the request head is too large' };
  }

  /** A final head, or that of a switch, as the client gets it. */
  responseHead(head: ResponseHead): ResponseHead | Refusal {
    const { responseFields, refusesInternalLocations } = this.#policy;
    if (refusesInternalLocations && this.#leadsInside(head)) {
      return {
        code: 'upstream_redirect',
        reason: 'the service answered with a redirect to an internal address',
      };
    }
    if (responseFields === undefined) return head;
    return { ...head, fields: responseFields.apply(head.fields, this.#facts) };
  }

  interimHead(head: ResponseHead): ResponseHead {
    const { responseFields } = this.#policy;
    return responseFields === undefined ? head : { ...head, fields: responseFields.removeFrom(head.fields) };
  }

  trailers(fields: string): string {
    return this.#policy.responseFields?.removeFrom(fields) ?? fields;
  }

  /** An answer of the edge's own, which the rules for answers are about too. */
  onAnswer(answer: OwnAnswer): OwnAnswer {
    const { responseFields } = this.#policy;
    return responseFields === undefined
      ? answer
      : { ...answer, fields: responseFields.apply(answer.fields, this.#facts) };
  }

  #target(): string | Refusal {
    const { rewrite, cleansQuery } = this.#policy;
    const { path, target } = this.#facts.head;
    const clean = cleansQuery ? withCleanQuery(target) : target;
    if (rewrite === undefined || !path.startsWith('/')) return clean;
    if (path.length > rewrite.maxPath) {
      return { code: 'uri_too_long', reason: 'the path is too long to be rewritten as its route says' };
    }
    const changed = rewrite.apply(path);
    if (changed === undefined) return clean;
    return changed.includes('?') ? changed : changed + clean.slice(path.length);
  }

  #requestFields(fields: string): string | Refusal {
    const { requestFields } = this.#policy;
    if (requestFields === undefined) return fields;
    const changed = requestFields.apply(fields, this.#facts);
    if (requestFields.host === undefined) return changed;
    const host = filled(requestFields.host, this.#facts).trim();
    if (hostnameOf(host) === undefined) {
      return { code: 'bad_request', reason: 'its route makes no valid host of this request' };
    }
    return `Host: ${host}\r\n${removeField(changed, 'host')}`;
  }

  #leadsInside({ status, fields }: ResponseHead): boolean {
    if (status !== 201 && (status < 300 || status > 399)) return false;
    const location = getField(fields, 'location');
    return location !== undefined && isInternalLocation(location, this.#facts.head.hostname);
  }
}
