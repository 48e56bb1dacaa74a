import { toProblem, type FieldError } from '@/shared/problem';

/** What the API says of a form that was sent: for each of its fields, and of what is none of them. */
export interface FormErrors<F extends string> {
  fields: Partial<Record<F, string>>;
  rest: readonly FieldError[];
}

/** The form's field that `body.tickers.0` speaks of. */
function fieldOf<F extends string>(path: string, fields: readonly F[]): F | undefined {
  const parts = path.split('.');
  return fields.find((field) => parts.includes(field));
}

/**
 * Sorts the wrong fields of a refused request by the form's own; the first message of a field counts.
 *
 * @param say puts a wrong field into words; by itself, those of the API
 */
export function fieldErrors<F extends string>(
  error: unknown,
  fields: readonly F[],
  say: (item: FieldError) => string = ({ message }) => message,
): FormErrors<F> {
  const found: FormErrors<F> = { fields: {}, rest: [] };
  if (!error) return found;
  const rest: FieldError[] = [];
  for (const item of toProblem(error).errors) {
    const field = fieldOf(item.field, fields);
    if (field === undefined) rest.push(item);
    else found.fields[field] ??= say(item);
  }
  return { ...found, rest };
}
