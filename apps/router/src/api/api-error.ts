/** A request that is answered with an error. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }
}

export const notFound = (what: string): ApiError => new ApiError(404, 'not_found', `there is no ${what}`);
export const conflict = (code: string, message: string): ApiError => new ApiError(409, code, message);
export const invalid = (code: string, message: string): ApiError => new ApiError(422, code, message);
