/** Bounds of one message head, in bytes unless said otherwise. */
export interface HeadLimits {
  /** The whole head, from the first byte to the empty line's end. */
  readonly headBytes: number;
  readonly targetBytes: number;
  /** How many field lines. */
  readonly fields: number;
  readonly nameBytes: number;
  readonly valueBytes: number;
  /** `known` answers 501 to methods outside the IANA registry, `token` takes any token. */
  readonly methods: 'token' | 'known';
}

export const DEFAULT_HEAD_LIMITS: HeadLimits = {
  headBytes: 32_768,
  targetBytes: 16_384,
  fields: 128,
  nameBytes: 256,
  valueBytes: 16_384,
  methods: 'token',
};
