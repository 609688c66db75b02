/** Preloaded into a service: its wall clock is wrong by so many ms. The monotonic clock is what it is. */
const offsetMs = Number(process.env['CHAOS_CLOCK_MS']);
const RightDate = Date;
const now = (): number => RightDate.now() + offsetMs;

globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
  get: (target, property, receiver) =>
    property === 'now' ? now : (Reflect.get(target, property, receiver) as unknown),
});
