/** Numbers and times as people of a language write them. Made once per language by {@link createFormat}. */
export interface Format {
  /** 1,234.56 */
  price: (value: number) => string;
  /** +1.2 % with its sign, of a share (0.012) */
  change: (share: number, digits?: number) => string;
  /** 54 % of a share (0.54) */
  percent: (share: number, digits?: number) => string;
  /** 12,154 */
  integer: (value: number) => string;
  /** 1.2M */
  compact: (value: number) => string;
  /** a value of any size: 1.2M, 691.28, 0.0123 */
  legend: (value: number) => string;
  /** any number, to at most so many digits after the point */
  number: (value: number, digits?: number) => string;
  /** a session's date (2012-09-14), which has no time zone */
  session: (day: string) => string;
  /** the same without the year */
  sessionShort: (day: string) => string;
  /** an instant with its time zone */
  instant: (iso: string) => string;
  /** its time of day */
  timeOfDay: (iso: string) => string;
  /** how long ago, to be read at a glance; numbers are ms since the epoch */
  ago: (at: string | number, now: number) => string;
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

function digitsOf(language: string) {
  const cache = new Map<string, Intl.NumberFormat>();
  return (key: string, options: Intl.NumberFormatOptions) => {
    let found = cache.get(key);
    if (!found) cache.set(key, (found = new Intl.NumberFormat(language, options)));
    return found;
  };
}

/** Formatters of a BCP 47 language; times of day in the browser's time zone. */
export function createFormat(language: string): Format {
  const digits = digitsOf(language);
  const date = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, options);
  const session = date({ year: 'numeric', month: 'short', day: 'numeric', timeZone: 'UTC' });
  const sessionShort = date({ month: 'short', day: 'numeric', timeZone: 'UTC' });
  const instant = date({
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
  const timeOfDay = date({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const percent = (share: number, places = 0) =>
    digits(`percent${places}`, {
      style: 'percent',
      minimumFractionDigits: places,
      maximumFractionDigits: places,
    }).format(share);

  return {
    price: (value) =>
      (Math.abs(value) < 10
        ? digits('small', { minimumFractionDigits: 2, maximumFractionDigits: 4 })
        : digits('price', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
      ).format(value),
    change: (share, places = 2) =>
      digits(`change${places}`, {
        style: 'percent',
        minimumFractionDigits: places,
        maximumFractionDigits: places,
        signDisplay: 'exceptZero',
      }).format(share),
    percent,
    integer: (value) => digits('integer', { maximumFractionDigits: 0 }).format(value),
    compact: (value) => digits('compact', { notation: 'compact', maximumFractionDigits: 1 }).format(value),
    legend: (value) =>
      Math.abs(value) >= 1e5
        ? digits('compact', { notation: 'compact', maximumFractionDigits: 1 }).format(value)
        : digits('legend', { maximumSignificantDigits: 5 }).format(value),
    number: (value, places = 2) => digits(`number${places}`, { maximumFractionDigits: places }).format(value),
    session: (day) => session.format(new Date(`${day}T00:00:00Z`)),
    sessionShort: (day) => sessionShort.format(new Date(`${day}T00:00:00Z`)),
    instant: (iso) => instant.format(new Date(iso)),
    timeOfDay: (iso) => timeOfDay.format(new Date(iso)),
    ago: (at, now) => {
      const seconds = Math.min(0, (new Date(at).getTime() - now) / 1000);
      const [unit, size] = UNITS.find(([, length]) => -seconds >= length) ?? ['second', 1];
      return relative.format(Math.round(seconds / size), unit);
    },
  };
}
