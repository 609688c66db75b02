/**
 * What a route does with its traffic besides leading it to a tunnel: in the form of the configuration file, checked by
 * the router. An edge ignores keys that it does not know.
 */
export interface RoutePolicy {
  /** Regular expression on the path, and what takes the place of what it matches. */
  readonly rewrite?: { readonly from: string; readonly to: string };
  readonly stripPrefix?: string;
  readonly requestHeaders?: HeaderRules;
  readonly responseHeaders?: HeaderRules;
  /** An answer of the edge itself, to a place that may have placeholders. */
  readonly redirect?: { readonly to: string; readonly status: number };
  readonly query?: 'pass' | 'clean';
  readonly locations?: 'pass' | 'refuse';
  /** Of a request. */
  readonly maxBody?: Size;
  /** Bytes a second of one stream, from and to the client. */
  readonly bandwidth?: Size | { readonly up?: Size; readonly down?: Size };
  /** Durations such as `30s`, in place of the edge's own. */
  readonly timeouts?: {
    readonly firstByte?: string;
    readonly bodyIdle?: string;
    readonly total?: string;
    readonly tunnelIdle?: string;
  };
}

/** By name; values may have placeholders. First what is removed, then what is set, then what is added. */
export interface HeaderRules {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string | readonly string[]>>;
  /** Names; one that ends in `*` stands for all that begin so. */
  readonly remove?: readonly string[];
}

/** `16k`, `1MiB`, or bytes. */
export type Size = string | number;
