import { toProblem, type FieldError } from '@/shared/problem';

/** What the API objected to, by the name of the form's field. */
export type FieldErrors = Readonly<Record<string, string>>;

/** One message may tell of several parameters. */
const NEXT = /; (?=params\.\w+: )/;

function split(item: FieldError): FieldError[] {
  const [first = '', ...others] = item.message.split(NEXT);
  return [
    { ...item, field: item.field.replace(/^body\./, ''), message: first },
    ...others.map((text) => {
      const colon = text.indexOf(': ');
      return { field: text.slice(0, colon), message: text.slice(colon + 2) };
    }),
  ];
}

/**
 * Messages of a refused definition by field; `tickers.3` counts as `tickers`.
 *
 * @param say puts a wrong field into words; by itself, those of the API
 */
export function fieldErrors(
  error: unknown,
  say: (item: FieldError) => string = ({ message }) => message,
): FieldErrors {
  const found: Record<string, string> = {};
  for (const item of toProblem(error).errors.flatMap(split)) {
    const name = item.field.replace(/\.\d+$/, '');
    found[name] ??= say(item);
  }
  return found;
}

const SECTIONS = {
  subject: ['ticker', 'exchange', 'panel', 'tickers', 'horizon', 'task'],
  model: ['model_type', 'params', 'search', 'seed'],
  features: ['features'],
  validation: ['start', 'end', 'validation'],
} as const;

export type Section = keyof typeof SECTIONS;

/** The first section of the form that an error is in; null when none is in any. */
export function firstSection(errors: FieldErrors): Section | null {
  const heads = Object.keys(errors).map((field) => field.split('.')[0] ?? '');
  const sections = Object.keys(SECTIONS) as Section[];
  return (
    sections.find((section) =>
      heads.some((head) => (SECTIONS[section] as readonly string[]).includes(head)),
    ) ?? null
  );
}
