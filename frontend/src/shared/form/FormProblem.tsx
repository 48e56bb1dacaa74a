import { ProblemAlert } from '@/shared/ui/States';
import { toProblem } from '@/shared/problem';
import type { FormErrors } from './fieldErrors';

/** What is wrong with a form that was sent, unless its fields say all of it. */
export function FormProblem<F extends string>({ error, errors }: { error: unknown; errors: FormErrors<F> }) {
  if (!error) return null;
  const { status, errors: told } = toProblem(error);
  const inFields =
    status === 422 && told.length > 0 && errors.rest.length === 0 && Object.keys(errors.fields).length > 0;
  return inFields ? null : <ProblemAlert error={error} />;
}
