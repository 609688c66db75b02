import type { IncomingMessage } from 'node:http';
import { answerFor, proofOf, questionFor } from '../content.ts';
import { NoAnswerError } from '../user.ts';
import { WrongBytesError, fitting } from './kind.ts';
import type { Errand, Kind } from './kind.ts';

/** A small request with a small answer. */
export function small(method: 'GET' | 'PUT' | 'POST'): Kind {
  return {
    name: method.toLowerCase() as 'get' | 'put' | 'post',
    run: (errand) => ask(method, errand),
  };
}

async function ask(method: string, { user, hostname, seed }: Errand): Promise<void> {
  const question = method === 'GET' ? undefined : questionFor(seed);
  const incoming = await user.ask({
    hostname,
    method,
    path: `/nonce/${seed}`,
    ...(question === undefined ? {} : { headers: { 'content-length': question.length }, body: [question] }),
  });
  const body = await bodyOf(fitting(incoming));
  const { 'x-proof': proof, 'x-wrong': complaint } = incoming.headers;
  if (complaint !== undefined) throw new WrongBytesError(String(complaint));
  if (proof !== proofOf(seed)) throw new WrongBytesError('the answer’s head belongs to something else');
  if (!body.equals(answerFor(seed))) throw new WrongBytesError(`body of ${body.length} bytes`);
}

/** @throws NoAnswerError when it is cut off */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of incoming) parts.push(part as Buffer);
  } catch (error) {
    throw new NoAnswerError(error as NodeJS.ErrnoException, false);
  }
  return Buffer.concat(parts);
}
