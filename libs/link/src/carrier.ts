/** What carries a link's bytes: a TCP or TLS socket, or a WebSocket. */
export interface Carrier {
  /** The other end's `address:port`, for logs. */
  readonly remote: string;

  /** Bytes taken by `write` that the operating system has not taken yet. */
  readonly backlog: number;

  /** Begins to deliver; called once. */
  start(sink: CarrierSink): void;

  /** Takes the bytes in order. They belong to the carrier until `done` is called, which may be before it returns. */
  write(bytes: Buffer, done: () => void): void;

  /** Ends after what was written has gone out, or after a second. */
  end(): void;

  /** Ends now; `onClose` follows. */
  destroy(): void;
}

export interface CarrierSink {
  /** The bytes are a view that is reused after the call. */
  onBytes(buffer: Buffer, start: number, end: number): void;
  /** The backlog has gone to the operating system. Never called from within `write`. */
  onDrain(): void;
  /** Nothing comes or goes any more; called once. */
  onClose(error: Error | undefined): void;
}
