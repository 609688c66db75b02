import type { RequestHead } from '@culvert/http1';
import type { LinkStream, StreamConsumer } from '@culvert/link';
import type { OpenMeta, ResetCode } from '@culvert/wire';

/** What a stream was opened with, as far as a service may be told. */
export type Opening = Pick<OpenMeta, 'head' | 'hostname' | 'client'>;

/** Where an ingress rule leads requests. */
export interface HttpTarget {
  /**
   * Takes a request on, and returns who takes what else arrives on its stream, or the code to refuse it with.
   * @param request what the head in `open` means
   */
  begin(stream: LinkStream, request: RequestHead, open: Opening): StreamConsumer | ResetCode;
}
