import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BadCursorError, RegistryDownError } from '@culvert/registry';
import type { Registry } from '@culvert/registry';
import type { Logger } from '@culvert/telemetry';
import type { Announcements } from '../announcements.ts';
import { LastAnswers } from './last-answers.ts';
import { ApiError, invalid, notFound } from './api-error.ts';
import { describeApi } from './openapi.ts';
import { edgeOperations } from './edge-operations.ts';
import { routeOperations } from './route-operations.ts';
import { sessionOperations } from './session-operations.ts';
import { tokenOperations } from './token-operations.ts';
import { tunnelOperations } from './tunnel-operations.ts';

const BASE = '/api/v1';

export interface ApiParts {
  readonly registry: Registry;
  readonly announcements: Announcements;
  readonly logger: Logger;
  /** What callers show as `Authorization: Bearer`; nobody is let in without. */
  readonly access: { readonly token: string | undefined };
  readonly now: () => number;
}

/** One request to an operation, after it has been authorized. */
export interface ApiCall {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** The last segment of a path that names one item. */
  readonly id: string;
}

export interface ApiAnswer {
  readonly status: number;
  /** Absent: no body. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Operation = (call: ApiCall) => Promise<ApiAnswer>;
/** Operations by path, where `/*` stands for an id, and method. */
export type Operations = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/** The REST API as a handler; it resolves with whether the request was for it. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export function createApi(parts: ApiParts): ApiHandler {
  const operations: Operations = {
    ...tunnelOperations(parts),
    ...routeOperations(parts),
    ...tokenOperations(parts),
    ...edgeOperations(parts),
    ...sessionOperations(parts),
    '/openapi.json': { GET: () => Promise.resolve({ status: 200, body: describeApi() }) },
  };
  const lastAnswers = new LastAnswers(parts.now);
  return async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://api');
    if (url.pathname !== '/api' && !url.pathname.startsWith('/api/')) return false;
    const answer = await perform(operations, lastAnswers, parts, request, url);
    send(response, answer);
    return true;
  };
}

async function perform(
  operations: Operations,
  lastAnswers: LastAnswers,
  parts: ApiParts,
  request: IncomingMessage,
  url: URL,
): Promise<ApiAnswer> {
  try {
    authorize(request, parts.access.token);
    const { methods, id } = locate(operations, url.pathname);
    const operation = methods[request.method ?? ''];
    if (operation === undefined) throw methodNotAllowed(request.method, methods);
    const call = { request, query: url.searchParams, id };
    return await (request.method === 'GET' ? lastAnswers.read(url, () => operation(call)) : operation(call));
  } catch (error) {
    return answerOf(error, parts.logger, request);
  }
}

function authorize(request: IncomingMessage, token: string | undefined): void {
  const [scheme = '', shown = ''] = (request.headers.authorization ?? '').split(' ', 2);
  // Digests have one length, whatever was shown.
  const [a, b] = [shown, token ?? ''].map((text) => createHash('sha256').update(text).digest());
  const same = token !== undefined && a !== undefined && b !== undefined && timingSafeEqual(a, b);
  if (scheme.toLowerCase() === 'bearer' && same) return;
  const headers = { 'www-authenticate': 'Bearer' };
  throw new ApiError(401, 'unauthorized', 'a valid bearer token is required', { headers });
}

function locate(
  operations: Operations,
  path: string,
): { readonly methods: Operations[string]; readonly id: string } {
  const within = path.startsWith(`${BASE}/`) ? path.slice(BASE.length) : '';
  const exact = operations[within];
  if (exact !== undefined) return { methods: exact, id: '' };
  const [, collection = '', id = '', ...rest] = within.split('/');
  const methods = operations[`/${collection}/*`];
  if (methods === undefined || id === '' || rest.length > 0) throw notFound(`resource ${path}`);
  return { methods, id: decode(id) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ApiError(400, 'bad_request', 'the path is not properly encoded', { cause });
  }
}

function methodNotAllowed(method: string | undefined, methods: object): ApiError {
  const allow = Object.keys(methods).join(', ');
  const headers = { allow };
  return new ApiError(405, 'method_not_allowed', `${method} is not possible here, only ${allow}`, {
    headers,
  });
}

function answerOf(error: unknown, logger: Logger, request: IncomingMessage): ApiAnswer {
  const told = toApiError(error);
  if (told.status === 500) logger.error('api request failed', { path: request.url, error });
  const { status, code, message, headers } = told;
  return { status, body: { error: { code, message } }, headers };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof BadCursorError) return invalid('invalid_parameter', error.message);
  if (error instanceof RegistryDownError) {
    const headers = { 'retry-after': '1' };
    const options = { cause: error, headers };
    return new ApiError(
      503,
      'registry_unavailable',
      'the registry is unavailable, so nothing can be changed, nor read that was not read before; try again',
      options,
    );
  }
  return new ApiError(500, 'internal', 'the request failed; the log says why', { cause: error });
}

function send(response: ServerResponse, { status, body, headers }: ApiAnswer): void {
  const text = body === undefined ? undefined : `${JSON.stringify(body)}\n`;
  const type = text === undefined ? {} : { 'content-type': 'application/json' };
  response.writeHead(status, { ...type, 'cache-control': 'no-store', ...headers }).end(text);
}
